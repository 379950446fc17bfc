//! Predictions of a fine-tuned model.

use std::path::Path;

use burn::prelude::*;
use schemas::settings::FeatureSettings;

use crate::data::{Graph, GraphBatch, Inputs};
use crate::error::TrainError;
use crate::model::head::mean;
use crate::model::{Batch, Encoder, Pass, PropertyModel};
use crate::run::checkpoint::{NOISE_PREFIX, OPTIMISER_PREFIX};
use crate::run::cycle_ends::CycleEnds;
use crate::run::snapshot;
use crate::statistics::softmax;
use crate::weights::{self, Description, Target, TargetNumber};

/// Predictions for the B crystals of a batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BatchPredictions {
    /// Numbers in the units of the targets, or the probabilities of the classes, `[B][K]`. Of numbers of the sites those of
    /// every crystal's sites, `[B][nsites]`.
    pub targets: Vec<Vec<f64>>,
    /// Means over the atoms of their embeddings, `[B, width]`, row-major.
    pub embeddings: Vec<f32>,
}

impl BatchPredictions {
    /// Returns the width of an embedding.
    pub fn width(&self) -> usize {
        self.embeddings.len() / self.targets.len().max(1)
    }
}

/// A fine-tuned model without automatic differentiation.
#[derive(Debug)]
pub struct Predictor {
    /// The model with the last weights, and those with the weights at the ends of earlier cycles.
    models: Vec<PropertyModel>,
    description: Description,
    target: Target,
    device: Device,
}

impl Predictor {
    /// Loads the weights of a fine-tuned model, or a checkpoint of one, onto a device.
    ///
    /// # Errors
    /// [`TrainError::NotFinetuned`] for weights without a head, [`TrainError::Weights`] or
    /// [`TrainError::Model`] for a file that is damaged, or whose tensors are not those of the described model.
    pub fn load(path: &Path, device: &Device) -> Result<Self, TrainError> {
        let broken = |source| TrainError::Weights { path: path.to_owned(), source };
        let file = weights::read(path).map_err(broken)?;
        let not_finetuned = || TrainError::NotFinetuned { path: path.to_owned() };
        let description = file.description().map_err(broken)?;
        let description = description.ok_or_else(not_finetuned)?;
        let target = description.target.clone().ok_or_else(not_finetuned)?;
        let model = PropertyModel::blank(&description.model, target.head_size(), &device.clone().autodiff());
        let (last, cycle_ends) = CycleEnds::split(file.tensors);
        let models = std::iter::once(last).chain(cycle_ends).map(|weights| {
            let besides = [OPTIMISER_PREFIX, NOISE_PREFIX];
            let model = snapshot::with_weights(model.clone(), weights, &besides, path)?;
            Ok(model.valid())
        });
        let models = models.collect::<Result<_, TrainError>>()?;
        Ok(Self { models, description, target, device: device.clone() })
    }

    /// Returns the settings of the features that its crystals need.
    pub fn features(&self) -> &FeatureSettings {
        &self.description.features
    }

    /// Returns which edges its batches hold.
    pub fn graph(&self) -> Graph {
        self.description.model.graph()
    }

    /// Returns the parts that its batches must have.
    pub fn inputs(&self) -> Inputs {
        Encoder::inputs(&self.description.model)
    }

    /// Returns its target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Predicts the targets of a batch's crystals in order, and embeds the crystals by the last weights. With weights at the
    /// ends of cycles, the numbers or probabilities are the means of those of all cycles.
    pub fn predict(&self, graph: GraphBatch<f32>) -> BatchPredictions {
        let offsets = graph.atom_offsets.clone();
        let batch = Batch::new(graph, None, self.features().cutoff_angstrom, &self.device);
        let mut predictions = self.models.iter().map(|model| self.predict_by(model, &batch, &offsets));
        let mut averaged = predictions.next().unwrap_or_default();
        for further in predictions {
            add(&mut averaged.targets, &further.targets);
        }
        let count = self.models.len() as f64;
        averaged.targets.iter_mut().flatten().for_each(|sum| *sum /= count);
        averaged
    }

    /// Predicts by one of the models. `atoms` has the first atom of every crystal, and the number of atoms.
    fn predict_by(&self, model: &PropertyModel, batch: &Batch, atoms: &[usize]) -> BatchPredictions {
        let mut pass = Pass::evaluation();
        let encoding = model.encoder.encode(batch, &mut pass);
        let embeddings = mean(encoding.atoms.clone(), batch).into_data().iter::<f32>().collect();
        let predicted = model.head.predict(encoding, batch, &mut pass);
        let outputs: Vec<f64> = predicted.into_data().iter::<f64>().collect();
        let numbers = self.target.numbers();
        let of_crystal = |outputs: &[f64]| match self.target.classes.is_empty() {
            true => outputs
                .iter()
                .zip(&numbers)
                .map(|(output, number)| number.mean + number.std * output)
                .collect(),
            false => softmax(outputs, 1.0),
        };
        let targets = match (self.target.per_site, numbers.as_slice()) {
            (true, [TargetNumber { mean, std, .. }]) => {
                let numbers: Vec<f64> = outputs.iter().map(|output| mean + std * output).collect();
                atoms.windows(2).map(|ends| numbers[ends[0]..ends[1]].to_vec()).collect()
            }
            _ => outputs.chunks(self.target.outputs()).map(of_crystal).collect(),
        };
        BatchPredictions { targets, embeddings }
    }
}

/// Adds numbers of crystals to others.
fn add(sums: &mut [Vec<f64>], numbers: &[Vec<f64>]) {
    for (sum, number) in sums.iter_mut().flatten().zip(numbers.iter().flatten()) {
        *sum += number;
    }
}
