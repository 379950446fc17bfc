//! Losses of a batch, and steps of the optimiser.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::prelude::*;

use crate::config::{Config, OptimiserConfig};
use crate::data::{GraphBatch, Inputs};
use crate::device;
use crate::model::Pass;
use crate::model::mask::DrawKey;
use crate::optimiser::{Gradients, Norm, Optimiser, Rates};
use crate::ranks::Ranks;
use crate::run::average::WeightAverage;
use crate::run::cycle_ends::CycleEnds;
use crate::run::metrics;
use crate::run::noise::TrainingNoise;
use crate::run::seconds::HostSeconds;
use crate::run::terms::Terms;
use crate::weights::{self, Mismatch};

/// Name of the total loss among the losses of a batch and in records.
pub const TOTAL: &str = "loss";

/// Name of the mean squared error of the standardised target, where it is trained.
pub const MSE: &str = "mse";

/// Name of Huber's loss of the standardised target, where it is trained.
pub const HUBER: &str = "huber";

/// Losses of a batch by name.
pub type Values = metrics::Losses;

/// What losses are, by their names: `Edge lengths (L_Dis), Å` for `L_Dis`.
pub type Titles = BTreeMap<&'static str, String>;

/// A training objective: a model and its loss.
///
/// Any model can be trained. This example fits a straight line to batches of a [`Stream`](crate::data::Stream):
///
/// ```no_run
/// use std::sync::Arc;
///
/// use burn::module::Param;
/// use burn::prelude::*;
/// use trainer::config::OptimiserConfig;
/// use trainer::data::{GraphBatch, Inputs};
/// use trainer::model::Pass;
/// use trainer::model::mask::DrawKey;
/// use trainer::optimiser::Rates;
/// use trainer::ranks::{self, Ranks};
/// use trainer::run::step::{Learner, Objective, TOTAL};
/// use trainer::run::terms::Terms;
///
/// /// The first cell edge in Å by the number of atoms, as a straight line.
/// #[derive(Module, Debug)]
/// struct Line {
///     slope: Param<Tensor<1>>,
/// }
///
/// #[derive(Debug)]
/// struct CellEdge {
///     device: Device,
///     ranks: Arc<dyn Ranks>,
/// }
///
/// /// Numbers of atoms and edges, shape `[B]` each.
/// struct Cells {
///     atoms: Tensor<1>,
///     edges: Tensor<1>,
/// }
///
/// impl Objective for CellEdge {
///     type Model = Line;
///     type Batch = Cells;
///
///     fn inputs(&self) -> Inputs {
///         Inputs::default()
///     }
///
///     fn prepare(&self, graph: GraphBatch<f32>, _: DrawKey) -> Cells {
///         let atoms: Vec<f32> = graph.atom_offsets.windows(2).map(|pair| (pair[1] - pair[0]) as f32).collect();
///         let edges: Vec<f32> = graph.lattice_parameters.iter().step_by(6).copied().collect();
///         let tensor = |values: Vec<f32>| Tensor::from_floats(values.as_slice(), &self.device);
///         Cells { atoms: tensor(atoms), edges: tensor(edges) }
///     }
///
///     fn losses(&self, model: &Line, batch: &Cells, _: &mut Pass) -> (Tensor<1>, Terms) {
///         let predicted = batch.atoms.clone() * model.slope.val();
///         let loss = (predicted - batch.edges.clone()).abs().mean();
///         (loss.clone(), Terms::new(&[TOTAL], &[loss]))
///     }
///
///     fn uploaded_bytes(&self, _: &Cells) -> usize {
///         0
///     }
///
///     fn ranks(&self) -> &Arc<dyn Ranks> {
///         &self.ranks
///     }
///
///     fn weight(&self, batch: &Cells) -> f64 {
///         batch.atoms.dims()[0] as f64
///     }
/// }
///
/// fn train(graphs: impl Iterator<Item = GraphBatch<f32>>) -> Line {
///     let device = Device::flex();
///     let slope = Tensor::zeros([1], &device.clone().autodiff()).require_grad();
///     let objective = CellEdge { device, ranks: ranks::alone() };
///     let line = Line { slope: Param::from_tensor(slope) };
///     let mut learner = Learner::new(line, objective, &OptimiserConfig::default());
///     for (graph, first_crystal) in graphs.zip(0..) {
///         let batch = learner.objective.prepare(graph, DrawKey { seed: 1, epoch: 0, first_crystal });
///         learner.learn(&batch);
///         let norm = learner.gradient_norm();
///         learner.step(&norm, Rates { learning_rate: 1e-3, beta1: 0.9 });
///     }
///     learner.model().clone()
/// }
/// # fn main() {}
/// ```
pub trait Objective: Debug + Send + Sync + 'static {
    /// Type of the model.
    type Model: Module;
    /// Type of the model's input.
    type Batch: Send + 'static;

    /// Returns the parts that the batches must have.
    fn inputs(&self) -> Inputs;

    /// Moves this rank's share of a batch to the device. `key` determines all random draws. On a device with its own
    /// memory, a thread of its own does it while the model learns from the batch before.
    fn prepare(&self, graph: GraphBatch<f32>, key: DrawKey) -> Self::Batch;

    /// Returns the loss of a batch, shape `[1]`, and its terms, with the loss under [`TOTAL`]. The terms are those of
    /// the batch that all ranks share. The mean of the ranks' gradients is the gradient for that batch. `pass` is one
    /// for training or evaluation.
    fn losses(&self, model: &Self::Model, batch: &Self::Batch, pass: &mut Pass) -> (Tensor<1>, Terms);

    /// Returns what the losses are, in words with their units, for people. A loss without a title has its name.
    fn titles(&self) -> Titles {
        Titles::new()
    }

    /// Returns the number of bytes of a batch that were copied to the device; 0 on the host.
    fn uploaded_bytes(&self, batch: &Self::Batch) -> usize;

    /// Whether the model can be trained on a batch. It is the same on every rank. A batch with a single atom has no
    /// variance for a batch normalisation, for example.
    fn trains_on(&self, _batch: &Self::Batch) -> bool {
        true
    }

    /// Creates the optimiser of a new run.
    fn optimiser(&self, config: &OptimiserConfig) -> Optimiser {
        Optimiser::new(config)
    }

    /// Whether a parameter is learnt.
    fn learns(&self, _name: &str) -> bool {
        true
    }

    /// Returns the part of a model that is validated and kept as the best weights.
    fn kept(&self, model: Self::Model) -> Self::Model {
        model
    }

    /// Returns the ranks that train together.
    fn ranks(&self) -> &Arc<dyn Ranks>;

    /// Returns the weight of a batch in a mean over the validation set, the same on every rank.
    fn weight(&self, batch: &Self::Batch) -> f64;
}

/// The model and the optimiser of a run.
#[derive(Debug)]
pub struct Learner<O: Objective> {
    /// The objective.
    pub objective: Arc<O>,
    /// The model; `None` only while a step replaces it.
    model: Option<O::Model>,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// The average of the weights, if one is kept.
    pub average: Option<WeightAverage>,
    /// Weights at the ends of cycles, where they are kept.
    pub cycle_ends: CycleEnds,
    /// Noise on the weights and gradients.
    noise: Option<TrainingNoise>,
    clip_norm: Option<f64>,
    gradients: Option<Gradients>,
    accumulated: usize,
    seconds: HostSeconds,
}

impl<O: Objective> Learner<O> {
    /// Creates a learner without any steps.
    pub fn new(model: O::Model, objective: O, config: &OptimiserConfig) -> Self {
        Self {
            optimiser: objective.optimiser(config),
            objective: Arc::new(objective),
            model: Some(model),
            average: None,
            cycle_ends: CycleEnds::default(),
            noise: None,
            clip_norm: config.clip_norm,
            gradients: None,
            accumulated: 0,
            seconds: HostSeconds::default(),
        }
    }

    /// Creates the learner of a run. It averages the weights and adds noise as the configuration says.
    pub fn of_run(model: O::Model, objective: O, config: &Config) -> Self {
        Self {
            average: WeightAverage::new(&config.average),
            noise: TrainingNoise::new(&config.noise, config.seed),
            ..Self::new(model, objective, &config.optimiser)
        }
    }

    /// Restores the average of an earlier run.
    ///
    /// # Errors
    /// [`Mismatch`] if averages are missing, unexpected or of another size.
    pub fn restore_average(
        &mut self,
        averages: BTreeMap<String, weights::Tensor>,
        device: &Device,
    ) -> Result<(), Mismatch> {
        match (&mut self.average, &self.model) {
            (Some(average), Some(model)) => average.restore(model, averages, device),
            _ => Ok(()),
        }
    }

    /// Returns the model with the weights to validate and to keep: the average, or those of the last step.
    pub fn kept(&self) -> O::Model {
        let model = self.model().clone();
        let model = self.average.as_ref().map_or(model.clone(), |average| average.placed_in(model));
        self.objective.kept(model)
    }

    /// Returns the model.
    pub fn model(&self) -> &O::Model {
        self.model.as_ref().expect("a model is there between two steps")
    }

    /// Computes the losses of a batch, accumulates its gradients for the next step, and updates the running statistics
    /// of batch normalisations.
    pub fn learn(&mut self, batch: &O::Batch) -> Terms {
        let mut begun = Instant::now();
        let mut pass = Pass::training();
        let (steps, batches) = (u64::from(self.optimiser.steps()), self.accumulated);
        let learns = |name: &str| self.objective.learns(name);
        let noisy =
            self.noise.as_ref().and_then(|noise| noise.on_weights(self.model(), steps, batches, learns));
        let model = noisy.unwrap_or_else(|| self.model().clone());
        let (loss, terms) = self.objective.losses(&model, batch, &mut pass);
        let device = loss.device();
        HostSeconds::lap(&mut self.seconds.forward, &mut begun);
        let tape = loss.backward();
        let gradients = match device::joins_parameters(&device) {
            true => Gradients::collect_joined(&model, tape, |name| self.optimiser.group_of(name)),
            false => Gradients::collect(&model, tape),
        };
        match &mut self.gradients {
            None => self.gradients = Some(gradients),
            Some(sum) => sum.add(gradients),
        }
        self.accumulated += 1;
        self.model = self.model.take().map(|model| pass.running().update(model));
        HostSeconds::lap(&mut self.seconds.backward, &mut begun);
        terms
    }

    /// Returns the number of batches with accumulated gradients.
    pub fn accumulated(&self) -> usize {
        self.accumulated
    }

    /// Averages the accumulated gradients over batches and ranks and returns their norm. Do not add another batch
    /// before the step.
    pub fn gradient_norm(&mut self) -> Norm {
        let mut begun = Instant::now();
        let Some(gradients) = &mut self.gradients else { return Norm::default() };
        if self.accumulated > 1 {
            gradients.scale(1.0 / self.accumulated as f64);
            // The mean of one is itself.
            self.accumulated = 1;
        }
        gradients.average(&**self.objective.ranks());
        let norm = gradients.norm();
        HostSeconds::lap(&mut self.seconds.norm, &mut begun);
        norm
    }

    /// Updates the weights by the accumulated gradients, clipped if configured. `norm` is their norm.
    pub fn step(&mut self, norm: &Norm, rates: Rates) {
        let mut begun = Instant::now();
        let (Some(mut gradients), Some(model)) = (self.gradients.take(), self.model.take()) else { return };
        if let Some(limit) = self.clip_norm {
            gradients.clip(norm, limit);
        }
        if let Some(noise) = &self.noise {
            noise.on_gradients(&mut gradients, self.optimiser.steps().into());
        }
        let model = self.optimiser.step(model, gradients, rates);
        if let Some(average) = &mut self.average {
            average.after_step(&model, self.optimiser.steps().into());
        }
        self.model = Some(model);
        self.accumulated = 0;
        HostSeconds::lap(&mut self.seconds.optimiser, &mut begun);
    }

    /// Ends an epoch. `epochs` counts the epochs so far.
    pub fn end_epoch(&mut self, epochs: u64) {
        if let (Some(average), Some(model)) = (&mut self.average, &self.model) {
            average.after_epoch(model, epochs);
        }
    }

    /// Returns the host's seconds since the last call: forward and backward passes, norms and steps.
    pub fn take_seconds(&mut self) -> HostSeconds {
        std::mem::take(&mut self.seconds)
    }
}

/// Returns the first loss of a batch that is not finite, of the total and its terms.
pub(super) fn not_finite(values: &Values) -> Option<f64> {
    values.values().copied().find(|value| !value.is_finite())
}

/// Returns the total loss among the losses of a batch.
pub fn total(values: &Values) -> f64 {
    values.get(TOTAL).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_that_is_no_number_is_found_behind_a_total_that_is_one() {
        let losses = |noise: f64| Values::from([(TOTAL.to_owned(), 1.0), ("noise".to_owned(), noise)]);
        assert_eq!(not_finite(&losses(2.0)), None);
        assert!(not_finite(&losses(f64::NAN)).is_some_and(f64::is_nan));
        assert_eq!(not_finite(&losses(f64::INFINITY)), Some(f64::INFINITY));
        assert_eq!(
            not_finite(&Values::from([(TOTAL.to_owned(), f64::NEG_INFINITY)])),
            Some(f64::NEG_INFINITY)
        );
    }
}
