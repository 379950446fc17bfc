//! Tasks: which property is predicted, in which unit, and which crystals train, validate and test.
//!
//! * [`Task`]: the definition, a TOML file or one of those built in (`trainer/tasks/`)
//! * [`transform`]: from the stored property to the target
//! * [`rule`]: where the parts of the data come from
//! * [`split_file`]: published lists of identifiers
//! * [`partition`]: the crystals of every part, with their targets
//! * [`recipe`]: how a group of tasks is fine-tuned, by encoder (`trainer/recipes/`)

mod builtin;
mod crystals;
mod error;
pub mod partition;
pub mod recipe;
pub mod rule;
pub mod split_file;
#[cfg(test)]
mod tests;
pub mod transform;

use std::path::Path;

use schemas::property::by_column;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Table;
use toml::de::DeTable;

use crate::config::similar::nearest;
use crate::data::Sources;
use crate::{text_file, toml_text};

pub use error::TaskError;
pub use partition::{Excluded, Fold, Labelled, Partition, PartitionOptions, Reason};
pub use recipe::Group;
pub use rule::{Metric, SplitRule};
pub use split_file::SplitFileError;
pub use transform::Transform;

/// Ending of a task's file.
const FILE_ENDING: &str = ".toml";

/// Number of crystals in each part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Crystals that train.
    pub train: usize,
    /// Crystals that choose among the epochs' weights.
    pub validation: usize,
    /// Crystals of the final figure.
    pub test: usize,
}

/// What is predicted, from which crystals, and how it is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name, part of file names: lower-case letters, digits and underscores.
    pub name: String,
    /// What it is, in a sentence or two.
    pub description: String,
    /// Which published file the store is made from, and how.
    pub store: String,
    /// Column of the store.
    pub property: String,
    /// Unit of the column, `1` for pure numbers.
    pub unit: String,
    /// From the column to the target.
    pub transform: Transform,
    /// How models are compared.
    pub metric: Metric,
    /// The group of tasks, for which every encoder has a recipe; `regime` in files of earlier versions.
    #[serde(default, alias = "regime")]
    pub group: Group,
    /// Crystals that take part in all, each with a value and a part, before [`Task::transform`]
    /// refuses any; `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crystals: Option<usize>,
    /// The JARVIS leaderboard's name of the property, where the task is one of its benchmarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaderboard: Option<String>,
    /// Where the parts come from.
    pub split: SplitRule,
    /// Crystals of each part, counted like [`Task::crystals`]; `None`: any number. Not for folds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Counts>,
    /// Counts that the literature gives, where the published file holds others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Counts>,
}

impl Task {
    /// A built-in task by its name, or the task of a TOML file by its path.
    ///
    /// A name that is built in goes before a file of that name.
    ///
    /// # Errors
    /// [`TaskError::Unknown`] for what is neither, listing those there are, and every reason for
    /// which a file is no task.
    pub fn load(name_or_path: &str) -> Result<Self, TaskError> {
        if let Some(text) = builtin::text(name_or_path) {
            return Self::parse(text, Path::new(name_or_path));
        }
        let path = Path::new(name_or_path);
        if !path.exists() && !name_or_path.ends_with(FILE_ENDING) {
            return Err(TaskError::Unknown {
                name: name_or_path.to_owned(),
                nearest: nearest(name_or_path, Self::names()).map(str::to_owned),
                available: Self::names(),
            });
        }
        let text =
            text_file::read(path).map_err(|source| TaskError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Names of the built-in tasks, in order.
    pub fn names() -> Vec<&'static str> {
        builtin::TASKS.iter().map(|(name, _)| *name).collect()
    }

    /// The task as TOML, which [`Task::load`] reads back unchanged.
    ///
    /// # Panics
    /// If a count is beyond 2⁶³ − 1, TOML's largest integer.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("texts, numbers and tables are TOML, and counts of crystals are small")
    }

    /// Unit of the target: `GPa` of a transformed column becomes `log10(GPa)`.
    pub fn target_unit(&self) -> String {
        self.transform.unit(&self.unit)
    }

    /// The crystals of every part with their targets; see [`partition`].
    ///
    /// # Errors
    /// [`TaskError`] if a shard cannot be read or two hold the same crystal, if no shard has the
    /// columns, if the split file does not fit the shards, if the parts have other sizes than the
    /// task is defined by, or if one is empty.
    pub fn partition(&self, sources: &Sources, options: &PartitionOptions) -> Result<Partition, TaskError> {
        partition::partition(self, sources, options)
    }

    /// The task that a text defines; `path` is what errors name.
    fn parse(text: &str, path: &Path) -> Result<Self, TaskError> {
        if let Some(offset) = earlier_settings(text) {
            let (line, column) = toml_text::line_and_column(text, offset);
            return Err(TaskError::Settings { path: path.to_owned(), line, column });
        }
        let task: Self = toml::from_str(text).map_err(|error| {
            let (line, column, message) = toml_text::fault(text, &error);
            TaskError::Syntax { path: path.to_owned(), line, column, message }
        })?;
        if let Some((key, value, needed)) = task.fault() {
            return Err(TaskError::Value { path: path.to_owned(), key, value, needed });
        }
        task.check_unit(&path.to_string_lossy())?;
        Ok(task)
    }

    /// Refuses a unit that is not the property's, where its column is a documented one. The error calls the
    /// task `name`.
    fn check_unit(&self, name: &str) -> Result<(), TaskError> {
        match by_column(&self.property).filter(|property| !is_same_unit(property.unit, &self.unit)) {
            None => Ok(()),
            Some(property) => Err(TaskError::Unit {
                task: name.to_owned(),
                unit: self.unit.clone(),
                property: self.property.clone(),
                expected: property.unit,
            }),
        }
    }

    /// The first key with a value that cannot be used: key, value, and what it would have to be.
    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            let needed = "lower-case letters, digits and underscores";
            return Some(("name", self.name.clone(), needed));
        }
        if self.property.is_empty() {
            return Some(("property", String::new(), "the name of a property column"));
        }
        if matches!(self.split, SplitRule::Folds { .. }) && self.expected.is_some() {
            let needed = "left out: the parts of folds differ in size, use crystals";
            return Some(("expected", "[expected]".to_owned(), needed));
        }
        self.split.fault()
    }
}

/// Name of the section of settings that tasks of earlier versions have.
const EARLIER_SETTINGS: &str = "settings";

/// Where a text has the settings of a task of earlier versions, in bytes.
fn earlier_settings(text: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    table.get_ref().keys().find(|key| key.get_ref() == EARLIER_SETTINGS).map(|key| key.span().start)
}

/// Reads the task of a record of this version or an earlier one, whose settings stand in the configurations beside
/// it, too.
///
/// # Errors
/// Those of the format.
pub(crate) fn recorded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Task, D::Error> {
    let mut table = Table::deserialize(deserializer)?;
    table.remove(EARLIER_SETTINGS);
    table.try_into().map_err(D::Error::custom)
}

/// Whether two spellings are the same unit: `g/cm3` and `g/cm³`, the Greek letter μ and the micro sign µ, with
/// or without white space.
fn is_same_unit(left: &str, right: &str) -> bool {
    let plain = |unit: &str| -> String {
        let characters = unit.chars().filter(|character| !character.is_whitespace());
        characters
            .map(|character| match character {
                'μ' => 'µ',
                '³' => '3',
                other => other,
            })
            .collect()
    };
    plain(left) == plain(right)
}
