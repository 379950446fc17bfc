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
    /// A position stands in the place of the line that says which coordinates they are.
    #[error("line {line}: {value:?} stands where Direct or Cartesian is missing")]
    NoMode {
        /// Line where it is due.
        line: u32,
        /// The line as written.
        value: String,
    },
    /// The line before the positions does not say which coordinates they are.
    #[error("line {line}: {value:?} where Direct or Cartesian is due")]
    BadMode {
        /// Line where it is due.
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
    /// There are more positions than the counts say.
    #[error("line {line}: one more position than the {positions} that the counts say")]
    PositionCount {
        /// Line of the first position beyond the counts.
        line: u32,
        /// Sum of the counts.
        positions: usize,
    },
    /// The file holds several structures, as an `XDATCAR` does.
    #[error("line {line}: a second structure begins: give each a file of its own")]
    SeveralStructures {
        /// First line of the second structure.
        line: u32,
    },
    /// The file is text in UTF-16 or UTF-32, or is not text.
    #[error("the file is not in an encoding that extends ASCII")]
    Encoding,
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
            Self::TooShort { .. } | Self::NoMode { .. } => "poscar_too_short",
            Self::BadNumber { .. } => "poscar_bad_number",
            Self::BadScale { .. } => "poscar_bad_scale",
            Self::BadMode { .. } => "poscar_bad_mode",
            Self::UnknownElement { .. } => "unknown_element",
            Self::NoSymbols => "poscar_no_symbols",
            Self::CountMismatch { .. } | Self::PositionCount { .. } => "poscar_count_mismatch",
            Self::SeveralStructures { .. } => "several_structures",
            Self::Encoding => "poscar_encoding",
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
            | Self::NoMode { line, .. }
            | Self::BadMode { line, .. }
            | Self::UnknownElement { line, .. }
            | Self::CountMismatch { line, .. }
            | Self::PositionCount { line, .. }
            | Self::SeveralStructures { line } => Some(*line),
            Self::NoSymbols | Self::Encoding | Self::NoSites | Self::Cartesian(_) | Self::Overflow => None,
        }
    }
}
