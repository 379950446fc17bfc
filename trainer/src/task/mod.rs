//! Tasks: the property to predict, its unit, and the crystals for training, validation and test.
//!
//! * [`Task`]: the definition, a TOML file; built-in ones are in `trainer/tasks/`
//! * [`transform`]: from the stored property to the target; [`classification`]: from its values to classes
//! * [`rule`]: how the data are split into parts; `metric`: how models are compared
//! * [`of_property`]: a property of a store as a task
//! * [`split_file`]: published lists of identifiers
//! * [`partition`]: the crystals of every part with their targets
//! * [`recipe`]: settings for the fine-tuning of a group of tasks, by encoder (`trainer/recipes/`)

mod builtin;
pub mod classification;
mod crystals;
mod error;
mod fault;
mod metric;
pub mod of_property;
pub mod partition;
pub mod recipe;
pub mod rule;
pub mod split_file;
#[cfg(test)]
mod tests;
pub mod transform;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemas::property::{by_column, is_same_unit};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Table;

use crate::config::place::Place;
use crate::config::similar::nearest;
use crate::data::Sources;
use crate::unit::PURE;
use crate::{text_file, toml_text};

use fault::Fault;

pub use classification::Classification;
pub use error::TaskError;
pub use metric::Metric;
pub use of_property::{Classes, Division, PropertyRequest, PropertyTask};
pub(crate) use partition::fold_name;
pub use partition::{Excluded, Fold, Labelled, Partition, PartitionOptions, Reason, Remark};
pub use recipe::{Group, by_size};
pub use rule::SplitRule;
pub use split_file::SplitFileError;
pub use transform::Transform;

/// Ending of the file of a task.
const FILE_ENDING: &str = ".toml";

/// Largest number of properties that a task has.
pub const MAX_TARGETS: usize = 100;

/// [`Task::store`] of the task of a property, which is made for the store at hand.
const GIVEN_STORE: &str = "the store that was given";

/// Number of crystals in each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Number of crystals for training.
    pub train: usize,
    /// Number of crystals for validation, which selects the best epoch.
    pub validation: usize,
    /// Number of crystals for the test.
    pub test: usize,
}

/// A number of each crystal that a model learns to predict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetColumn {
    /// Name of the property column.
    pub property: String,
    /// Unit of the column, `1` for pure numbers and empty if it is not known.
    pub unit: String,
    /// Transform from the property to the target.
    #[serde(default)]
    pub transform: Transform,
}

impl TargetColumn {
    /// Returns the unit of the target, such as `log10(GPa)` for the logarithm of a property in GPa.
    pub fn target_unit(&self) -> String {
        self.transform.unit(&self.unit)
    }
}

/// Returns a name with underscores for the characters that are not kept.
fn with_underscores(name: &str, is_kept: impl Fn(char) -> bool) -> String {
    name.chars().map(|c| if is_kept(c) { c } else { '_' }).collect()
}

/// Returns a name of lower-case letters, digits and underscores, which stand for all other characters.
fn plain_name(name: &str) -> String {
    with_underscores(name, |c| c.is_ascii_alphanumeric()).to_ascii_lowercase()
}

/// Definition of a task: the property, the split and the metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name: lower-case letters, digits and underscores, since it is part of file names.
    pub name: String,
    /// Description in a sentence or two.
    pub description: String,
    /// The published file that the store is made from, and how.
    pub store: String,
    /// Name of the property column.
    pub property: String,
    /// Unit of the column, `1` for pure numbers and empty if it is not known.
    pub unit: String,
    /// Transform from the property to the target.
    pub transform: Transform,
    /// Metric for the comparison of models.
    pub metric: Metric,
    /// Group of the task. Every encoder has a recipe for it. The key is `regime` in files of earlier versions.
    #[serde(default, alias = "regime")]
    pub group: Group,
    /// Total number of crystals with a value and a part, before [`Task::transform`] excludes any; `None` for any
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crystals: Option<usize>,
    /// Name of the property on the JARVIS leaderboard, if the task is one of its benchmarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaderboard: Option<String>,
    /// Rule that splits the data into parts.
    pub split: SplitRule,
    /// Classes of the property, if the model is to predict them instead of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// Whether the property is a number of every site, a list in the order of the sites, and the model predicts one of
    /// every site.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_site: bool,
    /// Further properties that the same model learns to predict. A crystal needs a value of one property alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<TargetColumn>,
    /// Number of crystals in each part, counted like [`Task::crystals`]; `None` for any number. Not for tasks with
    /// folds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Counts>,
    /// Number of crystals in the literature, if the published file differs from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Counts>,
    /// Scores in the literature by model, in the metric; errors are in the unit of the target. They are no part of what a
    /// run records.
    #[serde(default, skip_serializing)]
    pub literature: BTreeMap<String, f64>,
}

impl Task {
    /// Loads a built-in task by its name, or a task from a TOML file by its path.
    ///
    /// A built-in task takes precedence over a file of the same name.
    ///
    /// # Errors
    /// [`TaskError::Unknown`] for a name that is neither, and the other variants for a file that is not a valid task.
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

    /// Returns the names of the built-in tasks in order.
    pub fn names() -> Vec<&'static str> {
        builtin::TASKS.iter().map(|(name, _)| *name).collect()
    }

    /// Returns the task as TOML, which [`Task::load`] reads back unchanged but for the errors in the literature.
    ///
    /// # Panics
    /// If a count exceeds 2⁶³ − 1, the largest integer of TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("texts, numbers and tables are TOML, and counts of crystals are small")
    }

    /// Returns the unit of the first target, such as `log10(GPa)` for the logarithm of a property in GPa.
    pub fn target_unit(&self) -> String {
        self.transform.unit(&self.unit)
    }

    /// Returns the properties that the model learns to predict, in the order of its outputs.
    pub fn targets(&self) -> Vec<TargetColumn> {
        let Self { property, unit, transform, .. } = self.clone();
        std::iter::once(TargetColumn { property, unit, transform })
            .chain(self.further.iter().cloned())
            .collect()
    }

    /// Returns the names of the folders with the results of each property among those of the others: the property's own, in
    /// which underscores stand for all characters but letters and digits. Where two are equal, all are numbered.
    pub fn folders(&self) -> Vec<String> {
        let targets = self.targets().into_iter();
        let names: Vec<String> =
            targets.map(|target| with_underscores(&target.property, char::is_alphanumeric)).collect();
        let are_different = names.iter().collect::<BTreeSet<_>>().len() == names.len();
        match are_different {
            true => names,
            false => names.iter().enumerate().map(|(index, name)| format!("{name}_{index}")).collect(),
        }
    }

    /// Returns the number of outputs of a model of the task.
    pub fn outputs(&self) -> usize {
        self.classification.as_ref().map_or(1 + self.further.len(), |classes| classes.classes.len())
    }

    /// Returns the names of the classes; none if the task is about numbers.
    pub fn classes(&self) -> &[String] {
        self.classification.as_ref().map_or(&[], |classification| &classification.classes)
    }

    /// Returns the task of an earlier version, in which columns without a known unit were those of pure numbers.
    pub(crate) fn with_unknown_units(mut self) -> Self {
        let is_unknown = |property: &str, unit: &str| unit == PURE && by_column(property).is_none();
        if self.classification.is_none() {
            if is_unknown(&self.property, &self.unit) {
                self.unit.clear();
            }
            for target in self.further.iter_mut().filter(|target| is_unknown(&target.property, &target.unit))
            {
                target.unit.clear();
            }
        }
        self
    }

    /// Returns the crystals of every part with their targets; see [`partition`].
    ///
    /// # Errors
    /// [`TaskError`] if a shard cannot be read, two shards hold the same crystal, no shard has the columns or one has them
    /// in another unit, the split file does not fit the shards, the parts differ in size from the definition, or a part is
    /// empty.
    pub fn partition(&self, sources: &Sources, options: &PartitionOptions) -> Result<Partition, TaskError> {
        of_property::require_units(self, sources)?;
        partition::partition(self, sources, options)
    }

    /// Parses the definition of a task. `path` is the file for error messages.
    fn parse(text: &str, path: &Path) -> Result<Self, TaskError> {
        let place_of = |key: &str| toml_text::place_of(text, key);
        if let Some((line, column)) = place_of(EARLIER_SETTINGS) {
            return Err(TaskError::Settings { path: path.to_owned(), line, column });
        }
        if let (Some((line, column)), Some(_)) = (place_of(EARLIER_GROUP), place_of(GROUP)) {
            let message = format!("{EARLIER_GROUP} is the earlier name of {GROUP}: give one of them");
            return Err(TaskError::Syntax { path: path.to_owned(), line, column, message });
        }
        let task: Self = toml::from_str(text).map_err(|error| {
            let (line, column, message) = toml_text::fault(text, &error);
            TaskError::Syntax { path: path.to_owned(), line, column, message }
        })?;
        if let Some(fault) = task.fault() {
            let place = located(path, place_of(fault.key));
            return Err(fault.at(place));
        }
        task.check_unit(&located(path, place_of("unit")).to_string())?;
        Ok(task)
    }

    /// Refuses a unit that is not that of the property, if the property is documented. `name` is the task or the place
    /// of the unit in the error.
    fn check_unit(&self, name: &str) -> Result<(), TaskError> {
        let other_unit = |target: &TargetColumn| {
            by_column(&target.property).filter(|known| !is_same_unit(known.unit, &target.unit))
        };
        let found = self.targets().into_iter().find_map(|target| Some((other_unit(&target)?, target)));
        match found {
            None => Ok(()),
            Some((known, TargetColumn { property, unit, .. })) => Err(TaskError::Unit {
                task: name.to_owned(),
                unit,
                property,
                expected: known.unit.to_owned(),
            }),
        }
    }

    /// Checks the definition of a task that is not read from a file. `name` is what the user named.
    fn check(&self, name: &str) -> Result<(), TaskError> {
        match self.fault() {
            None => Ok(()),
            Some(fault) => Err(fault.at(Place::Text(name.into()))),
        }
    }

    /// Returns the first invalid value.
    fn fault(&self) -> Option<Fault> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            return Some(Fault::new("name", &*self.name, "lower-case letters, digits and underscores"));
        }
        if self.property.is_empty() {
            return Some(Fault::new("property", "", "the name of a property column"));
        }
        let targets = self.targets();
        let properties: BTreeSet<&String> = targets.iter().map(|target| &target.property).collect();
        if properties.len() < targets.len() || targets.iter().any(|target| target.property.is_empty()) {
            let names: Vec<String> = targets.into_iter().map(|target| target.property).collect();
            return Some(Fault::new("further", format!("{names:?}"), "names of other property columns"));
        }
        if targets.len() > MAX_TARGETS {
            let (found, most) = (self.further.len(), MAX_TARGETS - 1);
            let (value, needed) = (format!("{found} properties"), format!("{most} properties at most"));
            return Some(Fault::new("further", value, needed));
        }
        if self.metric.is_of_classes() != self.classification.is_some() {
            let needed =
                "\"roc_auc\" or \"balanced_accuracy\" with classification.classes and \"mae\" without";
            return Some(Fault::new("metric", self.metric.name(), needed));
        }
        if let Some(classification) = &self.classification {
            if self.transform != Transform::None {
                let needed = "\"none\" with classification.classes";
                return Some(Fault::new("transform", self.transform.name(), needed));
            }
            if !self.further.is_empty() {
                return Some(Fault::new("further", "[[further]]", "left out with classification.classes"));
            }
            if let Some(fault) = classification.fault() {
                return Some(fault);
            }
        }
        if self.leaderboard.is_some() && self.transform != Transform::None {
            let needed = "\"none\" with leaderboard, whose values are those of the property";
            return Some(Fault::new("transform", self.transform.name(), needed));
        }
        if self.per_site {
            let faults = [
                (self.classification.is_some(), "false with classification.classes"),
                (!self.further.is_empty(), "false with further properties"),
                (self.transform != Transform::None, "false with a transform"),
                (self.leaderboard.is_some(), "false with leaderboard, whose benchmarks are of crystals"),
            ];
            if let Some((_, needed)) = faults.into_iter().find(|(is_fault, _)| *is_fault) {
                return Some(Fault::new("per_site", "true", needed));
            }
        }
        if self.split.has_folds() && self.expected.is_some() {
            let needed = "left out: the parts of folds differ in size, use crystals";
            return Some(Fault::new("expected", "[expected]", needed));
        }
        self.split.fault()
    }
}

/// Name of the section of settings in tasks of earlier versions.
const EARLIER_SETTINGS: &str = "settings";

/// Name of [`Task::group`] in files, and that in files of earlier versions.
const GROUP: &str = "group";
const EARLIER_GROUP: &str = "regime";

/// Returns the place of a line and column of a file, or the file itself.
fn located(path: &Path, position: Option<(usize, usize)>) -> Place {
    let path = path.to_owned();
    position.map_or(Place::Text(path.clone()), |(line, column)| Place::File { path, line, column })
}

/// Deserialises the task of a record of this or an earlier version. Settings of earlier versions are ignored, since
/// they are also in the configurations beside the record.
///
/// # Errors
/// Those of the format.
pub(crate) fn recorded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Task, D::Error> {
    let mut table = Table::deserialize(deserializer)?;
    table.remove(EARLIER_SETTINGS);
    table.try_into().map_err(D::Error::custom)
}
