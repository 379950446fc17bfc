//! Why a task cannot be used, or does not fit the shards.

use std::path::PathBuf;

use schemas::StoreError;
use schemas::count::{agree, counted};

use super::Counts;
use super::split_file::SplitFileError;
use crate::data::DataError;

/// A failure of a task; every variant says which task, file, key or crystal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// Neither a built-in task nor a file.
    #[error(
        "there is no task '{name}'{}; there are {}, and files ending in .toml",
        suggest(nearest.as_deref()),
        available.join(", ")
    )]
    Unknown {
        /// The name given.
        name: String,
        /// The most similar built-in task, if one is similar.
        nearest: Option<String>,
        /// The built-in tasks.
        available: Vec<&'static str>,
    },
    /// The task's file cannot be read.
    #[error("cannot read the task {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The task's file is no TOML, or lacks a key, or has one too many.
    #[error("{}:{line}:{column}: not a valid task: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The task's file holds settings, as in earlier versions.
    #[error(
        "{}:{line}:{column}: not a valid task: [settings] is no part of a task any more; put the settings into a \
         configuration file for --config, as in optimiser.clip_norm = 1.0",
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
    /// A value of the task's file cannot be used.
    #[error("{}: {key} = '{value}': must be {needed}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The dotted key.
        key: &'static str,
        /// The value.
        value: String,
        /// What it would have to be.
        needed: &'static str,
    },
    /// The task's unit is not that of its column.
    #[error(
        "{task}: unit = '{unit}': the column {property} is in '{expected}' (unit is the column's, before the \
         transform)"
    )]
    Unit {
        /// The task's file, or its name.
        task: String,
        /// The unit given.
        unit: String,
        /// The property column.
        property: String,
        /// The column's unit.
        expected: &'static str,
    },
    /// The shards.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The split file cannot be read as one.
    #[error(transparent)]
    SplitFile(#[from] SplitFileError),
    /// A crystal that stands twice in the shards.
    #[error(
        "the crystal '{material_id}' stands twice: in {} and in {}; name every store once",
        first.display(),
        second.display()
    )]
    Duplicate {
        /// Which crystal.
        material_id: String,
        /// The shard that has it first.
        first: PathBuf,
        /// The shard that has it again.
        second: PathBuf,
    },
    /// The task's parts are a published list, which was not given.
    #[error("the task '{task}' needs a split file: give --split FILE with {name}")]
    SplitFileNeeded {
        /// Name of the task.
        task: String,
        /// The list to look for.
        name: String,
    },
    /// A split file for a task with folds.
    #[error(
        "the task '{task}' has folds of its own, in the store's column 'fold': --split cannot replace them"
    )]
    SplitFileWithFolds {
        /// Name of the task.
        task: String,
    },
    /// Crystals that the split file lists and the shards do not have.
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
        /// The property column.
        property: Box<str>,
        /// Number of crystals listed.
        listed: usize,
        /// Number of those that the shards do not have with a value.
        missing: usize,
        /// The first of those.
        first: Vec<String>,
        /// What the task is made from.
        store: Box<str>,
    },
    /// The parts have other sizes than the task is defined by.
    #[error(
        "the task '{task}' has {} crystals, these shards give {}; it needs {store}",
        sizes(expected),
        sizes(found)
    )]
    Counts {
        /// Name of the task.
        task: String,
        /// Sizes that it is defined by.
        expected: Counts,
        /// Sizes found.
        found: Counts,
        /// What the task is made from.
        store: Box<str>,
    },
    /// The folds together have another size than the task is defined by.
    #[error(
        "the task '{task}' has {}, these shards give {found}; it needs {store}",
        counted(*expected, "crystal")
    )]
    Crystals {
        /// Name of the task.
        task: String,
        /// Number of crystals that it is defined by.
        expected: usize,
        /// Number found.
        found: usize,
        /// What the task is made from.
        store: String,
    },
    /// No crystal of the shards has a fold.
    #[error("the task '{task}' needs the column 'fold', which these shards leave empty; it needs {store}")]
    NoFolds {
        /// Name of the task.
        task: String,
        /// What the task is made from.
        store: String,
    },
    /// A fold that the task does not have.
    #[error("the task '{task}' has no fold {fold}; there are: {}", numbers(available))]
    UnknownFold {
        /// Name of the task.
        task: String,
        /// The fold asked for.
        fold: usize,
        /// Those there are; none without cross-validation.
        available: Vec<usize>,
    },
    /// A part without a crystal.
    #[error("the task '{task}' has no crystal with a value of '{property}' in the {part} part of '{fold}'")]
    EmptyPart {
        /// Name of the task.
        task: String,
        /// The property column.
        property: String,
        /// `train`, `validation` or `test`.
        part: &'static str,
        /// Name of the fold.
        fold: String,
    },
    /// A share of the training part that is none.
    #[error("fraction = {value} must be above 0 and at most 1")]
    Fraction {
        /// The value given.
        value: f64,
    },
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::Data(error.into())
    }
}

/// The name that was probably meant.
fn suggest(name: Option<&str>) -> String {
    name.map(|name| format!(" (did you mean '{name}'?)")).unwrap_or_default()
}

/// The first of many identifiers.
fn shown(first: &[String], all: usize) -> String {
    let more = if all > first.len() { ", ..." } else { "" };
    format!("{}{more}", first.join(", "))
}

/// Numbers joined by commas.
fn numbers(numbers: &[usize]) -> String {
    if numbers.is_empty() {
        return "none".to_owned();
    }
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// Sizes in words.
fn sizes(counts: &Counts) -> String {
    format!("{} train, {} validation and {} test", counts.train, counts.validation, counts.test)
}
