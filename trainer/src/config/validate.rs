//! Ranges of the settings.

use std::fmt::Display;

use super::data::Validation;
use super::error::{ConfigError, Place};
use super::run::Select;
use super::schedule::ScheduleKind;
use super::{Config, LossConfig, ModelConfig};

/// A setting outside its range.
pub(super) struct Fault {
    /// Dotted key.
    pub(super) key: &'static str,
    value: String,
    needed: &'static str,
}

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
    let mut faults = Faults(None);
    faults.unless(i64::try_from(config.seed).is_ok(), "seed", config.seed, "at most 2^63 - 1");
    check_model(&config.model, &mut faults);
    check_loss(&config.loss, &mut faults);
    check_data(config, &mut faults);
    check_optimiser(config, &mut faults);
    check_schedule(config, &mut faults);
    check_finetune(config, &mut faults);
    check_run(config, &mut faults);
    faults.0
}

/// The first fault of a model's sizes, as `key = value: must be what is needed`.
pub(crate) fn model_fault(model: &ModelConfig) -> Option<String> {
    let mut faults = Faults(None);
    check_model(model, &mut faults);
    faults.0.map(|Fault { key, value, needed }| format!("{key} = {value}: must be {needed}"))
}

/// The first fault so far.
struct Faults(Option<Fault>);

impl Faults {
    /// Notes a fault if `holds` is false.
    fn unless(&mut self, holds: bool, key: &'static str, value: impl Display, needed: &'static str) {
        if !holds && self.0.is_none() {
            self.0 = Some(Fault { key, value: value.to_string(), needed });
        }
    }

    /// A count of at least one.
    fn at_least_one(&mut self, key: &'static str, value: usize) {
        self.unless(value >= 1, key, value, "at least 1");
    }

    /// A finite number that is not negative.
    fn not_negative(&mut self, key: &'static str, value: f64) {
        self.unless(value.is_finite() && value >= 0.0, key, value, "finite and not negative");
    }

    /// A finite number above zero.
    fn positive(&mut self, key: &'static str, value: f64) {
        self.unless(value.is_finite() && value > 0.0, key, value, "finite and greater than 0");
    }

    /// A decay rate.
    fn below_one(&mut self, key: &'static str, value: f64) {
        self.unless((0.0..1.0).contains(&value), key, value, "at least 0 and less than 1");
    }

    /// A share.
    fn share(&mut self, key: &'static str, value: f64) {
        self.unless((0.0..=1.0).contains(&value), key, value, "between 0 and 1");
    }
}

fn check_model(model: &ModelConfig, faults: &mut Faults) {
    for (key, width) in [
        ("model.hidden", model.hidden),
        ("model.structure_width", model.structure_width),
        ("model.interaction_width", model.interaction_width),
        ("model.output_width", model.output_width),
        ("model.lattice_width", model.lattice_width),
        ("model.lattice_heads", model.lattice_heads),
        ("model.lattice_feed_forward", model.lattice_feed_forward),
        ("model.decoder_width", model.decoder_width),
    ] {
        faults.at_least_one(key, width);
    }
    faults.unless(
        model.lattice_heads == 0 || model.lattice_width.is_multiple_of(model.lattice_heads),
        "model.lattice_heads",
        model.lattice_heads,
        "a divisor of model.lattice_width",
    );
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
    faults.at_least_one("data.workers", data.workers);
    faults.at_least_one("data.queue", data.queue);
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
    faults.at_least_one("finetune.head_width", finetune.head_width);
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
