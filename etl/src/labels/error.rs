//! Label tables that cannot be joined.

use thiserror::Error;

use crate::source::SourceError;

/// A fault of a label table; lines and columns count from 1.
#[derive(Debug, Error)]
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
    #[error("{file}: line {line}, column {column:?}: {value:?} is not a number")]
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
    /// A column that two tables, or two columns of one, would fill.
    #[error("the column {column} comes from {first} and from {second}")]
    DuplicateColumn {
        /// The column of the store.
        column: String,
        /// Table and key of the first.
        first: String,
        /// Table and key of the second.
        second: String,
    },
    /// More rows than can be numbered.
    #[error("{file}: more than {limit} identifiers")]
    TooManyRows {
        /// The table.
        file: String,
        /// The limit.
        limit: usize,
    },
    /// The join itself failed.
    #[error("label tables cannot be joined: {0}")]
    Join(#[from] polars::error::PolarsError),
}
