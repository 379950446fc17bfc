//! The objective of fine-tuning: the mean absolute or squared error of the standardised target.

use std::collections::HashMap;
use std::sync::Arc;

use burn::prelude::*;

use crate::config::finetune::{Loss, Standardise};
use crate::config::{Config, FinetuneConfig, ModelConfig, OptimiserConfig};
use crate::data::{GraphBatch, Inputs};
use crate::model::mask::DrawKey;
use crate::model::{Batch, Encoder, Head, Pass, PropertyModel};
use crate::optimiser::Optimiser;
use crate::ranks::Ranks;
use crate::run::step::{MSE, Objective, TOTAL};
use crate::run::terms::Terms;
use crate::task::Labelled;

/// Lower bound of the standard deviation, in the unit of the target, so that equal targets are not divided by zero.
const LEAST_STANDARD_DEVIATION: f64 = 1e-8;

/// Mean and standard deviation by which targets are standardised, those of the training targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardisation {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, at least 1e-8.
    pub std: f64,
}

impl Standardisation {
    /// Returns the statistics of crystals; 0 and 1 for [`Standardise::None`].
    pub fn of(crystals: &[Labelled], method: Standardise) -> Self {
        let count = crystals.len().max(1);
        let freedom = match method {
            Standardise::Population => count,
            Standardise::Sample => (count - 1).max(1),
            Standardise::None => return Self { mean: 0.0, std: 1.0 },
        };
        let mean = crystals.iter().map(|crystal| crystal.value).sum::<f64>() / count as f64;
        let squares: f64 = crystals.iter().map(|crystal| (crystal.value - mean).powi(2)).sum();
        Self { mean, std: (squares / freedom as f64).sqrt().max(LEAST_STANDARD_DEVIATION) }
    }
}

/// The loss `mean_b |ŷ_b − (y_b − mean)/std|` or `mean_b (ŷ_b − (y_b − mean)/std)²`. The former is reported in either
/// case, times std, as the mean absolute error in the unit of the target; the latter under [`MSE`] as well.
#[derive(Debug)]
pub struct Finetuning {
    targets: HashMap<String, f64>,
    standardisation: Standardisation,
    config: FinetuneConfig,
    model: ModelConfig,
    has_fresh_crystals: bool,
    cutoff_angstrom: f64,
    device: Device,
    ranks: Arc<dyn Ranks>,
}

/// A batch of crystals with their standardised targets.
#[derive(Debug)]
pub struct PropertyBatch {
    /// The crystals.
    pub batch: Batch,
    /// Standardised targets, shape `[B]`.
    pub targets: Tensor<1>,
}

impl Finetuning {
    /// Creates the objective for the crystals of a training and a validation set. Batches are made on `device`, which
    /// must be one without automatic differentiation, and are shared by `ranks`.
    pub fn new<'a>(
        crystals: impl IntoIterator<Item = &'a Labelled>,
        standardisation: Standardisation,
        config: &Config,
        cutoff_angstrom: f64,
        device: &Device,
        ranks: &Arc<dyn Ranks>,
    ) -> Self {
        let targets = crystals.into_iter().map(|crystal| (crystal.material_id.clone(), crystal.value));
        Self {
            targets: targets.collect(),
            standardisation,
            config: config.finetune.clone(),
            model: config.model.clone(),
            has_fresh_crystals: false,
            cutoff_angstrom,
            device: device.clone(),
            ranks: Arc::clone(ranks),
        }
    }

    /// Sets whether the layer that embeds crystals is fresh. It is trained with the head then, even if the encoder is
    /// not.
    pub fn with_fresh_crystals(self, has_fresh_crystals: bool) -> Self {
        Self { has_fresh_crystals, ..self }
    }
}

impl Objective for Finetuning {
    type Model = PropertyModel;
    type Batch = PropertyBatch;

    fn inputs(&self) -> Inputs {
        Encoder::inputs(&self.model)
    }

    fn prepare(&self, graph: GraphBatch<f32>, _key: DrawKey) -> PropertyBatch {
        let Standardisation { mean, std } = self.standardisation;
        let target = |id: &String| {
            let value = self.targets.get(id).expect("the batches hold the crystals that are listed");
            ((value - mean) / std) as f32
        };
        let targets: Vec<f32> = graph.material_ids.iter().map(target).collect();
        let count = targets.len();
        let targets = Tensor::from_data(TensorData::new(targets, [count]), &self.device);
        let batch = Batch::shared(graph, None, self.cutoff_angstrom, &self.ranks, &self.device);
        PropertyBatch { batch, targets }
    }

    fn losses(&self, model: &PropertyModel, batch: &PropertyBatch, pass: &mut Pass) -> (Tensor<1>, Terms) {
        let crystals = &batch.batch;
        let encoding = match self.config.freeze_encoder {
            false => model.encoder.encode(crystals, pass),
            true => model.encoder.encode_frozen(crystals, self.has_fresh_crystals),
        };
        let errors = model.head.predict(encoding, crystals, pass) - batch.targets.clone();
        let mean = |errors: Tensor<1>| crystals.global.of_crystals(errors.mean());
        let absolute = mean(errors.clone().abs());
        let squared = (self.config.loss == Loss::Mse).then(|| mean(errors.powi_scalar(2)));
        let terms = match &squared {
            Some(squared) => Terms::new(&[TOTAL, MSE], &[absolute.clone(), squared.clone()]),
            None => Terms::new(&[TOTAL], std::slice::from_ref(&absolute)),
        };
        let terms = terms.averaged_over(&self.ranks).with_first_times(self.standardisation.std);
        (squared.unwrap_or(absolute), terms)
    }

    fn uploaded_bytes(&self, batch: &PropertyBatch) -> usize {
        batch.batch.uploaded_bytes
    }

    fn trains_on(&self, batch: &PropertyBatch) -> bool {
        Encoder::trains_on(&self.model, &batch.batch)
    }

    fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    fn optimiser(&self, config: &OptimiserConfig) -> Optimiser {
        let factor = self.config.head_learning_rate.map_or(1.0, |rate| rate / config.learning_rate);
        Optimiser::new(config).with_rate_factor(Head::prefixes(self.model.kind), factor)
    }

    /// Returns the number of crystals, so that the validation loss is the mean absolute error of the validation set.
    fn weight(&self, batch: &PropertyBatch) -> f64 {
        batch.batch.global.crystals() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_standardised_as_asked() {
        let crystal = |value| Labelled { material_id: String::new(), value };
        let crystals = [1.0, 2.0, 6.0].map(crystal);
        let of = |method| Standardisation::of(&crystals, method);
        assert_eq!(of(Standardise::Population), Standardisation { mean: 3.0, std: (14.0_f64 / 3.0).sqrt() });
        assert_eq!(of(Standardise::Sample), Standardisation { mean: 3.0, std: 7.0_f64.sqrt() });
        assert_eq!(of(Standardise::None), Standardisation { mean: 0.0, std: 1.0 });
        for method in [Standardise::Population, Standardise::Sample] {
            let one = Standardisation::of(&crystals[..1], method);
            assert_eq!(one, Standardisation { mean: 1.0, std: LEAST_STANDARD_DEVIATION });
        }
    }
}
