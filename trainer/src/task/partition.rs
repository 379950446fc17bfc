//! Partition of the crystals of a task into parts, with their targets.
//!
//! Within a part the crystals keep the order of the shards. A crystal without a value or without a part is not
//! counted. A crystal whose value the transform excludes is listed in [`Partition::excluded`].

mod assignment;
mod draw;
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

/// Name of the single fold of a task without cross-validation.
pub const SINGLE_FOLD: &str = "split";

/// Options of the partition of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionOptions {
    /// A list of identifiers in one of the layouts of [`super::split_file`]. It replaces the rule of the task, unless
    /// the task has folds.
    pub split_file: Option<PathBuf>,
    /// Indices of the folds in any order; all if `None` or empty.
    pub folds: Option<Vec<usize>>,
    /// Whether to accept fewer crystals than the definition of the task has.
    pub allow_partial: bool,
    /// Share of the training part that is kept, above 0 and at most 1. Of n crystals ⌈fraction·n⌉ are kept. For the
    /// same seed, a smaller share is part of a larger one.
    pub fraction: f64,
    /// Seed of the choice of the share.
    pub fraction_seed: u64,
    /// Whether the training part also holds the crystals of the validation part, behind its own.
    pub train_on_validation: bool,
}

impl Default for PartitionOptions {
    /// All folds, all crystals.
    fn default() -> Self {
        Self {
            split_file: None,
            folds: None,
            allow_partial: false,
            fraction: 1.0,
            fraction_seed: 0,
            train_on_validation: false,
        }
    }
}

/// A crystal and its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Identifier.
    pub material_id: String,
    /// Target: the property after the transform, in [`Task::target_unit`].
    pub value: f64,
}

/// Training, validation and test part of a fold, each in the order of the shards.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fold {
    /// Name: `fold-0`, `fold-1`, …, or [`SINGLE_FOLD`].
    pub name: String,
    /// Crystals for training.
    pub train: Vec<Labelled>,
    /// Crystals for validation, which selects the best epoch.
    pub validation: Vec<Labelled>,
    /// Crystals for the test.
    pub test: Vec<Labelled>,
}

impl Fold {
    /// Returns the sizes of the parts.
    pub fn counts(&self) -> Counts {
        Counts { train: self.train.len(), validation: self.validation.len(), test: self.test.len() }
    }
}

/// Reason why a crystal with a part is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The value has no target: it is not finite, or not positive under a logarithm.
    NoTarget,
    /// The split file lists the crystal, and the shards lack it.
    NotInStore,
    /// The split file lists the crystal, and it has no value in the shards.
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

/// An excluded crystal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excluded {
    /// Identifier.
    pub material_id: String,
    /// Value in the unit of the property, if there is one.
    pub value: Option<f64>,
    /// Reason of the exclusion.
    pub reason: Reason,
}

/// The folds of a task and its excluded crystals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Partition {
    /// The requested folds in order; a single one without cross-validation.
    pub folds: Vec<Fold>,
    /// Excluded crystals: first those that the transform excludes, in the order of the shards, then those of a split
    /// file that have no value in the shards, by identifier.
    pub excluded: Vec<Excluded>,
    /// Identifiers that a split file has in several parts, in order. Each counts for test before validation before
    /// training.
    pub in_several_parts: BTreeSet<String>,
}

/// See [`Task::partition`].
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

/// Returns the exclusion of a crystal whose value has no target.
fn refused(crystal: &Crystal, transform: Transform) -> Option<Excluded> {
    let value = crystal.value.filter(|value| transform.apply(*value).is_none())?;
    let material_id = crystal.material_id.clone();
    Some(Excluded { material_id, value: Some(value), reason: Reason::NoTarget })
}

/// Compares the number of crystals with a part and a value with the definition of the task.
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

/// Returns the requested folds in order.
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

/// Returns the crystals of a fold. No part may be empty.
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
    if options.train_on_validation {
        fold.train.extend_from_slice(&fold.validation);
    }
    Ok(fold)
}
