//! Times of training steps, and their summary.

use serde::Serialize;

use crate::data::size::Size;

/// Minimum, median and maximum of several times.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Times {
    /// Minimum.
    pub min: f64,
    /// Median.
    pub median: f64,
    /// Maximum.
    pub max: f64,
}

/// Times of the parts of a step, in seconds.
#[derive(Debug, Clone, Serialize)]
pub struct Seconds {
    /// Drawing masks and moving the batch to the device.
    pub preparation: Times,
    /// Forward and backward pass, with the reading of the losses. A device with its own memory works on all parts of a
    /// step until then.
    pub gradients: Times,
    /// Computing the forward pass on the host, or giving its operations to the device.
    pub forward: Times,
    /// Computing the backward pass on the host, or giving its operations to the device.
    pub backward: Times,
    /// Reading of the losses and the norm, which waits for the device.
    pub read: Times,
    /// Norm of the gradients.
    pub norm: Times,
    /// Optimiser step. Its key in a report is the one of earlier versions.
    #[serde(rename = "optimizer")]
    pub optimiser: Times,
    /// Gradients and optimiser together, which other programs call a step.
    pub step: Times,
}

/// Mean size of batches.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BatchSize {
    /// Number of crystals.
    pub crystals: usize,
    /// Number of atoms.
    pub atoms: usize,
    /// Number of edges.
    pub edges: usize,
    /// Number of triplets.
    pub triplets: usize,
    /// Number of bytes that were copied to the device; 0 on the host.
    pub uploaded_bytes: usize,
}

/// A timed step.
#[derive(Debug, Clone, Copy, Default)]
pub struct Step {
    /// Number of crystals in the batch.
    pub crystals: usize,
    /// Number of triplets in the batch.
    pub triplets: usize,
    /// Number of bytes of the batch that were copied to the device; 0 on the host.
    pub uploaded_bytes: usize,
    /// Numbers of atoms, edges and pairs in the batch.
    pub size: Size,
    /// The [`work`](super::estimate::work) of the batch.
    pub work: f64,
    /// Seconds until the batch was on the device.
    pub preparation: f64,
    /// Seconds of the forward and backward pass and of reading the losses.
    pub gradients: f64,
    /// Seconds in which the host computed the forward pass, or gave its operations to the device.
    pub forward: f64,
    /// Seconds in which the host computed the backward pass, or gave its operations to the device.
    pub backward: f64,
    /// Seconds of reading losses and norm.
    pub read: f64,
    /// Seconds of the norm of the gradients.
    pub norm: f64,
    /// Seconds of the optimiser step.
    pub optimiser: f64,
    /// Seconds of the losses alone, as for validation; 0 without a validation set.
    pub validation: f64,
}

/// The timed steps.
#[derive(Debug, Clone, Default)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Adds a step.
    pub fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Returns the number of steps.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the sum of a part over all steps.
    pub fn sum(&self, part: impl Fn(&Step) -> f64) -> f64 {
        self.0.iter().map(part).sum()
    }

    fn times(&self, part: impl Fn(&Step) -> f64) -> Times {
        let mut seconds: Vec<f64> = self.0.iter().map(part).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |index: usize| seconds.get(index).copied().unwrap_or(f64::NAN);
        Times { min: at(0), median: at(seconds.len() / 2), max: at(seconds.len().saturating_sub(1)) }
    }

    /// Returns the seconds of each part.
    pub fn seconds(&self) -> Seconds {
        Seconds {
            preparation: self.times(|step| step.preparation),
            gradients: self.times(|step| step.gradients),
            forward: self.times(|step| step.forward),
            backward: self.times(|step| step.backward),
            read: self.times(|step| step.read),
            norm: self.times(|step| step.norm),
            optimiser: self.times(|step| step.optimiser),
            step: self.times(|step| step.gradients + step.optimiser),
        }
    }

    /// Returns the mean size of the batches.
    pub fn mean_size(&self) -> BatchSize {
        let count = self.count().max(1) as f64;
        let mean = |part: fn(&Step) -> f64| (self.sum(part) / count).round() as usize;
        BatchSize {
            crystals: mean(|step| step.crystals as f64),
            atoms: mean(|step| step.size.atoms as f64),
            edges: mean(|step| step.size.edges as f64),
            triplets: mean(|step| step.triplets as f64),
            uploaded_bytes: mean(|step| step.uploaded_bytes as f64),
        }
    }

    /// Returns the crystals per second over all steps.
    pub fn crystals_per_s(&self) -> f64 {
        let seconds = self.sum(|step| step.preparation + step.gradients + step.norm + step.optimiser);
        self.sum(|step| step.crystals as f64) / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(edges: u64, seconds: f64) -> Step {
        let size = Size { atoms: edges / 12, edges, pairs: 13 * edges };
        let triplets = 12 * edges as usize;
        Step {
            crystals: 8,
            triplets,
            size,
            gradients: seconds,
            optimiser: 0.25,
            norm: 0.5,
            ..Step::default()
        }
    }

    #[test]
    fn means_and_times_are_those_of_the_steps() {
        let mut steps = Steps::default();
        for (edges, seconds) in [(12_000, 1.0), (24_000, 4.0), (18_000, 2.0)] {
            steps.push(step(edges, seconds));
        }
        let size = steps.mean_size();
        assert_eq!((size.crystals, size.atoms, size.edges, size.triplets), (8, 1500, 18_000, 216_000));
        let Seconds { step, gradients, .. } = steps.seconds();
        assert_eq!([step.min, step.median, step.max], [1.25, 2.25, 4.25]);
        assert_eq!([gradients.min, gradients.median, gradients.max], [1.0, 2.0, 4.0]);
        assert_eq!(steps.crystals_per_s(), 24.0 / 9.25);
        assert_eq!(steps.count(), 3);
    }
}
