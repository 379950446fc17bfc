//! The objective of fine-tuning: the mean absolute error of the standardised target.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use burn::prelude::*;

use crate::config::{Config, FinetuneConfig, ModelConfig, OptimiserConfig};
use crate::data::{GraphBatch, Inputs};
use crate::model::mask::DrawKey;
use crate::model::{Batch, Encoder, Head, Pass, PropertyModel};
use crate::optimiser::Optimiser;
use crate::ranks::Ranks;
use crate::run::step::{Objective, TOTAL, Values};
use crate::task::Labelled;

/// Lower bound of the standard deviation, in the unit of the target, so that equal targets are not divided by zero.
const LEAST_STANDARD_DEVIATION: f64 = 1e-8;

/// Mean and standard deviation of the training targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardisation {
    /// Mean.
    pub mean: f64,
    /// Population standard deviation, at least 1e-8.
    pub std: f64,
}

impl Standardisation {
    /// Returns the statistics of crystals; 0 and 1 for none.
    pub fn of(crystals: &[Labelled]) -> Self {
        let count = crystals.len().max(1) as f64;
        let mean = crystals.iter().map(|crystal| crystal.value).sum::<f64>() / count;
        let squares: f64 = crystals.iter().map(|crystal| (crystal.value - mean).powi(2)).sum();
        Self { mean, std: (squares / count).sqrt().max(LEAST_STANDARD_DEVIATION) }
    }
}

/// The loss `mean_b |ŷ_b − (y_b − mean)/std|`. It is reported times std, as the mean absolute error in the unit of
/// the target.
#[derive(Debug)]
pub struct Finetuning {
    targets: HashMap<String, f64>,
    standardisation: Standardisation,
    config: FinetuneConfig,
    model: ModelConfig,
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
            cutoff_angstrom,
            device: device.clone(),
            ranks: Arc::clone(ranks),
        }
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

    fn losses(&self, model: &PropertyModel, batch: &PropertyBatch, pass: &mut Pass) -> (Tensor<1>, Values) {
        let crystals = &batch.batch;
        let encoding = match self.config.freeze_encoder {
            false => model.encoder.encode(crystals, pass),
            true => model.encoder.encode(crystals, &mut Pass::evaluation()).detach(),
        };
        let errors = (model.head.predict(encoding, crystals, pass) - batch.targets.clone()).abs();
        let loss = batch.batch.global.of_crystals(errors.mean());
        let mut error = [loss.clone().into_scalar::<f64>()];
        self.ranks.average(&mut error);
        let error = error[0] * self.standardisation.std;
        (loss, BTreeMap::from([(TOTAL.to_owned(), error)]))
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
