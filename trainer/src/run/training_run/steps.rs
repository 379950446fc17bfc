//! The records of steps: losses and norms are read from the device, compared with what a number is, and written.

use std::time::Instant;

use super::TrainingRun;
use crate::error::TrainError;
use crate::optimiser::Norm;
use crate::run::metrics::{Cost, Record, StepRecord};
use crate::run::progress::Position;
use crate::run::seconds::HostSeconds;
use crate::run::step::{Objective, Values, not_finite, total};
use crate::run::terms::Terms;
use crate::run::writer::Divergence;

/// A batch that was learned from. Its losses may still be on the device.
pub(super) struct LearnedBatch {
    pub(super) terms: Terms,
    /// Number of the batch in its epoch, from 1.
    pub(super) number: u64,
    /// Identifiers of the crystals.
    pub(super) identifiers: Vec<String>,
    pub(super) uploaded_bytes: u64,
}

/// A step that was taken, without losses and cost.
pub(super) struct TakenStep {
    pub(super) step: u64,
    pub(super) batches: Vec<LearnedBatch>,
    pub(super) norm: Norm,
    pub(super) learning_rate: f64,
    /// Number of crystals of the epoch up to this step.
    pub(super) position: u64,
    pub(super) seconds: HostSeconds,
}

impl<O: Objective> TrainingRun<'_, O> {
    /// Reads the losses of the steps that are not yet recorded, and records them.
    pub(super) fn record_steps(&mut self) -> Result<(), TrainError> {
        let taken = std::mem::take(&mut self.taken);
        if taken.is_empty() {
            return Ok(());
        }
        let steps = taken.len() as f64;
        let mut begun = Instant::now();
        let mut reading = HostSeconds::default();
        let mut read = Vec::with_capacity(taken.len());
        let mut diverged = None;
        for step in taken {
            match self.losses(&step.batches).and_then(|losses| Ok((losses, self.finite_norm(&step)?))) {
                Ok((losses, norm)) => read.push((losses, norm, step)),
                Err(error) => {
                    // The steps before are good, and recorded.
                    diverged = Some(error);
                    break;
                }
            }
        }
        HostSeconds::lap(&mut reading.read, &mut begun);
        // The steps of a reading are not timed one by one: the device works on them while the host goes on.
        let elapsed = (begun - self.read).as_secs_f64() / steps;
        self.read = begun;
        let (resident_bytes, gpu_busy) = (self.memory.resident_bytes(), self.gpu.busy());
        let epoch = self.state.epoch + 1;
        for (losses, gradient_norm, step) in read {
            let crystals = step.batches.iter().map(|batch| batch.identifiers.len() as u64).sum();
            let mut seconds = step.seconds;
            seconds += reading / steps;
            let cost = Cost { resident_bytes, ..Cost::of(elapsed, crystals, seconds.wait) };
            self.progress.update(Position { epoch, crystals: step.position, loss: total(&losses) });
            self.record(Record::Step(StepRecord {
                step: step.step,
                epoch,
                crystals,
                losses,
                learning_rate: step.learning_rate,
                gradient_norm,
                cost,
                host_seconds: seconds,
                uploaded_bytes: step.batches.iter().map(|batch| batch.uploaded_bytes).sum(),
                gpu_busy,
            }))?;
        }
        HostSeconds::lap(&mut self.seconds.record, &mut begun);
        diverged.map_or(Ok(()), Err)
    }

    /// Returns the mean losses of the batches of a step, and adds them to those of the epoch.
    fn losses(&mut self, batches: &[LearnedBatch]) -> Result<Values, TrainError> {
        let mut sums = Values::new();
        for LearnedBatch { terms, number, identifiers, .. } in batches {
            let values = terms.clone().read();
            if let Some(value) = not_finite(&values) {
                return Err(self.diverged("loss", value, *number, identifiers));
            }
            for (name, value) in values {
                *sums.entry(name.clone()).or_insert(0.0) += value;
                *self.state.sums.entry(name).or_insert(0.0) += value;
            }
        }
        let count = batches.len().max(1) as f64;
        Ok(sums.into_iter().map(|(name, sum)| (name, sum / count)).collect())
    }

    /// Returns the norm of the gradients of a step.
    fn finite_norm(&self, step: &TakenStep) -> Result<f64, TrainError> {
        let norm = step.norm.read();
        if norm.is_finite() {
            return Ok(norm);
        }
        let number = step.batches.last().map_or(self.state.batch, |batch| batch.number);
        let identifiers: Vec<String> =
            step.batches.iter().flat_map(|batch| batch.identifiers.iter().cloned()).collect();
        Err(self.diverged("norm of the gradients", norm, number, &identifiers))
    }

    /// Lists the crystals of a batch on which the run has diverged, and returns the error. `batch` counts from 1.
    pub(super) fn diverged(
        &self,
        quantity: &'static str,
        value: f64,
        batch: u64,
        identifiers: &[String],
    ) -> TrainError {
        let epoch = self.state.epoch + 1;
        let error = self.writer.diverged(Divergence { quantity, value, epoch, batch }, identifiers);
        // It is so on every rank: none may end the others before the list is written.
        self.ranks.any(true);
        error
    }
}
