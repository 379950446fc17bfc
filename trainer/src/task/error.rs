//! Errors of tasks and of their fit to the shards.

use std::path::PathBuf;

use schemas::StoreError;
use schemas::count::{agree, counted};

use super::split_file::SplitFileError;
use super::{Counts, GIVEN_STORE};
use crate::config::place::Place;
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
        needed: Box<str>,
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
    /// Classes of a column cannot be learnt as asked for.
    #[error("the column {property} is learnt as classes: {problem}")]
    OfClasses {
        /// Name of the property column.
        property: String,
        /// A description of the fault.
        problem: &'static str,
    },
    /// A column of texts cannot be divided by a value.
    #[error("the column {property} is text, and only numbers are above a value")]
    TextAbove {
        /// Name of the property column.
        property: String,
    },
    /// A column of texts cannot be learnt beside other properties, since it has no classes then.
    #[error("the column {property} is text, and several properties are learnt together as numbers alone")]
    TextAmongNumbers {
        /// Name of the property column.
        property: String,
    },
    /// The split is neither a file nor a column of the store.
    #[error(
        "there is neither a file nor a split column of the name '{split}'; split columns of the store: {}",
        listed(columns)
    )]
    NoSplit {
        /// What was given.
        split: String,
        /// Names of the split columns, in order.
        columns: Vec<String>,
    },
    /// The split column names the part of no crystal.
    #[error(
        "the split column '{column}' is empty: no crystal has train, val or test there; other split columns with parts: \
         {}",
        listed(others)
    )]
    EmptySplit {
        /// Name of the column.
        column: String,
        /// Names of the split columns that name parts, in order.
        others: Vec<String>,
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
        "{}: {missing} of its {} {} not in these shards with a value of '{property}' ({}){}",
        path.display(),
        counted(*listed, "crystal"),
        agree(missing, "is", "are"),
        shown(first, *missing),
        needed_store(&format!("the task '{task}'"), store)
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
    #[error(
        "the task '{task}' needs the column 'fold', which these shards leave empty{}",
        needed_store("it", store)
    )]
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
        /// Whether a column or a list gives the crystals their parts.
        is_given: bool,
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

/// Returns the end of a message about a store that does not fit a task. The task of a property is made for the store at
/// hand and needs no other one.
fn needed_store(who: &str, store: &str) -> String {
    if store == GIVEN_STORE { String::new() } else { format!("; {who} needs {store}") }
}

/// Joins names by commas.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_asked_for_unless_the_task_was_made_for_the_one_at_hand() {
        let missing = |store: &str| {
            let error = TaskError::Missing {
                task: "gap".into(),
                path: Box::new("a.csv".into()),
                property: "gap_ev".into(),
                listed: 7,
                missing: 1,
                first: vec!["m3".to_owned()],
                store: store.into(),
            };
            error.to_string()
        };
        let line = "a.csv: 1 of its 7 crystals is not in these shards with a value of 'gap_ev' (m3)";
        assert_eq!(missing(GIVEN_STORE), line);
        assert_eq!(missing("a store of mine"), format!("{line}; the task 'gap' needs a store of mine"));
        let folds = |store: &str| TaskError::NoFolds { task: "gap".to_owned(), store: store.to_owned() };
        let line = "the task 'gap' needs the column 'fold', which these shards leave empty";
        assert_eq!(folds(GIVEN_STORE).to_string(), line);
        assert_eq!(folds("folds.csv").to_string(), format!("{line}; it needs folds.csv"));
    }
}
