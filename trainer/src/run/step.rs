//! One batch through the model, and one step of the optimiser.

use burn::prelude::*;

use crate::config::Config;
use crate::data::GraphBatch;
use crate::loss::{Losses, TOTAL};
use crate::model::mask::{DrawKey, Masks};
use crate::model::{Batch, Mmpt, Trace};
use crate::optimiser::{Adam, Gradients, Rates};
use crate::run::metrics;

/// Model and optimiser of a run.
#[derive(Debug)]
pub struct Learner {
    /// The model; `None` only while a step replaces it.
    model: Option<Mmpt>,
    /// The optimiser.
    pub optimiser: Adam,
    config: Config,
    cutoff_angstrom: f64,
    device: Device,
    gradients: Option<Gradients>,
    accumulated: usize,
}

/// What the losses of a batch are, as numbers.
pub type Values = metrics::Losses;

impl Learner {
    /// A learner; `device` is the one without automatic differentiation, on which batches are made.
    pub fn new(model: Mmpt, config: &Config, cutoff_angstrom: f64, device: &Device) -> Self {
        Self {
            model: Some(model),
            optimiser: Adam::new(&config.optimiser),
            config: config.clone(),
            cutoff_angstrom,
            device: device.clone(),
            gradients: None,
            accumulated: 0,
        }
    }

    /// The model.
    pub fn model(&self) -> &Mmpt {
        self.model.as_ref().expect("a model is there between two steps")
    }

    /// Draws a batch's masks and moves it to the device.
    pub fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> Batch {
        let masks = Masks::draw(self.config.model.masking, key, &graph.atom_offsets);
        Batch::new(graph, &masks, self.cutoff_angstrom, &self.device)
    }

    /// Losses of a batch, their gradients added to those of the step to come.
    pub fn learn(&mut self, batch: &Batch) -> Values {
        let (losses, values) = self.losses(self.model(), batch);
        let gradients = Gradients::collect(self.model(), losses.total.backward());
        match &mut self.gradients {
            None => self.gradients = Some(gradients),
            Some(sum) => sum.add(gradients),
        }
        self.accumulated += 1;
        values
    }

    /// Losses of a batch, nothing learnt.
    pub fn evaluate(&self, model: &Mmpt, batch: &Batch) -> Values {
        self.losses(model, batch).1
    }

    fn losses(&self, model: &Mmpt, batch: &Batch) -> (Losses, Values) {
        let mut trace = Trace::off();
        let prediction = model.forward(batch, &mut trace);
        let losses = Losses::new(&self.config.loss, &prediction, batch, &mut trace);
        let values = losses.values().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        (losses, values)
    }

    /// Batches whose gradients wait for a step.
    pub fn accumulated(&self) -> usize {
        self.accumulated
    }

    /// Norm of the mean gradient of the batches that wait; they are averaged by it, so that no batch
    /// can be added before the step.
    pub fn gradient_norm(&mut self) -> f64 {
        let Some(gradients) = &mut self.gradients else { return 0.0 };
        if self.accumulated > 1 {
            gradients.scale(1.0 / self.accumulated as f64);
            // The mean of one is itself.
            self.accumulated = 1;
        }
        gradients.norm()
    }

    /// Changes the weights by the gradients that wait, clipped if the configuration says so.
    pub fn step(&mut self, norm: f64, rates: Rates) {
        let (Some(mut gradients), Some(model)) = (self.gradients.take(), self.model.take()) else { return };
        if let Some(limit) = self.config.optimiser.clip_norm {
            gradients.clip(norm, limit);
        }
        self.model = Some(self.optimiser.step(model, gradients, rates));
        self.accumulated = 0;
    }
}

/// The weighted sum among the values of a batch.
pub fn total(values: &Values) -> f64 {
    values.get(TOTAL).copied().unwrap_or(f64::NAN)
}
