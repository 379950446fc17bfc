//! Rules for the split of a task's data.

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// Minimum number of drawn folds.
pub const LEAST_FOLDS: u64 = 2;
/// Maximum number of drawn folds.
pub const MOST_FOLDS: u64 = 100;

/// Rule that splits the data into parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "lowercase", deny_unknown_fields)]
pub enum SplitRule {
    /// A split column of the store with `train`, `val` or `test`. A crystal with another value, or none, belongs to
    /// no part.
    Column {
        /// Name of the column: `split` or `split_<task>`.
        column: String,
    },
    /// Cross-validation by the `fold` column of the store. Each fold is the test part once. The other crystals are
    /// divided by hash of the identifier, independent of the seed.
    Folds {
        /// Share of the crystals outside the test fold for validation, above 0 and below 1.
        validation_fraction: f64,
    },
    /// Cross-validation by folds of equal size that are drawn. Every fold has as many crystals of low as of high values.
    /// Each fold is the test part once. Of the other crystals those for validation are drawn, with values alike, too.
    Drawn {
        /// Number of folds, [`LEAST_FOLDS`] to [`MOST_FOLDS`].
        folds: usize,
        /// Seed of the draw.
        seed: u64,
        /// Share of the crystals outside the test fold for validation, above 0 and below 1.
        validation_fraction: f64,
        /// SHA-256 of the identifiers and values for which the folds were drawn. The folds of others would be other
        /// ones, and test what has been trained on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels_sha256: Option<String>,
    },
    /// A published list of identifiers, given by the user as a file.
    File {
        /// Name of the list for messages.
        name: String,
    },
    /// By hash of the identifier, independent of the seed.
    Hash {
        /// Share of all crystals for validation, above 0.
        validation_fraction: f64,
        /// Share of all crystals for the test, above 0. Both shares together are below 1.
        test_fraction: f64,
    },
}

impl SplitRule {
    /// Whether a column or a list gives the crystals their parts. Other rules choose the parts themselves.
    pub fn gives_parts(&self) -> bool {
        matches!(self, SplitRule::Column { .. } | SplitRule::File { .. })
    }

    /// Whether every crystal is tested in one of several folds.
    pub fn has_folds(&self) -> bool {
        matches!(self, SplitRule::Folds { .. } | SplitRule::Drawn { .. })
    }

    /// Returns a few words about the rule.
    pub fn summary(&self) -> String {
        match self {
            SplitRule::Column { column } => format!("the column {column}"),
            SplitRule::Folds { .. } => "the folds of the store".to_owned(),
            SplitRule::Drawn { folds, .. } => format!("{folds} folds with values alike"),
            SplitRule::File { name } => name.clone(),
            SplitRule::Hash { validation_fraction, test_fraction } => {
                format!("by identifier, {test_fraction} for the test, {validation_fraction} for validation")
            }
        }
    }

    /// Returns the first value out of range.
    pub(super) fn fault(&self) -> Option<Fault> {
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        match self {
            SplitRule::Column { column } if column.is_empty() => {
                Some(Fault::new("split.column", "", "the name of a split column"))
            }
            SplitRule::Drawn { folds, .. } if !(LEAST_FOLDS..=MOST_FOLDS).contains(&(*folds as u64)) => {
                let needed = format!("{LEAST_FOLDS} to {MOST_FOLDS}");
                Some(Fault::new("split.folds", folds.to_string(), needed))
            }
            SplitRule::Folds { validation_fraction }
            | SplitRule::Drawn { validation_fraction, .. }
            | SplitRule::Hash { validation_fraction, .. }
                if !is_share(*validation_fraction) =>
            {
                let value = validation_fraction.to_string();
                Some(Fault::new("split.validation_fraction", value, "above 0 and below 1"))
            }
            SplitRule::Hash { validation_fraction, test_fraction }
                if !is_share(*test_fraction) || !is_share(validation_fraction + test_fraction) =>
            {
                let needed = "above 0, and below 1 together with split.validation_fraction";
                Some(Fault::new("split.test_fraction", test_fraction.to_string(), needed))
            }
            _ => None,
        }
    }
}
