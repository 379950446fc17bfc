//! POSCARs that give no crystal.

use schemas::count::counted;
use thiserror::Error;

use crate::cartesian::CartesianError;

/// A POSCAR that gives no crystal; lines count from 1.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PoscarError {
    /// The text ends before the part named here.
    #[error("line {line}: the text ends before {missing}")]
    TooShort {
        /// First line that is not there.
        line: u32,
        /// What should stand there.
        missing: &'static str,
    },
    /// A value that is not the finite number it should be.
    #[error("line {line}: {field} is {value:?}, not a number")]
    BadNumber {
        /// Line.
        line: u32,
        /// What should stand there.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// One factor, three factors, or a volume that make no scale.
    #[error("line {line}: {value:?} is no scale")]
    BadScale {
        /// Line.
        line: u32,
        /// The line.
        value: String,
    },
    /// A symbol that is no element.
    #[error("line {line}: {symbol:?} is no element")]
    UnknownElement {
        /// Line.
        line: u32,
        /// The symbol.
        symbol: String,
    },
    /// Neither a line of symbols nor symbols elsewhere.
    #[error("no element symbols: neither a line of them, nor behind every position, nor in the comment")]
    NoSymbols,
    /// Symbols and counts do not pair up.
    #[error("line {line}: {} for {}", counted(*.counts, "count"), counted(*.symbols, "symbol"))]
    CountMismatch {
        /// Line of the counts.
        line: u32,
        /// Number of counts.
        counts: usize,
        /// Number of symbols.
        symbols: usize,
    },
    /// The counts add up to nothing.
    #[error("no sites")]
    NoSites,
    /// A cell without volume, or Cartesian positions too far away for it.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// The scale takes a cell vector or position beyond every number.
    #[error("scaled, a cell vector or position is no finite number")]
    Overflow,
}

impl PoscarError {
    /// Stable code for the rejects table.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "poscar_too_short",
            Self::BadNumber { .. } => "poscar_bad_number",
            Self::BadScale { .. } => "poscar_bad_scale",
            Self::UnknownElement { .. } => "unknown_element",
            Self::NoSymbols => "poscar_no_symbols",
            Self::CountMismatch { .. } => "poscar_count_mismatch",
            Self::NoSites => "no_sites",
            Self::Cartesian(error) => error.reason_code(),
            Self::Overflow => "not_finite",
        }
    }

    /// Line of the fault, where it has one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::TooShort { line, .. }
            | Self::BadNumber { line, .. }
            | Self::BadScale { line, .. }
            | Self::UnknownElement { line, .. }
            | Self::CountMismatch { line, .. } => Some(*line),
            Self::NoSymbols | Self::NoSites | Self::Cartesian(_) | Self::Overflow => None,
        }
    }
}
