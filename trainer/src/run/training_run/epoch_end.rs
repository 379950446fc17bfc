//! The end of an epoch: means, validation, weights, records and curves.

use std::collections::BTreeMap;
use std::time::Instant;

use burn::module::Module;
use schemas::count::counted;

use super::{TrainingRun, loss_unit};
use crate::config::run::Select;
use crate::config::schedule::ScheduleKind;
use crate::error::TrainError;
use crate::model::Pass;
use crate::model::mask::DrawKey;
use crate::run::card::Card;
use crate::run::checkpoint::State;
use crate::run::metrics::{Cost, EpochRecord, Record};
use crate::run::prepared::Prepared;
use crate::run::snapshot;
use crate::run::step::{Objective, TOTAL, Values, not_finite, total};

impl<O: Objective> TrainingRun<'_, O> {
    /// Ends an epoch. Averages the losses of its batches, validates the model, keeps its weights if they are to be kept, and
    /// writes the record, the loss curves and a checkpoint.
    pub(super) fn finish_epoch(
        &mut self,
        begun: Instant,
        before: u64,
        waited: f64,
    ) -> Result<(), TrainError> {
        let State { batch: all, skipped, .. } = self.state;
        if skipped > 0 && skipped == all {
            return Err(TrainError::NothingTrained { epoch: self.state.epoch + 1, batches: all });
        }
        let batches = all.saturating_sub(skipped).max(1) as f64;
        let train: Values = std::mem::take(&mut self.state.sums)
            .into_iter()
            .map(|(name, sum)| (name, sum / batches))
            .collect();
        let epoch = self.state.epoch + 1;
        self.learner.end_epoch(epoch);
        let model = self.learner.kept();
        let validation = self.validate(&model)?;
        let deciding = match (self.select, &validation) {
            (Select::Validation | Select::Last, Some(validation)) => total(validation),
            _ => total(&train),
        };
        let best = deciding.is_finite() && self.state.best_loss.is_none_or(|best| deciding < best);
        if self.config.schedule.kind == ScheduleKind::Plateau {
            self.state.plateau.add(deciding, &self.config.schedule.plateau);
        }
        if best {
            (self.state.best_loss, self.state.best_epoch) = (Some(deciding), Some(epoch));
        }
        let kept = best || self.select == Select::Last;
        self.state.last_loss = (self.select == Select::Last).then_some(deciding);
        if kept {
            self.writer.best(&model, &self.description, &self.learner.cycle_ends)?;
        }
        if self.config.keeps_cycle_end(epoch) {
            self.learner.cycle_ends.push(snapshot::weights_of(&model));
        }
        let crystals = self.state.crystals;
        let cost = Cost {
            resident_bytes: self.memory.resident_bytes(),
            ..Cost::of(begun.elapsed().as_secs_f64(), crystals - before, waited)
        };
        let summary = self.epoch_summary(epoch, &train, validation.as_ref(), best) + &left_out(skipped);
        let record = EpochRecord { step: self.state.step, epoch, crystals, train, validation, best, cost };
        if kept {
            let card = Card {
                config: &self.config,
                description: &self.description,
                sources: self.crystals.train.sources(),
                crystals: self.crystals.train.crystals(),
                epoch: &record,
                constants: &self.constants,
            };
            self.writer.card(&card)?;
        }
        self.record(Record::Epoch(record))?;
        self.progress.say(&summary);
        self.state.missed += self.missed_in_epoch();
        (self.state.epoch, self.state.batch, self.state.crystals) = (epoch, 0, 0);
        self.state.skipped = 0;
        // Before the checkpoint: a run killed in between draws them once more when it is resumed.
        let titles = self.learner.objective.titles();
        self.writer.curves(&self.constants, &titles, loss_unit(&self.description))?;
        self.save()
    }

    /// Returns the mean losses of a model over the validation set. A loss that is not finite ends the run, as one of training
    /// does: the weights of this epoch have diverged, and no later one would bring them back.
    fn validate(&self, model: &O::Model) -> Result<Option<Values>, TrainError> {
        let Some(selection) = &self.crystals.validation else { return Ok(None) };
        // Shuffled, the same way every time: a mean over batches that mix the stores can be compared
        // with training's, one over each store's own batches can not.
        let settings = self.stream(DrawKey::VALIDATION, 0);
        let model = model.clone().valid();
        let mut batches = self.batches(selection, settings)?;
        let (mut sums, mut weights) = (BTreeMap::new(), 0.0);
        let objective = &self.learner.objective;
        let mut number = 0;
        while let Some(Prepared { origin, batch, .. }) = batches.next(|_| Ok(()))? {
            number += 1;
            let weight = objective.weight(&batch);
            let losses = objective.losses(&model, &batch, &mut Pass::evaluation()).1.read();
            if let Some(value) = not_finite(&losses) {
                return Err(self.diverged("validation loss", value, number, &origin.whole));
            }
            for (name, value) in losses {
                *sums.entry(name).or_insert(0.0) += weight * value;
            }
            weights += weight;
        }
        if sums.is_empty() {
            return Ok(None);
        }
        Ok(Some(sums.into_iter().map(|(name, sum): (String, f64)| (name, sum / weights)).collect()))
    }

    /// Returns a line about an epoch.
    fn epoch_summary(&self, epoch: u64, train: &Values, validation: Option<&Values>, best: bool) -> String {
        let loss = |values: &Values| self.progress.loss(total(values));
        let terms = train.iter().filter(|(name, _)| *name != TOTAL);
        let terms = terms.map(|(name, value)| format!("{name} {value:.4}")).collect::<Vec<_>>().join(", ");
        let validation =
            validation.map(|values| format!("; validation {}", loss(values))).unwrap_or_default();
        // The last weights are kept whatever their loss.
        let best = if best && self.select != Select::Last { ", best so far" } else { "" };
        let terms = if terms.is_empty() { terms } else { format!(" ({terms})") };
        format!("epoch {epoch}: loss {}{terms}{validation}{best}", loss(train))
    }
}

/// Tells of batches that could not be trained on.
fn left_out(batches: u64) -> String {
    match batches {
        0 => String::new(),
        count => format!("; {} of a single atom or edge left out", counted(count, "batch")),
    }
}
