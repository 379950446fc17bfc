//! Where the parts of a task's data come from, and what models are compared by.

use serde::{Deserialize, Serialize};

/// Where the parts of the data come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "lowercase", deny_unknown_fields)]
pub enum SplitRule {
    /// A split column of the store, `train`, `val` or `test`; with any other text, or none, a crystal
    /// takes no part.
    Column {
        /// Name of the column: `split` or `split_<task>`.
        column: String,
    },
    /// Cross-validation by the store's `fold` column: each fold is the test part once, and the rest is
    /// divided by hash of the identifier, in the same way whatever the seed.
    Folds {
        /// Share of the crystals outside the test fold that are held out for validation, above 0 and
        /// below 1.
        validation_fraction: f64,
    },
    /// A published list of identifiers, which the user gives as a file.
    File {
        /// The list to look for, as messages call it.
        name: String,
    },
    /// By hash of the identifier, in the same way whatever the seed.
    Hash {
        /// Share of all crystals held out for validation, above 0.
        validation_fraction: f64,
        /// Share of all crystals held out for the test, above 0; the two together below 1.
        test_fraction: f64,
    },
}

impl SplitRule {
    /// The first key with a value out of range: key, value, and what it would have to be.
    pub(super) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        match self {
            SplitRule::Column { column } if column.is_empty() => {
                Some(("split.column", String::new(), "the name of a split column"))
            }
            SplitRule::Folds { validation_fraction } | SplitRule::Hash { validation_fraction, .. }
                if !is_share(*validation_fraction) =>
            {
                let value = validation_fraction.to_string();
                Some(("split.validation_fraction", value, "above 0 and below 1"))
            }
            SplitRule::Hash { validation_fraction, test_fraction }
                if !is_share(*test_fraction) || !is_share(validation_fraction + test_fraction) =>
            {
                let needed = "above 0, and below 1 together with split.validation_fraction";
                Some(("split.test_fraction", test_fraction.to_string(), needed))
            }
            _ => None,
        }
    }
}

/// What models are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Mean absolute error in the target's unit.
    #[default]
    Mae,
}
