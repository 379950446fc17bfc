//! Partition of the crystals of a task into parts, with their targets.
//!
//! Within a part the crystals keep the order of the shards. A crystal without a value or without a part is not
//! counted. A crystal whose value the transform excludes is listed in [`Partition::excluded`].

mod assignment;
mod draw;
mod fraction;
mod remark;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use schemas::hash::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::crystals::{Crystal, Crystals, Wanted, filled_splits};
use super::{Counts, TargetColumn, Task, TaskError};
use crate::config::finetune::HeldOut;
use crate::config::place::Place;
use crate::data::{Sources, SplitPart};

pub use remark::Remark;

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
    /// The crystals for validation in the folds of a cross-validation.
    pub held_out: HeldOut,
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
            held_out: HeldOut::Same,
        }
    }
}

/// A crystal and its targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Identifier.
    pub material_id: String,
    /// Targets, `[T]`: every property of [`Task::targets`] after its transform, in [`TargetColumn::target_unit`], NaN if
    /// the crystal has no value. Of classes the index, `[1]`. Of numbers of the sites those of every site, `[nsites]`.
    ///
    /// [`TargetColumn::target_unit`]: super::TargetColumn::target_unit
    pub targets: Vec<f64>,
}

/// Returns the name of a fold by its number, or of the only one.
pub(crate) fn fold_name(number: Option<usize>) -> String {
    number.map_or_else(|| SINGLE_FOLD.to_owned(), |number| format!("fold-{number}"))
}

impl Labelled {
    /// Returns the index of the crystal's class; `None` without one.
    pub(crate) fn class(&self) -> Option<usize> {
        self.targets.first().filter(|class| !class.is_nan()).map(|class| *class as usize)
    }

    /// Returns the targets of one property, by its index, of the crystals that have one.
    pub(crate) fn present(crystals: &[Self], property: usize) -> Vec<f64> {
        let targets = crystals.iter().filter_map(|crystal| crystal.targets.get(property).copied());
        targets.filter(|target| !target.is_nan()).collect()
    }
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
    /// Returns the SHA-256, in hexadecimal digits, of the crystals of the training and validation parts and their targets.
    /// Other orders of the crystals make no difference.
    pub(crate) fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for part in [&self.train, &self.validation] {
            let mut crystals: Vec<&Labelled> = part.iter().collect();
            crystals.sort_by(|one, other| one.material_id.cmp(&other.material_id));
            digest.update(format!("{}\n", crystals.len()));
            for Labelled { material_id, targets } in crystals {
                digest.update(format!("{}:{material_id} {}", material_id.len(), targets.len()));
                targets.iter().for_each(|target| digest.update(target.to_bits().to_le_bytes()));
            }
        }
        hex(&digest.finalize())
    }

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
    /// The value is of none of the classes.
    NoClass,
    /// The split file lists the crystal, and the shards lack it.
    NotInStore,
    /// The split file lists the crystal, and it has no value in the shards.
    NoValue,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reason::NoTarget => "the transform has no result for its value",
            Reason::NoClass => "the task has no such class",
            Reason::NotInStore => "not in the store",
            Reason::NoValue => "without a value in the store",
        })
    }
}

/// An excluded crystal, or value of a crystal that has others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excluded {
    /// Identifier.
    pub material_id: String,
    /// Value in the unit of the property, if there is one.
    pub value: Option<String>,
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
    /// Remarks about the division that a user should see.
    pub remarks: Vec<Remark>,
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
    if let Some(fault) = task.split.fault() {
        return Err(fault.at(Place::Text(task.name.as_str().into())));
    }
    let assignment = Assignment::new(task, sources, options)?;
    let targets = task.targets();
    let properties: Vec<&str> = targets.iter().map(|target| target.property.as_str()).collect();
    let wanted = Wanted {
        properties: &properties,
        classification: task.classification.as_ref(),
        split_column: assignment.column(),
        per_site: task.per_site,
    };
    let crystals = Crystals::read(sources, wanted)?;
    if let Some(column) = assignment.column()
        && crystals.list.iter().all(|crystal| crystal.part.is_none())
    {
        return Err(TaskError::EmptySplit { column: column.to_owned(), others: filled_splits(sources)? });
    }
    let missing = assignment.missing(task, &crystals, options)?;
    let parts = assignment.parts(task, &crystals, options.held_out)?;
    check_sizes(task, &crystals, &parts, options)?;

    let mut excluded: Vec<Excluded> = crystals
        .list
        .iter()
        .enumerate()
        .filter(|(position, _)| parts.iter().any(|fold| fold.of(*position).is_some()))
        .flat_map(|(_, crystal)| refused(crystal, &targets))
        .collect();
    excluded.extend(missing);
    let folds: Vec<Fold> = wanted_folds(task, &parts, options)?
        .into_iter()
        .map(|parts| fold(task, &targets, &crystals, parts, options))
        .collect::<Result<Vec<_>, _>>()?;
    let in_several_parts = assignment.in_several_parts();
    let several = (in_several_parts > 0).then_some(Remark::InSeveralParts { crystals: in_several_parts });
    let remarks = several.into_iter().chain(remark::remarks(&crystals, &parts, &folds, task)).collect();
    Ok(Partition { folds, excluded, remarks })
}

/// Returns the exclusions of a crystal's values that have no target.
fn refused(crystal: &Crystal, targets: &[TargetColumn]) -> Vec<Excluded> {
    let values = crystal.values.iter().zip(targets);
    let without =
        values.filter_map(|(value, target)| value.filter(|value| target.transform.apply(*value).is_none()));
    let excluded = |value: f64| Excluded {
        material_id: crystal.material_id.clone(),
        value: Some(crystal.of_no_class.clone().unwrap_or_else(|| value.to_string())),
        reason: if crystal.of_no_class.is_some() { Reason::NoClass } else { Reason::NoTarget },
    };
    without.map(excluded).collect()
}

/// Returns the targets of a crystal, NaN for those that it lacks; `None` if it has none.
fn targets_of(crystal: &Crystal, targets: &[TargetColumn]) -> Option<Vec<f64>> {
    if !crystal.sites.is_empty() {
        return Some(crystal.sites.clone());
    }
    let of = |(value, target): (&Option<f64>, &TargetColumn)| {
        value.and_then(|value| target.transform.apply(value)).unwrap_or(f64::NAN)
    };
    let targets: Vec<f64> = crystal.values.iter().zip(targets).map(of).collect();
    targets.iter().any(|target| !target.is_nan()).then_some(targets)
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
        let with_value = crystals.list.iter().enumerate().filter(|(_, crystal)| crystal.has_value());
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
fn wanted_folds<'a>(
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

/// Checks that a model can learn every target: that a training crystal has it, and that two classes at least occur.
fn require_targets(task: &Task, fold: &Fold, targets: &[TargetColumn]) -> Result<(), TaskError> {
    let empty = |property: &str| TaskError::EmptyPart {
        task: task.name.clone(),
        property: property.to_owned(),
        part: "train",
        fold: fold.name.clone(),
        is_given: task.split.gives_parts(),
    };
    for (index, target) in targets.iter().enumerate() {
        if fold.train.iter().all(|crystal| crystal.targets[index].is_nan()) {
            return Err(empty(&target.property));
        }
    }
    let first = fold.train.first().map(|crystal| crystal.targets[0]);
    match task.classification.is_some() && fold.train.iter().all(|crystal| Some(crystal.targets[0]) == first)
    {
        true => Err(TaskError::OneClass { task: task.name.clone(), fold: fold.name.clone() }),
        false => Ok(()),
    }
}

/// Returns the crystals of a fold. No part may be empty.
fn fold(
    task: &Task,
    targets: &[TargetColumn],
    crystals: &Crystals,
    parts: &Parts,
    options: &PartitionOptions,
) -> Result<Fold, TaskError> {
    let mut fold = Fold { name: fold_name(parts.fold), ..Fold::default() };
    for (position, crystal) in crystals.list.iter().enumerate() {
        let (Some(part), Some(targets)) = (parts.of(position), targets_of(crystal, targets)) else {
            continue;
        };
        let list = match part {
            SplitPart::Train => &mut fold.train,
            SplitPart::Val => &mut fold.validation,
            SplitPart::Test => &mut fold.test,
        };
        list.push(Labelled { material_id: crystal.material_id.clone(), targets });
    }
    let lists = [("train", &fold.train), ("validation", &fold.validation), ("test", &fold.test)];
    if let Some((part, _)) = lists.into_iter().find(|(_, list)| list.is_empty()) {
        let property =
            targets.iter().map(|target| target.property.as_str()).collect::<Vec<_>>().join("' or '");
        let (task, is_given) = (task.name.clone(), task.split.gives_parts());
        return Err(TaskError::EmptyPart { task, property, part, fold: fold.name, is_given });
    }
    fold.train = fraction::keep(fold.train, options.fraction, options.fraction_seed);
    require_targets(task, &fold, targets)?;
    if options.train_on_validation {
        fold.train.extend_from_slice(&fold.validation);
    }
    Ok(fold)
}
