//! Predictions of a fine-tuned model for the crystals of a part.

use std::collections::HashMap;

use burn::prelude::*;

use super::Predictor;
use crate::config::DataConfig;
use crate::data::{Selection, Stream, StreamSettings};
use crate::device;
use crate::error::TrainError;
use crate::report::validated::Validated;
use crate::task::Labelled;

/// Predicts all crystals of a selection in the order of the shards. `row` makes a result from a crystal's identifier,
/// predictions `[K]` and atomic numbers.
pub(crate) fn predict_selection<T>(
    predictor: &Predictor,
    selection: &Selection,
    data: &DataConfig,
    device: &Device,
    mut row: impl FnMut(String, Vec<f64>, &[u8]) -> T,
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
        let crystals = identifiers.into_iter().zip(predictions).zip(offsets.windows(2));
        rows.extend(crystals.map(|((material_id, prediction), atoms)| {
            row(material_id, prediction, &atomic_numbers[atoms[0]..atoms[1]])
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
    predict_selection(predictor, selection, data, device, |material_id, predictions, _| {
        let targets = targets.get(material_id.as_str()).copied().unwrap_or_default();
        let targets = targets.iter().map(|target| Some(*target).filter(|target| !target.is_nan())).collect();
        Validated { material_id, targets, predictions }
    })
}
