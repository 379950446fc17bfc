//! Errors of tasks and of their fit to the shards.

use std::path::PathBuf;

use schemas::StoreError;
use schemas::count::{agree, counted};

use super::Counts;
use super::split_file::SplitFileError;
use crate::config::error::Place;
use crate::config::similar::suggest;
use crate::data::DataError;

/// An error of a task. Every variant names the task, file, key or crystal at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The name is neither a built-in task nor a file.
    #[error(
        "there is no task '{name}'{}; there are {}, and files ending in .toml",
        suggest(nearest.as_deref()),
        available.join(", ")
    )]
    Unknown {
        /// The name given.
        name: String,
        /// The most similar built-in task, if there is one.
        nearest: Option<String>,
        /// Names of the built-in tasks.
        available: Vec<&'static str>,
    },
    /// The file of the task cannot be read.
    #[error("cannot read the task {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The file of the task is not valid TOML, lacks a key or has an unknown one.
    #[error("{}:{line}:{column}: not a valid task: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// A description of the fault.
        message: String,
    },
    /// The file of the task holds settings, as in earlier versions.
    #[error(
        "{}:{line}:{column}: not a valid task: [settings] is no part of a task any more; put the settings into a \
         configuration file, as in optimiser.clip_norm = 1.0",
        path.display()
    )]
    Settings {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
    },
    /// A value in the file of the task is invalid.
    #[error("{place}: {key} = '{value}': must be {needed}")]
    Value {
        /// Place of the key in the file.
        place: Place,
        /// The dotted key.
        key: &'static str,
        /// The value.
        value: String,
        /// A description of the allowed values.
        needed: &'static str,
    },
    /// The unit of the task is not that of its column.
    #[error(
        "{task}: unit = '{unit}': the column {property} is in '{expected}' (unit is the column's, before the \
         transform)"
    )]
    Unit {
        /// Name of the task, or the place of the unit in its file.
        task: String,
        /// The unit given.
        unit: String,
        /// Name of the property column.
        property: String,
        /// The unit of the column.
        expected: String,
    },
    /// A column does not consist of classes.
    #[error("the column {property} does not consist of classes: {problem}")]
    NoClasses {
        /// Name of the property column.
        property: String,
        /// A description of the fault.
        problem: String,
    },
    /// A column of numbers of the sites cannot be learnt as asked for.
    #[error("the column {property} holds a number of every site: {problem}")]
    OfSites {
        /// Name of the property column.
        property: String,
        /// A description of the fault.
        problem: &'static str,
    },
    /// The shards cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The split file cannot be read.
    #[error(transparent)]
    SplitFile(#[from] SplitFileError),
    /// A crystal occurs twice in the shards.
    #[error(
        "the crystal '{material_id}' stands twice: in {} and in {}; name every store once",
        first.display(),
        second.display()
    )]
    Duplicate {
        /// Identifier of the crystal.
        material_id: String,
        /// The first shard with the crystal.
        first: PathBuf,
        /// The second shard with the crystal.
        second: PathBuf,
    },
    /// The folds of the task were drawn for other crystals or values.
    #[error(
        "the folds of the task '{task}' were drawn for other crystals or values than the store has now: crystals would be \
         tested that have been trained on; fine-tune anew"
    )]
    OtherLabels {
        /// Name of the task.
        task: String,
    },
    /// The task needs a published list, which was not given.
    #[error("the task '{task}' needs a split file with {name}")]
    SplitFileNeeded {
        /// Name of the task.
        task: String,
        /// Name of the list.
        name: String,
    },
    /// A split file was given for a task with folds.
    #[error(
        "the task '{task}' has folds of its own, in the store's column 'fold': a split file cannot replace them"
    )]
    SplitFileWithFolds {
        /// Name of the task.
        task: String,
    },
    /// Crystals of the split file are missing in the shards, or have no value there.
    #[error(
        "{}: {missing} of its {} {} not in these shards with a value of '{property}' ({}); the task \
         '{task}' needs {store}",
        path.display(),
        counted(*listed, "crystal"),
        agree(missing, "is", "are"),
        shown(first, *missing)
    )]
    Missing {
        /// Name of the task.
        task: Box<str>,
        /// The split file.
        path: Box<PathBuf>,
        /// Name of the property column.
        property: Box<str>,
        /// Number of crystals in the list.
        listed: usize,
        /// Number of crystals that are missing or have no value.
        missing: usize,
        /// The first missing identifiers.
        first: Vec<String>,
        /// The store that the task needs.
        store: Box<str>,
    },
    /// The parts differ in size from the definition of the task.
    #[error(
        "the task '{task}' has {} crystals, these shards give {}; it needs {store}",
        sizes(expected),
        sizes(found)
    )]
    Counts {
        /// Name of the task.
        task: String,
        /// Sizes in the definition.
        expected: Counts,
        /// Sizes in the shards.
        found: Counts,
        /// The store that the task needs.
        store: Box<str>,
    },
    /// The folds together differ in size from the definition of the task.
    #[error(
        "the task '{task}' has {}, these shards give {found}; it needs {store}",
        counted(*expected, "crystal")
    )]
    Crystals {
        /// Name of the task.
        task: String,
        /// Number of crystals in the definition.
        expected: usize,
        /// Number of crystals in the shards.
        found: usize,
        /// The store that the task needs.
        store: String,
    },
    /// No crystal of the shards has a fold.
    #[error("the task '{task}' needs the column 'fold', which these shards leave empty; it needs {store}")]
    NoFolds {
        /// Name of the task.
        task: String,
        /// The store that the task needs.
        store: String,
    },
    /// The task does not have the fold.
    #[error("the task '{task}' has no fold {fold}; there are: {}", numbers(available))]
    UnknownFold {
        /// Name of the task.
        task: String,
        /// The fold asked for.
        fold: usize,
        /// Indices of the existing folds; none without cross-validation.
        available: Vec<usize>,
    },
    /// A part has no crystals.
    #[error("the task '{task}' has no crystal with a value of '{property}' in the {part} part of '{fold}'")]
    EmptyPart {
        /// Name of the task.
        task: String,
        /// Name of the property column.
        property: String,
        /// Name of the part: `train`, `validation` or `test`.
        part: &'static str,
        /// Name of the fold.
        fold: String,
    },
    /// All training crystals are of one class.
    #[error("the task '{task}' has crystals of a single class in the train part of '{fold}'")]
    OneClass {
        /// Name of the task.
        task: String,
        /// Name of the fold.
        fold: String,
    },
    /// The share of the training part is out of range.
    #[error("fraction = {value} must be above 0 and at most 1")]
    Fraction {
        /// The value.
        value: f64,
    },
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::Data(error.into())
    }
}

/// Returns the first of many identifiers.
fn shown(first: &[String], all: usize) -> String {
    let more = if all > first.len() { ", ..." } else { "" };
    format!("{}{more}", first.join(", "))
}

/// Joins numbers by commas.
fn numbers(numbers: &[usize]) -> String {
    if numbers.is_empty() {
        return "none".to_owned();
    }
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// Describes sizes in words.
fn sizes(counts: &Counts) -> String {
    format!("{} train, {} validation and {} test", counts.train, counts.validation, counts.test)
}
