//! Errors of reading a POSCAR.

use thiserror::Error;

use crate::cartesian::CartesianError;

/// An error of reading a POSCAR. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum PoscarError {
    /// The text ends too early.
    #[error("line {line}: the text ends before {missing}")]
    TooShort {
        /// Number of the first missing line.
        line: u32,
        /// The missing part of the file.
        missing: &'static str,
    },
    /// A value is not a finite number.
    #[error("line {line}: {field} is {value:?}, not a number")]
    BadNumber {
        /// Line of the value.
        line: u32,
        /// The quantity expected.
        field: &'static str,
        /// The value as written.
        value: String,
    },
    /// The scale on the second line is neither one factor, nor three factors, nor a volume.
    #[error("line {line}: {value:?} is no scale")]
    BadScale {
        /// Line of the scale.
        line: u32,
        /// The line as written.
        value: String,
    },
    /// A symbol is not that of a chemical element.
    #[error("line {line}: {symbol:?} is no element")]
    UnknownElement {
        /// Line of the symbol.
        line: u32,
        /// The symbol as written.
        symbol: String,
    },
    /// The file names no elements: it has no line of symbols, no symbol after every position and no symbols in the
    /// comment.
    #[error("no element symbols: neither a line of them, nor behind every position, nor in the comment")]
    NoSymbols,
    /// The number of counts differs from the number of symbols.
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
    /// The lattice vectors span no volume, or a Cartesian position is too large for the unit cell.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// A lattice vector or position is infinite after scaling.
    #[error("scaled, a cell vector or position is no finite number")]
    Overflow,
}

/// Formats a count with its noun in singular or plural.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

impl PoscarError {
    /// Returns a short stable name of the kind of error in snake_case.
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

    /// Returns the line of the error, if it has one.
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
