//! Predictions of a fine-tuned model for the crystals of a part.

use std::collections::HashMap;

use burn::prelude::*;

use super::Predictor;
use super::domain::TrainingCrystals;
use super::predictor::BatchPredictions;
use super::validated::Validated;
use crate::config::DataConfig;
use crate::data::{Selection, Stream, StreamSettings};
use crate::device;
use crate::error::TrainError;
use crate::task::Labelled;

/// A crystal with its predictions.
pub(crate) struct PredictedCrystal<'a> {
    /// Identifier.
    pub(crate) material_id: String,
    /// Predictions as those of [`Predictor::predict`], `[K]`, or `[nsites]` of numbers of the sites.
    pub(crate) targets: Vec<f64>,
    /// Embedding, `[width]`.
    pub(crate) embedding: &'a [f32],
    /// Atomic numbers of its atoms.
    pub(crate) atomic_numbers: &'a [u8],
}

/// Predicts all crystals of a selection in the order of the shards. `row` makes a result from each.
pub(crate) fn predict_selection<T>(
    predictor: &Predictor,
    selection: &Selection,
    data: &DataConfig,
    device: &Device,
    mut row: impl FnMut(PredictedCrystal<'_>) -> T,
) -> Result<Vec<T>, TrainError> {
    let settings = StreamSettings {
        graph: predictor.graph(),
        inputs: predictor.inputs(),
        bases_on_device: !device::computes_on_host(device),
        ..data.in_order()
    };
    let mut rows = Vec::new();
    for graph in Stream::<f32>::open(selection, settings)? {
        let graph = graph?;
        let (offsets, atomic_numbers) = (graph.atom_offsets.clone(), graph.atomic_numbers_as_bytes());
        let identifiers = graph.material_ids.clone();
        let predictions = predictor.predict(graph);
        let width = predictions.width();
        let BatchPredictions { targets, embeddings } = predictions;
        let crystals = identifiers.into_iter().zip(targets).zip(embeddings.chunks(width.max(1)));
        let crystals = crystals.zip(offsets.windows(2));
        rows.extend(crystals.map(|(((material_id, targets), embedding), atoms)| {
            let atomic_numbers = &atomic_numbers[atoms[0]..atoms[1]];
            row(PredictedCrystal { material_id, targets, embedding, atomic_numbers })
        }));
    }
    Ok(rows)
}

/// Predicts the crystals of a validation part.
pub(crate) fn validate(
    predictor: &Predictor,
    selection: &Selection,
    labelled: &[Labelled],
    data: &DataConfig,
    device: &Device,
) -> Result<Vec<Validated>, TrainError> {
    let targets: HashMap<&str, &[f64]> =
        labelled.iter().map(|crystal| (crystal.material_id.as_str(), &*crystal.targets)).collect();
    predict_selection(predictor, selection, data, device, |crystal| {
        let PredictedCrystal { material_id, targets: predictions, .. } = crystal;
        let targets = targets.get(material_id.as_str()).copied().unwrap_or_default();
        let targets = targets.iter().map(|target| Some(*target).filter(|target| !target.is_nan())).collect();
        Validated { material_id, targets, predictions }
    })
}

/// Records the embeddings and elements of the crystals of a training part.
pub(crate) fn record_training(
    predictor: &Predictor,
    selection: &Selection,
    crystals: usize,
    data: &DataConfig,
    device: &Device,
) -> Result<TrainingCrystals, TrainError> {
    let mut training = TrainingCrystals::new(crystals);
    predict_selection(predictor, selection, data, device, |crystal| {
        training.push(crystal.embedding, crystal.atomic_numbers);
    })?;
    Ok(training)
}
