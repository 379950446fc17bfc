//! Ranges of the settings.

use super::data::Validation;
use super::error::{ConfigError, Place};
use super::fault::{Fault, Faults};
use super::model::{MAX_WIDTH, WIDTH_RANGE};
use super::run::Select;
use super::schedule::ScheduleKind;
use super::{Config, LossConfig};
use crate::data::stream::MAX_WORKERS;

impl Fault {
    /// The error for a setting that was given at `place`.
    pub(super) fn at(self, place: Place) -> ConfigError {
        ConfigError::Range {
            place,
            key: self.key.to_owned(),
            value: self.value,
            needed: self.needed.to_owned(),
        }
    }
}

/// The first fault found, in the order of the sections.
pub(super) fn check(config: &Config) -> Option<Fault> {
    let mut faults = Faults::default();
    faults.unless(i64::try_from(config.seed).is_ok(), "seed", config.seed, "at most 2^63 - 1");
    config.model.check(&mut faults);
    check_loss(&config.loss, &mut faults);
    check_data(config, &mut faults);
    check_optimiser(config, &mut faults);
    check_schedule(config, &mut faults);
    check_finetune(config, &mut faults);
    check_run(config, &mut faults);
    faults.0
}

fn check_loss(loss: &LossConfig, faults: &mut Faults) {
    let weights = [
        ("loss.atom.weight", loss.atom.weight),
        ("loss.coordinate.weight", loss.coordinate.weight),
        ("loss.lattice.weight", loss.lattice.weight),
        ("loss.contrast.weight", loss.contrast.weight),
        ("loss.direction.weight", loss.direction.weight),
        ("loss.same_cell.weight", loss.same_cell.weight),
        ("loss.distance.weight", loss.distance.weight),
    ];
    for (key, weight) in weights {
        faults.not_negative(key, weight);
    }
    faults.not_negative("loss.contrast.off_diagonal", loss.contrast.off_diagonal);
    faults.unless(
        weights.iter().any(|&(_, weight)| weight > 0.0),
        "loss.atom.weight",
        loss.atom.weight,
        "greater than 0 where every other term's weight is 0",
    );
}

fn check_data(config: &Config, faults: &mut Faults) {
    let data = &config.data;
    faults.at_least_one("data.batch_crystals", data.batch_crystals);
    faults.at_least_one("data.batch_triplets", data.batch_triplets.unwrap_or(1));
    faults.at_least_one("data.shuffle_buffer", data.shuffle_buffer);
    faults.one_to("data.workers", data.workers, MAX_WORKERS, "1 to 1024");
    faults.one_to("data.queue", data.queue, MAX_WORKERS, "1 to 1024");
    faults.unless(
        data.validation_fraction > 0.0 && data.validation_fraction < 1.0,
        "data.validation_fraction",
        data.validation_fraction,
        "greater than 0 and less than 1",
    );
}

fn check_optimiser(config: &Config, faults: &mut Faults) {
    let optimiser = &config.optimiser;
    faults.positive("optimiser.learning_rate", optimiser.learning_rate);
    faults.below_one("optimiser.beta1", optimiser.beta1);
    faults.below_one("optimiser.beta2", optimiser.beta2);
    faults.positive("optimiser.epsilon", optimiser.epsilon);
    faults.not_negative("optimiser.weight_decay", optimiser.weight_decay);
    faults.positive("optimiser.clip_norm", optimiser.clip_norm.unwrap_or(1.0));
    faults.at_least_one("optimiser.accumulate", optimiser.accumulate);
}

fn check_schedule(config: &Config, faults: &mut Faults) {
    let schedule = &config.schedule;
    faults.unless(
        schedule.kind != ScheduleKind::OneCycle || schedule.warmup_steps == 0,
        "schedule.warmup_steps",
        schedule.warmup_steps,
        "0 with the schedule \"onecycle\", which begins with a rise of its own",
    );
    faults.share("schedule.minimum_factor", schedule.minimum_factor);
    let cycle = &schedule.onecycle;
    faults.share("schedule.onecycle.pct_start", cycle.pct_start);
    faults.positive("schedule.onecycle.div_factor", cycle.div_factor);
    faults.positive("schedule.onecycle.final_div_factor", cycle.final_div_factor);
    faults.below_one("schedule.onecycle.base_momentum", cycle.base_momentum);
    faults.below_one("schedule.onecycle.max_momentum", cycle.max_momentum);
}

fn check_finetune(config: &Config, faults: &mut Faults) {
    let finetune = &config.finetune;
    faults.one_to("finetune.head_width", finetune.head_width, MAX_WIDTH, WIDTH_RANGE);
    faults.positive("finetune.head_learning_rate", finetune.head_learning_rate.unwrap_or(1.0));
    faults.unless(
        finetune.fraction > 0.0 && finetune.fraction <= 1.0,
        "finetune.fraction",
        finetune.fraction,
        "greater than 0 and at most 1",
    );
}

fn check_run(config: &Config, faults: &mut Faults) {
    let run = &config.run;
    faults.unless(run.epochs >= 1, "run.epochs", run.epochs, "at least 1");
    if let Some(epochs) = run.early_stop {
        faults.unless(epochs >= 1, "run.early_stop", epochs, "at least 1, or \"none\"");
    }
    faults.positive("run.checkpoint_minutes", run.checkpoint_minutes.unwrap_or(1.0));
    if let Some(steps) = run.checkpoint_steps {
        faults.unless(steps >= 1, "run.checkpoint_steps", steps, "at least 1, or \"none\"");
    }
    faults.unless(
        run.select == Select::Train || config.data.validation != Validation::None,
        "run.select",
        "validation",
        "\"train\" where data.validation = \"none\"",
    );
}
