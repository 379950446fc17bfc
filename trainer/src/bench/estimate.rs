//! Estimates of the time of an epoch and of a run from a few timed steps.
//!
//! With the [`work`] `w` of a batch, the work `W` of all crystals, and sums over the timed steps, in seconds:
//!
//! ```text
//! train      = W_train * sum(preparation + gradients) / sum(w)
//!              + batches / accumulate * mean(norm + optimiser)
//! batches    = crystals * steps / sum(crystals of the steps)
//! read       = crystals / (crystals a second of the data path alone)
//! validation = W_validation * sum(validation) / sum(w)
//! epoch      = max(train, read) + validation        batches are built while the model computes
//! run        = epochs * epoch
//! ```

use serde::Serialize;

use super::steps::Steps;
use crate::config::Config;
use crate::data::Graph;
use crate::data::size::Size;

/// Work of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Number of crystals for training.
    pub crystals: u64,
    /// Sum of the [`work`] of the crystals for training.
    pub train: f64,
    /// Sum of the [`work`] of the crystals for validation.
    pub validation: f64,
}

/// Estimated time of an epoch and of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Seconds of an epoch, including validation.
    pub epoch_seconds: f64,
    /// Number of epochs of the run, if it does not stop early.
    pub epochs: u64,
    /// Seconds of the run.
    pub run_seconds: f64,
    /// Whether the run may stop early.
    pub may_stop_early: bool,
}

/// Returns the quantity that the time of a batch is assumed to be proportional to: the number of its atoms and edges,
/// or of its atoms alone if the model's graph has other edges than the store. It is positive for every crystal, even
/// without edges.
pub fn work(graph: Graph, size: &Size) -> f64 {
    match graph {
        Graph::Multigraph => (size.atoms + size.edges) as f64,
        Graph::Simple | Graph::Undirected { .. } | Graph::UndirectedWithLattice => size.atoms as f64,
    }
}

impl Estimate {
    /// Scales the timed steps to an epoch by the formula of this module. Preparation, gradients and validation scale
    /// with the work and not with the crystals, so that the result depends little on whether the drawn batches are
    /// larger or smaller than the mean.
    pub fn new(steps: &Steps, whole: &Work, config: &Config, data_crystals_per_s: f64) -> Self {
        let work = steps.sum(|step| step.work);
        let of_batches = steps.sum(|step| step.preparation + step.gradients) / work * whole.train;
        let batches = whole.crystals as f64 * steps.count() as f64 / steps.sum(|step| step.crystals as f64);
        let of_step = steps.sum(|step| step.norm + step.optimiser) / steps.count().max(1) as f64;
        let training = of_batches + of_step * batches / config.optimiser.accumulate as f64;
        // Batches are built while the model computes.
        let reading = whole.crystals as f64 / data_crystals_per_s;
        let validation = steps.sum(|step| step.validation) / work * whole.validation;
        let epoch_seconds = training.max(reading) + validation;
        let epochs = config.run.epochs;
        Self {
            epoch_seconds,
            epochs,
            run_seconds: epoch_seconds * epochs as f64,
            may_stop_early: config.run.early_stop.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::steps::Step;

    /// Returns a step of 10 µs per edge and 0.05 s per step.
    fn step(edges: u64) -> Step {
        Step {
            crystals: 8,
            triplets: 12 * edges as usize,
            uploaded_bytes: 0,
            size: Size { atoms: edges / 12, edges, pairs: 13 * edges },
            work: edges as f64,
            preparation: 1e-6 * edges as f64,
            gradients: 9e-6 * edges as f64,
            forward: 4e-6 * edges as f64,
            backward: 5e-6 * edges as f64,
            read: 0.0,
            norm: 0.01,
            optimiser: 0.04,
            validation: 3e-6 * edges as f64,
        }
    }

    fn steps(edges: &[u64]) -> Steps {
        let mut steps = Steps::default();
        for edges in edges {
            steps.push(step(*edges));
        }
        steps
    }

    fn config() -> Config {
        let mut config = Config::default();
        config.run.epochs = 5;
        config
    }

    const WHOLE: Work = Work { crystals: 800, train: 1e6, validation: 1e5 };

    #[test]
    fn an_epoch_is_its_work_and_its_steps() {
        // 10 s for the edges, 100 steps of 0.05 s, 0.3 s of validation, whatever batches were drawn.
        for edges in [&[10_000, 10_000][..], &[4_000, 30_000, 1_000]] {
            let estimate = Estimate::new(&steps(edges), &WHOLE, &config(), 1e9);
            assert!((estimate.epoch_seconds - 15.3).abs() < 1e-9, "{estimate:?}");
            assert!((estimate.run_seconds - 76.5).abs() < 1e-9, "{estimate:?}");
            assert!(!estimate.may_stop_early && estimate.epochs == 5);
        }
    }

    #[test]
    fn steps_of_several_batches_are_fewer() {
        let mut config = config();
        config.optimiser.accumulate = 4;
        config.run.early_stop = Some(3);
        let estimate = Estimate::new(&steps(&[10_000]), &WHOLE, &config, 1e9);
        assert!((estimate.epoch_seconds - 11.55).abs() < 1e-9, "{estimate:?}");
        assert!(estimate.may_stop_early);
    }

    #[test]
    fn a_slow_data_path_decides() {
        let estimate = Estimate::new(&steps(&[10_000]), &WHOLE, &config(), 20.0);
        assert!((estimate.epoch_seconds - 40.3).abs() < 1e-9, "{estimate:?}");
    }
}
