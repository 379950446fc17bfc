//! Parts of a task whose crystals are scored.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Part of every fold whose crystals are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The test part, which no training has used.
    #[default]
    Test,
    /// The validation part, by which epochs and settings are chosen.
    Validation,
}

impl Part {
    /// Returns the name in texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
        }
    }

    /// Whether it is the test part.
    pub(super) fn is_test(&self) -> bool {
        *self == Self::Test
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
