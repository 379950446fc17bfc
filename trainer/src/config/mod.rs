//! The configuration of a run: a TOML file in which every key has a default.
//!
//! * [`model`], [`pretrain`], [`data`], [`optimiser`], [`schedule`], [`average`], [`noise`],
//!   [`finetune`], [`run`]: the sections
//! * [`error`]: errors; [`place`]: file, line and column of a setting
//!
//! A file needs only the keys that differ from the defaults, and `key=value` overrides it. Unknown keys are errors.
//! [`Config::to_toml`] writes all keys with comments.

pub mod average;
mod choice;
pub mod data;
mod difference;
mod draft;
mod effect;
pub mod error;
mod fault;
mod file;
pub mod finetune;
mod keys;
pub mod model;
mod moved;
pub mod noise;
pub mod optimiser;
mod optional;
pub mod place;
pub mod pretrain;
mod purpose;
mod render;
pub mod run;
pub mod schedule;
mod section;
pub(crate) mod similar;
mod table;
#[cfg(test)]
mod tests;
mod validate;

use std::collections::BTreeMap;
use std::path::Path;

use schemas::hash::hex;
use sha2::{Digest, Sha256};
use toml::Table;

pub use average::AverageConfig;
pub use data::DataConfig;
pub use difference::Difference;
pub use error::ConfigError;
pub use finetune::FinetuneConfig;
pub use model::{
    AlignnModelConfig, CgcnnModelConfig, MatformerModelConfig, MegnetModelConfig, MmptModelConfig,
    ModelConfig, ModelKind, SchnetModelConfig,
};
pub use noise::NoiseConfig;
pub use optimiser::OptimiserConfig;
pub use pretrain::{
    CrystalTwinsConfig, DenoiseConfig, LossConfig, MethodKind, MmptPretrainConfig, PretrainConfig,
};
pub use purpose::Purpose;
pub use run::RunConfig;
pub use schedule::ScheduleConfig;

use crate::text_file;
use draft::Draft;
use fault::Range;
use file::Names;
use place::Place;
use section::section;

pub(crate) use difference::differences;
pub(crate) use draft::in_words;
pub(crate) use table::settings;

/// Seed of the paper's pre-training (specification, section 6).
pub const DEFAULT_SEED: u64 = 123;

/// A number that fits TOML's integers.
const TOML_INTEGER: Range<u64> =
    Range { holds: |number| i64::try_from(*number).is_ok(), needed: "at most 2^63 - 1" };

section! {
    /// Everything that determines a run.
    pub struct Config {
        /// Seed of initial weights, shuffling, masks and noise.
        pub seed: u64 = DEFAULT_SEED, in TOML_INTEGER;
        /// The encoder and its sizes.
        pub model: ModelConfig = ModelConfig::default();
        /// The pre-training. Fine-tuning takes its method alone, which chooses the recipe.
        pub pretrain: PretrainConfig = PretrainConfig::default();
        /// Crystals and batches.
        pub data: DataConfig = DataConfig::default();
        /// Update rule.
        pub optimiser: OptimiserConfig = OptimiserConfig::default();
        /// Learning rate over the steps.
        pub schedule: ScheduleConfig = ScheduleConfig::default();
        /// Averages of the weights over the steps.
        pub average: AverageConfig = AverageConfig::default();
        /// Noise on crystals, weights and gradients.
        pub noise: NoiseConfig = NoiseConfig::default();
        /// The head of a fine-tuned model; without effect on pre-training.
        pub finetune: FinetuneConfig = FinetuneConfig::default();
        /// Length of the run and what it keeps.
        pub run: RunConfig = RunConfig::default();
    }
}

/// Name of the overrides that are given as `key=value` alone.
const SETTINGS: &str = "settings";

/// A value that overrides those of the file and the recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Name in errors, such as the option of a program that gives the value.
    pub name: &'static str,
    /// Dotted key.
    pub key: String,
    /// The value, as TOML or a bare word.
    pub value: String,
}

impl Override {
    /// Parses `key=value`.
    ///
    /// # Errors
    /// [`ConfigError::Assignment`] for any other text.
    pub fn parse(name: &'static str, text: &str) -> Result<Self, ConfigError> {
        let (key, value) = text.split_once('=').unwrap_or_default();
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        if key.is_empty() {
            return Err(ConfigError::Assignment { name, text: text.to_owned() });
        }
        Ok(Self { name, key, value })
    }
}

/// Reads the text of a configuration file.
fn read(path: &Path) -> Result<String, ConfigError> {
    text_file::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// Checks the settings of a task of an earlier version, which may have earlier names. `place` returns the place of a
/// key.
///
/// # Errors
/// [`ConfigError`] for a key that there was never, or a value that it cannot have.
pub(crate) fn check_earlier(settings: &Table, place: impl Fn(&str) -> Place) -> Result<(), ConfigError> {
    let mut draft = Draft::new();
    for (key, value) in table::settings(settings) {
        let is_known = keys::KEYS.iter().any(|known| known.name == key);
        let now = moved::moved(&key).filter(|_| !is_known).unwrap_or_else(|| key.clone());
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        draft.set(&now, &text, &place(&key))?;
    }
    draft.check_ranges()
}

impl Config {
    /// Reads a configuration file over the defaults.
    ///
    /// # Errors
    /// Those of [`Config::resolve`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::resolve(Some(path), &[] as &[&str])
    }

    /// Reads a configuration that a run has written. Names of settings from earlier versions are accepted.
    ///
    /// # Errors
    /// Those of [`Config::resolve`].
    pub fn load_recorded(path: &Path) -> Result<Self, ConfigError> {
        Self::recorded(path)?.finish()
    }

    /// Whether a file is a configuration that a run of this or an earlier version has written. Such a file has all
    /// settings.
    pub fn is_recorded(path: &Path) -> bool {
        Self::recorded(path).is_ok_and(|draft| draft.is_complete() && draft.finish().is_ok())
    }

    /// Reads the settings of a configuration that a run has written.
    fn recorded(path: &Path) -> Result<Draft, ConfigError> {
        let mut draft = Draft::new();
        draft.read(&read(path)?, path, Names::Earlier)?;
        Ok(draft)
    }

    /// Resolves a configuration: the defaults, overridden by the values of a file, overridden by settings
    /// `key=value`.
    ///
    /// The value of a setting is TOML (`1e-3`, `true`, `["a", "b"]`) or a bare word (`cosine`).
    ///
    /// # Errors
    /// [`ConfigError`], which names the key and its value, with file, line and column where they come from a file.
    pub fn resolve(path: Option<&Path>, settings: &[impl AsRef<str>]) -> Result<Self, ConfigError> {
        Self::resolve_over(|_| Vec::new(), path, settings)
    }

    /// Resolves a configuration over the defaults of a recipe. `recipe` returns keys and values for a configuration
    /// without them, such as for its encoder; the values are written as in settings.
    ///
    /// # Errors
    /// Those of [`Config::resolve`].
    pub fn resolve_over(
        recipe: impl FnOnce(&Self) -> Vec<(String, String)>,
        path: Option<&Path>,
        settings: &[impl AsRef<str>],
    ) -> Result<Self, ConfigError> {
        let parse = |text: &_| Override::parse(SETTINGS, AsRef::as_ref(text));
        let overrides = settings.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Self::resolve_named(recipe, path, &overrides)
    }

    /// Resolves a configuration as [`Config::resolve_over`] does, from overrides that have names of their own in
    /// errors.
    ///
    /// # Errors
    /// Those of [`Config::resolve`], and [`ConfigError::Contradiction`] for overrides of different names that give a key
    /// different values.
    pub fn resolve_named(
        recipe: impl FnOnce(&Self) -> Vec<(String, String)>,
        path: Option<&Path>,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        let mut draft = Draft::new();
        if let Some(path) = path {
            draft.read(&read(path)?, path, Names::Current)?;
        }
        // The last of several by the same name counts, such as those of a grid. An option and a setting have no order.
        let mut given: BTreeMap<&str, (&'static str, &str, Option<String>)> = BTreeMap::new();
        for Override { name, key, value } in overrides {
            draft.set(key, value, &Place::Override(name))?;
            let now = draft.config().value(key);
            let before = given.insert(key.as_str(), (*name, value.as_str(), now.clone()));
            if let Some((other, found, before)) = before
                && other != *name
                && before != now
            {
                return Err(ConfigError::Contradiction {
                    place: Place::Override(name),
                    key: key.clone(),
                    value: value.clone(),
                    other,
                    found: found.into(),
                });
            }
        }
        // Last, because the encoder and the method are settings themselves.
        for (key, value) in recipe(draft.config()) {
            draft.set_default(&key, &value)?;
        }
        draft.finish()
    }

    /// Checks the ranges of all settings, for a configuration that was changed in code.
    ///
    /// # Errors
    /// [`ConfigError::Range`] for the first setting outside its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        validate::check(self).map_or(Ok(()), |fault| Err(fault.at(Place::Program)))
    }

    /// Returns the configuration as TOML, with a comment for every key. [`Config::load`] reads it back unchanged.
    ///
    /// # Panics
    /// If the seed exceeds TOML's integers, which [`Config::validate`] refuses.
    pub fn to_toml(&self) -> String {
        render::render(&table::to_table(self))
    }

    /// Returns the SHA-256 (hexadecimal) of the settings that determine the weights. Settings such as the number of
    /// threads are not part of it. Two runs with the same hash on the same data have the same weights.
    ///
    /// A setting that earlier versions did not have takes part only where it differs from its default, so that hashes
    /// do not change with the version.
    pub fn hash(&self) -> String {
        let defaults = Self::default().settings();
        let added = |setting: &(String, String)| {
            moved::NEW.contains(&setting.0.as_str())
                && !choice::chooses(&setting.0)
                && defaults.contains(setting)
        };
        let mut digest = Sha256::new();
        for (key, value) in self.with_effect().into_iter().filter(|setting| !added(setting)) {
            digest.update(format!("{key} = {value}\n"));
        }
        hex(&digest.finalize())
    }

    /// Returns the settings that determine the weights and in which two configurations differ, those of kind and
    /// method first.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        differences(self.with_effect(), other.with_effect())
    }

    /// Returns all settings as pairs of key and TOML value.
    pub fn settings(&self) -> Vec<(String, String)> {
        let values = table::to_table(self);
        table::settings(&values).into_iter().map(|(key, value)| (key, value.to_string())).collect()
    }

    /// Returns the settings without those of kinds and methods that are not chosen, as pairs of key and TOML value.
    pub(crate) fn chosen_settings(&self) -> Vec<(String, String)> {
        choice::active(self.settings())
    }

    /// Returns the settings that change the results of a use, such as fine-tuning, as pairs of key and TOML value.
    pub(crate) fn settings_for(&self, purpose: Purpose) -> Vec<(String, String)> {
        let has_effect = |key: &str| purpose.uses(key) && purpose.hindrance(self, key).is_none();
        self.settings().into_iter().filter(|(key, _)| has_effect(key)).collect()
    }

    /// Returns the value of a setting, as TOML.
    fn value(&self, key: &str) -> Option<String> {
        self.settings().into_iter().find_map(|(name, value)| (name == key).then_some(value))
    }

    /// Returns the settings that determine the weights, as pairs of key and TOML value. Settings of kinds and methods
    /// that are not chosen are left out.
    fn with_effect(&self) -> Vec<(String, String)> {
        let without_effect = |key: &String| keys::WITHOUT_EFFECT.contains(&key.as_str());
        self.chosen_settings().into_iter().filter(|(key, _)| !without_effect(key)).collect()
    }
}
