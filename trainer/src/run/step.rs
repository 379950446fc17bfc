//! One batch through the model, and one step of the optimiser.

use std::fmt::Debug;
use std::sync::Arc;

use burn::module::Module;
use burn::prelude::*;

use crate::config::OptimiserConfig;
use crate::data::{GraphBatch, Inputs};
use crate::model::mask::DrawKey;
use crate::optimiser::{Adam, Gradients, Rates};
use crate::ranks::Ranks;
use crate::run::metrics;

/// Name of the loss that is differentiated among the losses of a batch, and in records.
pub const TOTAL: &str = "loss";

/// What the losses of a batch are, as numbers.
pub type Values = metrics::Losses;

/// What is learnt: a model and the loss that it is trained by.
pub trait Objective: Debug {
    /// The model.
    type Model: Module;
    /// What the model takes.
    type Batch;

    /// What the batches must hold.
    fn inputs(&self) -> Inputs;

    /// Moves this rank's share of a batch to the device; `key` decides whatever is drawn at random.
    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> Self::Batch;

    /// The loss of a batch, shape `[1]`, to be differentiated, and its terms as numbers: the loss itself
    /// under [`TOTAL`]. The numbers are those of the batch that all ranks share, and so is the mean of the
    /// ranks' gradients.
    fn losses(&self, model: &Self::Model, batch: &Self::Batch) -> (Tensor<1>, Values);

    /// The optimiser of a run that has made no step.
    fn optimiser(&self, config: &OptimiserConfig) -> Adam {
        Adam::new(config)
    }

    /// The processes that train together.
    fn ranks(&self) -> &Arc<dyn Ranks>;

    /// What a batch counts in a mean over a validation set, on every rank the same.
    fn weight(&self, batch: &Self::Batch) -> f64;
}

/// Model and optimiser of a run.
#[derive(Debug)]
pub struct Learner<O: Objective> {
    /// What is learnt.
    pub objective: O,
    /// The model; `None` only while a step replaces it.
    model: Option<O::Model>,
    /// The optimiser.
    pub optimiser: Adam,
    clip_norm: Option<f64>,
    gradients: Option<Gradients>,
    accumulated: usize,
}

impl<O: Objective> Learner<O> {
    /// A learner that has made no step.
    pub fn new(model: O::Model, objective: O, config: &OptimiserConfig) -> Self {
        Self {
            optimiser: objective.optimiser(config),
            objective,
            model: Some(model),
            clip_norm: config.clip_norm,
            gradients: None,
            accumulated: 0,
        }
    }

    /// The model.
    pub fn model(&self) -> &O::Model {
        self.model.as_ref().expect("a model is there between two steps")
    }

    /// Losses of a batch, their gradients added to those of the step to come.
    pub fn learn(&mut self, batch: &O::Batch) -> Values {
        let (loss, values) = self.objective.losses(self.model(), batch);
        let gradients = Gradients::collect(self.model(), loss.backward());
        match &mut self.gradients {
            None => self.gradients = Some(gradients),
            Some(sum) => sum.add(gradients),
        }
        self.accumulated += 1;
        values
    }

    /// Batches whose gradients wait for a step.
    pub fn accumulated(&self) -> usize {
        self.accumulated
    }

    /// Norm of the mean gradient of the batches that wait, over all ranks; they are averaged by it, so
    /// that no batch can be added before the step.
    pub fn gradient_norm(&mut self) -> f64 {
        let Some(gradients) = &mut self.gradients else { return 0.0 };
        if self.accumulated > 1 {
            gradients.scale(1.0 / self.accumulated as f64);
            // The mean of one is itself.
            self.accumulated = 1;
        }
        gradients.average(&**self.objective.ranks());
        gradients.norm()
    }

    /// Changes the weights by the gradients that wait, clipped if the configuration says so.
    pub fn step(&mut self, norm: f64, rates: Rates) {
        let (Some(mut gradients), Some(model)) = (self.gradients.take(), self.model.take()) else { return };
        if let Some(limit) = self.clip_norm {
            gradients.clip(norm, limit);
        }
        self.model = Some(self.optimiser.step(model, gradients, rates));
        self.accumulated = 0;
    }
}

/// The loss among the values of a batch.
pub fn total(values: &Values) -> f64 {
    values.get(TOTAL).copied().unwrap_or(f64::NAN)
}
