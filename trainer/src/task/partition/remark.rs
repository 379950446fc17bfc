//! Remarks about a division of crystals that a user should see.

use std::collections::HashSet;
use std::fmt;

use schemas::count::{agree, counted};

use super::super::Task;
use super::super::crystals::Crystals;
use super::assignment::Parts;
use super::{Fold, Labelled};

/// Something unusual about a division.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// Split columns of the store name parts, and the crystals are divided in another way that nobody asked for.
    UnusedSplit {
        /// Names of the columns, in order.
        columns: Vec<String>,
    },
    /// A split file has crystals in several parts. Each counts for test before validation before training.
    InSeveralParts {
        /// Number of crystals.
        crystals: usize,
    },
    /// Crystals with a value are in no part of any fold.
    WithoutPart {
        /// Number of crystals.
        crystals: usize,
    },
    /// Test crystals have the structure hash of crystals that are trained on or validate.
    SeenHash {
        /// Name of the fold.
        fold: String,
        /// Number of test crystals.
        crystals: usize,
    },
    /// No training crystal is of a class.
    UntrainedClass {
        /// Name of the fold.
        fold: String,
        /// The class.
        class: String,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnusedSplit { columns } => write!(
                f,
                "the store has the split {} '{}', which {} not used",
                agree(&columns.len(), "column", "columns"),
                columns.join("', '"),
                agree(&columns.len(), "is", "are")
            ),
            Self::InSeveralParts { crystals } => write!(
                f,
                "{} of the split file {} in several parts, and {} for test before validation before training",
                counted(*crystals, "crystal"),
                agree(crystals, "is", "are"),
                agree(crystals, "counts", "count")
            ),
            Self::WithoutPart { crystals } => {
                let are = agree(crystals, "is", "are");
                write!(f, "{} with a value {are} in no part, and left out", counted(*crystals, "crystal"))
            }
            Self::SeenHash { fold, crystals } => write!(
                f,
                "{fold}: {} {} the structure hash of a training or validation crystal, and may be the same: `trainer \
                 duplicates` compares them",
                counted(*crystals, "test crystal"),
                agree(crystals, "has", "have")
            ),
            Self::UntrainedClass { fold, class } => {
                write!(
                    f,
                    "{fold}: no training crystal is of the class '{class}', which the model cannot learn"
                )
            }
        }
    }
}

/// Returns what is unusual about the folds of crystals. `parts` are those of all folds, wanted or not.
pub(super) fn remarks(crystals: &Crystals, parts: &[Parts], folds: &[Fold], task: &Task) -> Vec<Remark> {
    let with_value = crystals.list.iter().enumerate().filter(|(_, crystal)| crystal.has_value());
    let without =
        with_value.filter(|(position, _)| parts.iter().all(|parts| parts.of(*position).is_none())).count();
    let mut remarks = Vec::new();
    if without > 0 {
        remarks.push(Remark::WithoutPart { crystals: without });
    }
    for fold in folds {
        let hash = |crystal: &Labelled| {
            let position = crystals.position(&crystal.material_id)?;
            crystals.list.get(position)?.structure_hash
        };
        let seen: HashSet<u64> = fold.train.iter().chain(&fold.validation).filter_map(hash).collect();
        let twins = fold.test.iter().filter_map(hash).filter(|hash| seen.contains(hash)).count();
        if twins > 0 {
            remarks.push(Remark::SeenHash { fold: fold.name.clone(), crystals: twins });
        }
        let trained: HashSet<usize> = fold.train.iter().filter_map(Labelled::class).collect();
        let untrained = task.classes().iter().enumerate().filter(|(index, _)| !trained.contains(index));
        remarks.extend(
            untrained
                .map(|(_, class)| Remark::UntrainedClass { fold: fold.name.clone(), class: class.clone() }),
        );
    }
    remarks
}
