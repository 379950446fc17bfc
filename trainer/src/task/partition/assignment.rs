//! Assignment of the crystals to parts by the rule of the task.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::crystals::{Crystal, Crystals};
use super::super::split_file::SplitFile;
use super::super::{SplitRule, Task, TaskError};
use super::draw::Draw;
use super::{Excluded, PartitionOptions, Reason};
use crate::config::finetune::HeldOut;
use crate::data::subset::hash_position;
use crate::data::{Sources, SplitPart};

/// Prefix of the hashed identifiers, which makes this choice independent of other choices by hash.
const SALT: &str = "mmpt-task:";
/// Number of missing identifiers that an error names.
const SHOWN_MISSING: usize = 5;

/// Source of the assignment.
pub(super) enum Assignment {
    /// A split column of this name.
    Column(String),
    /// The fold column, and the share of the other crystals for validation.
    Folds(f64),
    /// Folds that are drawn, and the share of the other crystals for validation.
    Drawn(Draw, f64, Option<String>),
    /// A list and its file.
    File(PathBuf, SplitFile),
    /// Hashes, with the shares of validation and test.
    Hash(f64, f64),
}

/// The part of every crystal for one fold.
pub(super) struct Parts {
    /// Index of the test fold; `None` without cross-validation.
    pub(super) fold: Option<usize>,
    /// Part of each crystal of the shards.
    parts: Vec<Option<SplitPart>>,
}

impl Parts {
    /// Returns the part of a crystal by its index in the list.
    pub(super) fn of(&self, position: usize) -> Option<SplitPart> {
        self.parts.get(position).copied().flatten()
    }
}

impl Assignment {
    /// Returns the assignment for a task and its options, after checking that the columns exist.
    pub(super) fn new(task: &Task, sources: &Sources, options: &PartitionOptions) -> Result<Self, TaskError> {
        let properties: Vec<String> = task.targets().into_iter().map(|target| target.property).collect();
        sources.require_properties(&properties)?;
        match (&task.split, &options.split_file) {
            (split, Some(_)) if split.has_folds() => {
                Err(TaskError::SplitFileWithFolds { task: task.name.clone() })
            }
            (_, Some(path)) => Ok(Self::File(path.clone(), SplitFile::read(path)?)),
            (SplitRule::File { name }, None) => {
                Err(TaskError::SplitFileNeeded { task: task.name.clone(), name: name.clone() })
            }
            (SplitRule::Column { column }, None) => {
                sources.require_split(column)?;
                Ok(Self::Column(column.clone()))
            }
            (SplitRule::Folds { validation_fraction }, None) => Ok(Self::Folds(*validation_fraction)),
            (SplitRule::Drawn { folds, seed, validation_fraction, labels_sha256 }, None) => {
                let draw = Draw { folds: *folds, seed: *seed };
                Ok(Self::Drawn(draw, *validation_fraction, labels_sha256.clone()))
            }
            (SplitRule::Hash { validation_fraction, test_fraction }, None) => {
                Ok(Self::Hash(*validation_fraction, *test_fraction))
            }
        }
    }

    /// Returns the split column to read, if there is one.
    pub(super) fn column(&self) -> Option<&str> {
        match self {
            Assignment::Column(column) => Some(column),
            Assignment::Folds(_) | Assignment::Drawn(..) | Assignment::File(..) | Assignment::Hash(..) => {
                None
            }
        }
    }

    /// Returns the number of crystals that the list has in several parts.
    pub(super) fn in_several_parts(&self) -> usize {
        match self {
            Assignment::File(_, list) => list.in_several_parts().len(),
            Assignment::Column(_) | Assignment::Folds(_) | Assignment::Drawn(..) | Assignment::Hash(..) => 0,
        }
    }

    /// Returns the crystals of the list without a value in the shards. They are an error unless the options allow
    /// them.
    pub(super) fn missing(
        &self,
        task: &Task,
        crystals: &Crystals,
        options: &PartitionOptions,
    ) -> Result<Vec<Excluded>, TaskError> {
        let Assignment::File(path, list) = self else { return Ok(Vec::new()) };
        let reason = |material_id: &String| match crystals.position(material_id) {
            None => Some(Reason::NotInStore),
            Some(position) => {
                let has_value = crystals.list.get(position).is_some_and(Crystal::has_value);
                (!has_value).then_some(Reason::NoValue)
            }
        };
        let missing: Vec<Excluded> = list
            .parts()
            .keys()
            .filter_map(|material_id| {
                let reason = reason(material_id)?;
                Some(Excluded { material_id: material_id.clone(), value: None, reason })
            })
            .collect();
        if missing.is_empty() || options.allow_partial {
            return Ok(missing);
        }
        Err(TaskError::Missing {
            task: task.name.as_str().into(),
            path: path.clone().into(),
            property: task.property.as_str().into(),
            listed: list.parts().len(),
            missing: missing.len(),
            first: missing.into_iter().take(SHOWN_MISSING).map(|excluded| excluded.material_id).collect(),
            store: task.store.as_str().into(),
        })
    }

    /// Returns the part of every crystal for each fold in order.
    pub(super) fn parts(
        &self,
        task: &Task,
        crystals: &Crystals,
        held_out: HeldOut,
    ) -> Result<Vec<Parts>, TaskError> {
        let list = &crystals.list;
        let single = |parts| Ok(vec![Parts { fold: None, parts }]);
        match self {
            Assignment::Column(_) => single(list.iter().map(|crystal| crystal.part).collect()),
            Assignment::File(_, file) => {
                single(list.iter().map(|crystal| file.parts().get(&crystal.material_id).copied()).collect())
            }
            Assignment::Hash(validation, test) => {
                let part = |material_id| match hash_position(SALT, material_id) {
                    position if position < *test => SplitPart::Test,
                    position if position < test + validation => SplitPart::Val,
                    _ => SplitPart::Train,
                };
                single(list.iter().map(|crystal| Some(part(&crystal.material_id))).collect())
            }
            Assignment::Folds(validation) => {
                let folds: Vec<Option<usize>> = list.iter().map(|crystal| crystal.fold).collect();
                if folds.iter().all(Option::is_none) {
                    let (task, store) = (task.name.clone(), task.store.clone());
                    return Err(TaskError::NoFolds { task, store });
                }
                let by_salt = |salt: &str| {
                    let is_held_out =
                        |crystal: &Crystal| hash_position(salt, &crystal.material_id) < *validation;
                    list.iter().map(is_held_out).collect()
                };
                Ok(of_folds(&folds, |fold| match held_out {
                    HeldOut::Same => by_salt(SALT),
                    HeldOut::PerFold => by_salt(&format!("{SALT}fold-{fold}:")),
                }))
            }
            Assignment::Drawn(draw, validation, labels_sha256) => {
                if labels_sha256.as_ref().is_some_and(|expected| *expected != crystals.labels_sha256()) {
                    return Err(TaskError::OtherLabels { task: task.name.clone() });
                }
                let folds = draw.folds(list);
                Ok(of_folds(&folds, |fold| match held_out {
                    HeldOut::Same => draw.held_out(list, &folds, *validation, 0),
                    HeldOut::PerFold => draw.held_out(list, &folds, *validation, 1 + fold as u64),
                }))
            }
        }
    }
}

/// Returns the parts for each fold, of which `folds` has that of every crystal. The crystals that `held_out` returns for a
/// fold are for validation where they are not tested.
fn of_folds(folds: &[Option<usize>], held_out: impl Fn(usize) -> Vec<bool>) -> Vec<Parts> {
    let part = |tested: usize, fold: usize, held_out: bool| match held_out {
        _ if fold == tested => SplitPart::Test,
        true => SplitPart::Val,
        false => SplitPart::Train,
    };
    let of_fold = |tested: usize| {
        let crystals = folds.iter().zip(held_out(tested));
        crystals.map(|(fold, held_out)| fold.map(|fold| part(tested, fold, held_out))).collect()
    };
    let tested: BTreeSet<usize> = folds.iter().flatten().copied().collect();
    tested.into_iter().map(|fold| Parts { fold: Some(fold), parts: of_fold(fold) }).collect()
}
