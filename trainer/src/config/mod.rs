//! The configuration of a run: one TOML file, every key with a default and a meaning.
//!
//! * [`model`], [`pretrain`], [`data`], [`optimiser`], [`schedule`], [`finetune`], [`run`]: the sections
//! * [`error`]: what can be wrong, with file, line and column
//!
//! A file needs to name only what differs from the defaults; `--set key=value` overrides it; unknown
//! keys are errors. [`Config::to_toml`] writes all keys, commented.

mod choice;
pub mod data;
mod difference;
mod draft;
pub mod error;
mod fault;
mod file;
pub mod finetune;
mod keys;
pub mod model;
mod moved;
pub mod optimiser;
mod optional;
pub mod pretrain;
mod render;
pub mod run;
pub mod schedule;
mod section;
pub(crate) mod similar;
mod table;
#[cfg(test)]
mod tests;
mod validate;

use std::path::Path;

use schemas::hash::hex;
use sha2::{Digest, Sha256};

pub use data::DataConfig;
pub use difference::Difference;
pub use error::ConfigError;
pub use finetune::FinetuneConfig;
pub use model::{MmptModelConfig, ModelConfig, ModelKind};
pub use optimiser::OptimiserConfig;
pub use pretrain::{LossConfig, MethodKind, MmptPretrainConfig, PretrainConfig};
pub use run::RunConfig;
pub use schedule::ScheduleConfig;

use crate::text_file;
use draft::Draft;
use error::Place;
use fault::Range;
use file::Names;
use section::section;

pub(crate) use difference::differences;
pub(crate) use table::settings;

/// Seed of the paper's pre-training (specification, section 6).
pub const DEFAULT_SEED: u64 = 123;

/// A number that TOML can hold.
const TOML_INTEGER: Range<u64> =
    Range { holds: |number| i64::try_from(*number).is_ok(), needed: "at most 2^63 - 1" };

section! {
    /// Everything that determines a run.
    pub struct Config {
        /// Seed of initial weights, shuffling and masks.
        pub seed: u64 = DEFAULT_SEED, in TOML_INTEGER;
        /// The encoder and its sizes.
        pub model: ModelConfig = ModelConfig::default();
        /// The pre-training; without effect on fine-tuning.
        pub pretrain: PretrainConfig = PretrainConfig::default();
        /// Crystals and batches.
        pub data: DataConfig = DataConfig::default();
        /// Update rule.
        pub optimiser: OptimiserConfig = OptimiserConfig::default();
        /// Learning rate over the steps.
        pub schedule: ScheduleConfig = ScheduleConfig::default();
        /// The head of a fine-tuned model; without effect on pre-training.
        pub finetune: FinetuneConfig = FinetuneConfig::default();
        /// Length of the run and what it keeps.
        pub run: RunConfig = RunConfig::default();
    }
}

/// A command-line option that sets a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The option as it is typed: `--epochs`.
    pub flag: &'static str,
    /// Dotted key.
    pub key: &'static str,
    /// Value, as TOML or a bare word.
    pub value: String,
}

/// The text of a configuration file.
fn read(path: &Path) -> Result<String, ConfigError> {
    text_file::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// The two sides of `key=value`.
fn key_and_value(assignment: &str) -> Result<(&str, &str), ConfigError> {
    let sides = assignment.split_once('=').map(|(key, text)| (key.trim(), text.trim()));
    sides
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| ConfigError::Assignment { text: assignment.to_owned() })
}

impl Config {
    /// Reads a configuration file over the defaults.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::resolve(Some(path), &[] as &[&str])
    }

    /// Reads the configuration that a run has written, this version's or an earlier one's with its names of the
    /// settings.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn load_recorded(path: &Path) -> Result<Self, ConfigError> {
        Self::recorded(path)?.finish()
    }

    /// Whether a file is a configuration as a run writes it, in this version or an earlier one: with every setting
    /// there is.
    pub fn is_recorded(path: &Path) -> bool {
        Self::recorded(path).is_ok_and(|draft| draft.is_complete() && draft.finish().is_ok())
    }

    /// The settings of a run's configuration.
    fn recorded(path: &Path) -> Result<Draft, ConfigError> {
        let mut draft = Draft::new();
        draft.read(&read(path)?, path, Names::Earlier)?;
        Ok(draft)
    }

    /// The defaults, overridden by a file's values, overridden by `key=value` arguments.
    ///
    /// A value of an argument is TOML (`1e-3`, `true`, `["a", "b"]`) or a bare word (`cosine`).
    ///
    /// # Errors
    /// Every [`ConfigError`], naming file, line and column, key and value.
    pub fn resolve(path: Option<&Path>, overrides: &[impl AsRef<str>]) -> Result<Self, ConfigError> {
        Self::resolve_over(|_| Vec::new(), path, overrides)
    }

    /// As [`Config::resolve`], with other defaults for some keys: `recipe` gives those of an encoder, with values as in
    /// arguments.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn resolve_over(
        recipe: impl FnOnce(ModelKind) -> Vec<(String, String)>,
        path: Option<&Path>,
        overrides: &[impl AsRef<str>],
    ) -> Result<Self, ConfigError> {
        Self::resolve_flags(recipe, path, overrides, &[])
    }

    /// As [`Config::resolve_over`], overridden by command-line options that set keys. Errors name the option.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn resolve_flags(
        recipe: impl FnOnce(ModelKind) -> Vec<(String, String)>,
        path: Option<&Path>,
        overrides: &[impl AsRef<str>],
        flags: &[Flag],
    ) -> Result<Self, ConfigError> {
        let mut draft = Draft::new();
        if let Some(path) = path {
            draft.read(&read(path)?, path, Names::Current)?;
        }
        for assignment in overrides {
            let (key, value) = key_and_value(assignment.as_ref())?;
            draft.set(key, value, &Place::Argument)?;
        }
        for flag in flags {
            draft.set(flag.key, &flag.value, &Place::Flag(flag.flag))?;
        }
        // Last, because the encoder is a setting itself.
        for (key, value) in recipe(draft.model()) {
            draft.set_default(&key, &value)?;
        }
        draft.finish()
    }

    /// Checks the ranges of a configuration that the program changed itself.
    ///
    /// # Errors
    /// [`ConfigError::Range`] for the first setting outside its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        validate::check(self).map_or(Ok(()), |fault| Err(fault.at(Place::Program)))
    }

    /// The default configuration, every key with its meaning.
    pub fn default_toml() -> String {
        Self::default().to_toml()
    }

    /// The configuration with every key and its meaning; [`Config::load`] reads it back unchanged.
    ///
    /// # Panics
    /// If the seed is beyond TOML's integers, which [`Config::validate`] refuses.
    pub fn to_toml(&self) -> String {
        render::render(&table::to_table(self))
    }

    /// SHA-256 (hexadecimal) of the settings that determine the weights: two runs with the same hash
    /// on the same data are the same run. The number of threads, for instance, is not among them.
    pub fn hash(&self) -> String {
        let mut digest = Sha256::new();
        for (key, value) in self.with_effect() {
            digest.update(format!("{key} = {value}\n"));
        }
        hex(&digest.finalize())
    }

    /// The settings that determine the weights and in which the two differ, by key; kind and method first.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        differences(self.with_effect(), other.with_effect())
    }

    /// Every setting with its value as TOML, by key.
    pub fn settings(&self) -> Vec<(String, String)> {
        let values = table::to_table(self);
        table::settings(&values).into_iter().map(|(key, value)| (key, value.to_string())).collect()
    }

    /// The settings that determine the weights, with their values as TOML: without those of kinds and methods that
    /// are not chosen.
    fn with_effect(&self) -> Vec<(String, String)> {
        let without_effect = |key: &String| keys::WITHOUT_EFFECT.contains(&key.as_str());
        choice::active(self.settings()).into_iter().filter(|(key, _)| !without_effect(key)).collect()
    }
}
