//! Errors of POSCARs.

use thiserror::Error;

use crate::cartesian::CartesianError;

/// Error of a POSCAR that cannot be read. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum PoscarError {
    /// The text ends before the part named here.
    #[error("line {line}: the text ends before {missing}")]
    TooShort {
        /// First line after the end of the text.
        line: u32,
        /// The part of the file expected there.
        missing: &'static str,
    },
    /// A value that should be a finite number is not one.
    #[error("line {line}: {field} is {value:?}, not a number")]
    BadNumber {
        /// Line of the value.
        line: u32,
        /// The quantity expected there.
        field: &'static str,
        /// The value as written.
        value: String,
    },
    /// The second line is neither one factor, nor three, nor a volume.
    #[error("line {line}: {value:?} is no scale")]
    BadScale {
        /// Line of the scale.
        line: u32,
        /// The line as written.
        value: String,
    },
    /// A symbol is not that of an element.
    #[error("line {line}: {symbol:?} is no element")]
    UnknownElement {
        /// Line of the symbol.
        line: u32,
        /// The symbol as written.
        symbol: String,
    },
    /// The file has no line of symbols, no symbol behind every position and no symbols in the comment.
    #[error("no element symbols: neither a line of them, nor behind every position, nor in the comment")]
    NoSymbols,
    /// There are not as many counts as symbols.
    #[error("line {line}: {} for {}", counted(*.counts, "count"), counted(*.symbols, "symbol"))]
    CountMismatch {
        /// Line of the counts.
        line: u32,
        /// Number of counts.
        counts: usize,
        /// Number of symbols.
        symbols: usize,
    },
    /// The sum of the counts is 0.
    #[error("no sites")]
    NoSites,
    /// The cell has no volume, or a Cartesian position is too far away from it.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// A cell vector or position is infinite after scaling.
    #[error("scaled, a cell vector or position is no finite number")]
    Overflow,
}

/// A count with its noun, in singular or plural.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

impl PoscarError {
    /// Short stable name of the kind of error, in snake_case.
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
