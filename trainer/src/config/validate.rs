//! Checks of the settings' ranges and of conditions on several settings.

use super::Config;
use super::data::Validation;
use super::error::ConfigError;
use super::fault::{Fault, Faults};
use super::finetune::FinetuneSelect;
use super::place::Place;
use super::run::Select;
use super::schedule::ScheduleKind;
use super::section::Setting;

impl Fault {
    /// Returns the error for a setting given at `place`.
    pub(super) fn at(self, place: Place) -> ConfigError {
        ConfigError::Range { place, key: self.key, value: self.value, needed: self.needed }
    }
}

/// Returns the first setting out of its range.
pub(super) fn ranges(config: &Config) -> Faults {
    let mut faults = Faults::default();
    config.check("", &mut faults);
    faults
}

/// Returns the first fault.
pub(super) fn check(config: &Config) -> Option<Fault> {
    let mut faults = ranges(config);
    config.model.check_relations(&mut faults);
    config.pretrain.check_relations(&mut faults);
    config.optimiser.check_relations(&mut faults);
    config.schedule.check_relations(config.run.epochs, &mut faults);
    config.average.check_relations(config.run.epochs, &mut faults);
    let decides = config.finetune.select != FinetuneSelect::Last
        || config.run.early_stop.is_some()
        || config.schedule.kind == ScheduleKind::Plateau;
    faults.unless(
        !(config.finetune.train_on_validation && decides),
        "finetune.train_on_validation",
        true,
        "false unless finetune.select = \"last\", run.early_stop = \"none\" and schedule.kind is not \"plateau\": crystals that are \
         trained on would decide",
    );
    let has_ends = config.schedule.kind == ScheduleKind::Cosine
        && config.schedule.cosine.cycles > 1
        && config.finetune.select == FinetuneSelect::Last
        && config.run.early_stop.is_none();
    faults.unless(
        !config.finetune.snapshots || has_ends,
        "finetune.snapshots",
        true,
        "false unless schedule.kind = \"cosine\", schedule.cosine.cycles is 2 or more, finetune.select = \"last\" and \
         run.early_stop = \"none\": the weights at the ends of cycles are kept",
    );
    faults.unless(
        config.finetune.noise_weight == 0.0 || config.noise.moves_crystals(),
        "finetune.noise_weight",
        config.finetune.noise_weight,
        "0 without a noise.displacement or noise.strain: there is no noise",
    );
    faults.unless(
        config.run.select != Select::Validation || config.data.validation != Validation::None,
        "run.select",
        "validation",
        "\"train\" or \"last\" where data.validation = \"none\"",
    );
    faults.0
}
