//! Label tables that cannot be joined.

use std::fmt;

use thiserror::Error;

use crate::source::SourceError;

/// What a table says of a crystal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The labels.
    pub labels: String,
    /// The table.
    pub file: String,
}

impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.labels, self.file)
    }
}

/// A fault of a label table; lines and columns count from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The file cannot be opened or decompressed, or is damaged JSON.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The CSV cannot be read.
    #[error("{file}: {source}")]
    Csv {
        /// The table.
        file: String,
        /// What is wrong, with its line.
        source: csv::Error,
    },
    /// A table without rows, columns or a known layout.
    #[error("{file}: {message}")]
    Layout {
        /// The table.
        file: String,
        /// What is missing.
        message: String,
    },
    /// A value that is no number in a column of numbers.
    #[error("{file}: line {line}, column {column:?}: {value:?} is not a number{}", hint(.value))]
    Value {
        /// The table.
        file: String,
        /// Line.
        line: u64,
        /// The column's name.
        column: String,
        /// The value.
        value: String,
    },
    /// A fold that is no small whole number.
    #[error("{file}: line {line}: {value:?} is not a fold")]
    Fold {
        /// The table.
        file: String,
        /// Line.
        line: u64,
        /// The value.
        value: String,
    },
    /// A row without an identifier.
    #[error("{file}: line {line}: no identifier")]
    NoIdentifier {
        /// The table.
        file: String,
        /// Line.
        line: u64,
    },
    /// An identifier that one table has twice.
    #[error("{file}: line {line}: {id:?} stands there a second time")]
    DuplicateIdentifier {
        /// The table.
        file: String,
        /// Line of the second one.
        line: u64,
        /// The identifier.
        id: String,
    },
    /// Two tables, or two columns of one, give the same crystal the same label.
    #[error("{id:?} has two values of {column}: {first}, {second}")]
    TwoValues {
        /// The identifier.
        id: String,
        /// The column of the store.
        column: String,
        /// What the first says.
        first: Box<Statement>,
        /// What the second says.
        second: Box<Statement>,
    },
    /// A crystal that rows of several folders may mean.
    #[error("rows for files in different folders may mean {id:?}: {first}, {second}")]
    Ambiguous {
        /// The identifier.
        id: String,
        /// What the first says.
        first: Box<Statement>,
        /// What the second says.
        second: Box<Statement>,
    },
    /// A row that fits two crystals.
    #[error(
        "{file}: {id:?} may be a file of its folder or one of that name elsewhere; give it with its folders"
    )]
    TwoCrystals {
        /// The table.
        file: String,
        /// The row's identifier.
        id: String,
    },
    /// More rows than can be numbered.
    #[error("{file}: more than {limit} identifiers")]
    TooManyRows {
        /// The table.
        file: String,
        /// The limit.
        limit: usize,
    },
}

/// What else a value may be.
fn hint(value: &str) -> &'static str {
    let is_decimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = value.trim_start_matches('-').split_once(',').unwrap_or_default();
    if is_decimal(whole) && is_decimal(part) { ": write decimals with a point" } else { "" }
}
