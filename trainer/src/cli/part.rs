//! Parts of a task on the command line.

use clap::ValueEnum;
use trainer::report::part::Part;

/// Part of every fold whose crystals are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PartName {
    /// The test parts, which no training has used
    Test,
    /// The validation parts, by which epochs and settings are chosen
    Validation,
}

impl From<PartName> for Part {
    fn from(name: PartName) -> Self {
        match name {
            PartName::Test => Self::Test,
            PartName::Validation => Self::Validation,
        }
    }
}
