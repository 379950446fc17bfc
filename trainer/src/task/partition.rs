//! The crystals of every part of a task, with their targets.
//!
//! Within a part the crystals stand in the order of the shards. A crystal without a value of the
//! property, or without a part, is counted nowhere. One whose value the transform refuses is listed
//! in [`Partition::excluded`].

mod assignment;
mod fraction;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::crystals::{Crystal, Crystals};
use super::{Counts, Task, TaskError, Transform};
use crate::data::{Sources, SplitPart};

use assignment::{Assignment, Parts};

/// Name of the only fold of a task without cross-validation.
pub const SINGLE_FOLD: &str = "split";

/// What the user chooses of a task's partition.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionOptions {
    /// A list of identifiers, in one of the layouts of [`super::split_file`]. It replaces whatever rule
    /// the task has, except folds.
    pub split_file: Option<PathBuf>,
    /// The folds wanted, in any order; all if `None` or empty.
    pub folds: Option<Vec<usize>>,
    /// Whether to go on where the shards have fewer crystals than the task.
    pub allow_partial: bool,
    /// Share of the training part that is kept, above 0 and at most 1. Of n crystals ⌈fraction·n⌉ stay,
    /// and a smaller share is always part of a larger one of the same seed.
    pub fraction: f64,
    /// Seed of that choice.
    pub fraction_seed: u64,
}

impl Default for PartitionOptions {
    /// Everything the task has.
    fn default() -> Self {
        Self { split_file: None, folds: None, allow_partial: false, fraction: 1.0, fraction_seed: 0 }
    }
}

/// A crystal with its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Identifier.
    pub material_id: String,
    /// The property after the transform, in [`Task::target_unit`].
    pub value: f64,
}

/// Training, validation and test part, each in the order of the shards.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fold {
    /// `fold-0`, `fold-1`, …, or [`SINGLE_FOLD`].
    pub name: String,
    /// Crystals that train.
    pub train: Vec<Labelled>,
    /// Crystals that choose among the epochs' weights.
    pub validation: Vec<Labelled>,
    /// Crystals of the final figure.
    pub test: Vec<Labelled>,
}

impl Fold {
    /// Sizes of the parts.
    pub fn counts(&self) -> Counts {
        Counts { train: self.train.len(), validation: self.validation.len(), test: self.test.len() }
    }
}

/// Why a crystal that has a part takes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its value has no target: at or below zero under a logarithm, or not finite.
    NoTarget,
    /// The split file lists it, the shards do not have it.
    NotInStore,
    /// The split file lists it, the shards have it without a value.
    NoValue,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reason::NoTarget => "the transform has no result for its value",
            Reason::NotInStore => "not in the store",
            Reason::NoValue => "without a value in the store",
        })
    }
}

/// A crystal that has a part, but takes none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excluded {
    /// Identifier.
    pub material_id: String,
    /// Its value in the property's unit, if it has one.
    pub value: Option<f64>,
    /// Why.
    pub reason: Reason,
}

/// A task's crystals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Partition {
    /// The folds wanted, in order; a single one without cross-validation.
    pub folds: Vec<Fold>,
    /// Crystals left out: first those that the transform refuses in the order of the shards, then those
    /// that a split file lists and the shards do not have with a value, by identifier.
    pub excluded: Vec<Excluded>,
    /// Identifiers that a split file has in more than one part, in order; each counts for the one that
    /// keeps it farthest from training.
    pub in_several_parts: BTreeSet<String>,
}

/// As [`Task::partition`].
pub(super) fn partition(
    task: &Task,
    sources: &Sources,
    options: &PartitionOptions,
) -> Result<Partition, TaskError> {
    if !(options.fraction > 0.0 && options.fraction <= 1.0) {
        return Err(TaskError::Fraction { value: options.fraction });
    }
    // The task in the folder of a fine-tuning was not checked when it was read.
    task.check_unit(&task.name)?;
    let assignment = Assignment::new(task, sources, options)?;
    let crystals = Crystals::read(sources, &task.property, assignment.column())?;
    let missing = assignment.missing(task, &crystals, options)?;
    let parts = assignment.parts(task, &crystals)?;
    check_sizes(task, &crystals, &parts, options)?;

    let mut excluded: Vec<Excluded> = crystals
        .list
        .iter()
        .enumerate()
        .filter(|(position, _)| parts.iter().any(|fold| fold.of(*position).is_some()))
        .filter_map(|(_, crystal)| refused(crystal, task.transform))
        .collect();
    excluded.extend(missing);
    let folds = wanted(task, &parts, options)?
        .into_iter()
        .map(|parts| fold(task, &crystals, parts, options))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Partition { folds, excluded, in_several_parts: assignment.in_several_parts() })
}

/// A crystal with a value that has no target.
fn refused(crystal: &Crystal, transform: Transform) -> Option<Excluded> {
    let value = crystal.value.filter(|value| transform.apply(*value).is_none())?;
    let material_id = crystal.material_id.clone();
    Some(Excluded { material_id, value: Some(value), reason: Reason::NoTarget })
}

/// Compares the numbers of crystals that have a part and a value with those of the task.
fn check_sizes(
    task: &Task,
    crystals: &Crystals,
    parts: &[Parts],
    options: &PartitionOptions,
) -> Result<(), TaskError> {
    if options.allow_partial {
        return Ok(());
    }
    for fold in parts {
        let mut found = Counts { train: 0, validation: 0, test: 0 };
        let with_value = crystals.list.iter().enumerate().filter(|(_, crystal)| crystal.value.is_some());
        for part in with_value.filter_map(|(position, _)| fold.of(position)) {
            match part {
                SplitPart::Train => found.train += 1,
                SplitPart::Val => found.validation += 1,
                SplitPart::Test => found.test += 1,
            }
        }
        if let Some(expected) = task.expected.filter(|expected| *expected != found) {
            let (task, store) = (task.name.clone(), task.store.as_str().into());
            return Err(TaskError::Counts { task, expected, found, store });
        }
        let found = found.train + found.validation + found.test;
        if let Some(expected) = task.crystals.filter(|expected| *expected != found) {
            let (task, store) = (task.name.clone(), task.store.clone());
            return Err(TaskError::Crystals { task, expected, found, store });
        }
    }
    Ok(())
}

/// The folds that were asked for, in order.
fn wanted<'a>(
    task: &Task,
    parts: &'a [Parts],
    options: &PartitionOptions,
) -> Result<Vec<&'a Parts>, TaskError> {
    let wanted = options.folds.as_deref().unwrap_or_default();
    let available: Vec<usize> = parts.iter().filter_map(|parts| parts.fold).collect();
    if let Some(&fold) = wanted.iter().find(|fold| !available.contains(fold)) {
        return Err(TaskError::UnknownFold { task: task.name.clone(), fold, available });
    }
    let is_wanted =
        |parts: &&Parts| wanted.is_empty() || parts.fold.is_some_and(|fold| wanted.contains(&fold));
    Ok(parts.iter().filter(is_wanted).collect())
}

/// The crystals of one fold, none of its parts empty.
fn fold(
    task: &Task,
    crystals: &Crystals,
    parts: &Parts,
    options: &PartitionOptions,
) -> Result<Fold, TaskError> {
    let name = parts.fold.map_or_else(|| SINGLE_FOLD.to_owned(), |fold| format!("fold-{fold}"));
    let mut fold = Fold { name, ..Fold::default() };
    for (position, crystal) in crystals.list.iter().enumerate() {
        let target = crystal.value.and_then(|value| task.transform.apply(value));
        let (Some(part), Some(value)) = (parts.of(position), target) else { continue };
        let list = match part {
            SplitPart::Train => &mut fold.train,
            SplitPart::Val => &mut fold.validation,
            SplitPart::Test => &mut fold.test,
        };
        list.push(Labelled { material_id: crystal.material_id.clone(), value });
    }
    let lists = [("train", &fold.train), ("validation", &fold.validation), ("test", &fold.test)];
    if let Some((part, _)) = lists.into_iter().find(|(_, list)| list.is_empty()) {
        let (task, property) = (task.name.clone(), task.property.clone());
        return Err(TaskError::EmptyPart { task, property, part, fold: fold.name });
    }
    fold.train = fraction::keep(fold.train, options.fraction, options.fraction_seed);
    Ok(fold)
}
