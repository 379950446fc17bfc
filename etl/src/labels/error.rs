//! Errors of label tables.

use std::fmt;

use thiserror::Error;

use crate::source::{SourceError, is_number_with_commas, looks_like_number};

/// The labels that a table gives a crystal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The labels as text.
    pub labels: String,
    /// The table.
    pub file: String,
}

impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.labels, self.file)
    }
}

/// An error of a label table. Lines and columns are counted from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The file cannot be opened or decompressed, or its JSON is malformed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The CSV cannot be read.
    #[error("{file}: {source}")]
    Csv {
        /// The table.
        file: String,
        /// What is wrong.
        source: csv::Error,
    },
    /// The table has no rows, no columns, an unknown layout, or rows that cannot be told apart.
    #[error("{file}: {message}")]
    Layout {
        /// The table.
        file: String,
        /// What is wrong, with the line where there is one.
        message: String,
    },
    /// A table has too many fields for its size, as one that is packed to fill the memory.
    #[error(
        "{file}: line {line}: more than {limit} fields for so few bytes; unpack it if they are meant to be"
    )]
    TooManyFields {
        /// The table.
        file: String,
        /// Line of the field beyond the limit.
        line: u64,
        /// Largest number of fields for the size of the table.
        limit: u64,
    },
    /// A value in a column of numbers is not a number.
    #[error("{file}: line {line}, column {column:?}: {value:?} is not a number{}", hint(.value))]
    Value {
        /// The table.
        file: String,
        /// Line of the value.
        line: u64,
        /// Name of the column.
        column: String,
        /// The value.
        value: String,
    },
    /// A fold is not a small integer.
    #[error("{file}: line {line}: {value:?} is not a fold")]
    Fold {
        /// The table.
        file: String,
        /// Line of the value.
        line: u64,
        /// The value.
        value: String,
    },
    /// A row has no identifier.
    #[error("{file}: line {line}: no identifier")]
    NoIdentifier {
        /// The table.
        file: String,
        /// Line of the row.
        line: u64,
    },
    /// A table contains an identifier twice.
    #[error("{file}: line {line}: {id:?} stands there a second time")]
    DuplicateIdentifier {
        /// The table.
        file: String,
        /// Line of the second occurrence.
        line: u64,
        /// The identifier.
        id: String,
    },
    /// Two tables, or two columns of one table, give a crystal the same label.
    #[error("{id:?} has two values of {column}: {first}, {second}")]
    TwoValues {
        /// The identifier.
        id: String,
        /// Column of the store.
        column: String,
        /// The first value and its table.
        first: Box<Statement>,
        /// The second value and its table.
        second: Box<Statement>,
    },
    /// Two tables have a column of one name, with values of different kinds or units.
    #[error("the column {column} holds {first}, and {second}")]
    TwoKinds {
        /// Column of the store.
        column: String,
        /// The kind or unit of its values in the first table.
        first: Box<Statement>,
        /// The kind or unit of its values in the second table.
        second: Box<Statement>,
    },
    /// A crystal may belong to rows of several folders.
    #[error("rows for files in different folders may mean {id:?}: {first}, {second}")]
    Ambiguous {
        /// The identifier.
        id: String,
        /// The labels of the first row and its table.
        first: Box<Statement>,
        /// The labels of the second row and its table.
        second: Box<Statement>,
    },
    /// A row matches two crystals.
    #[error(
        "{file}: {id:?} may be a file of its folder or one of that name elsewhere; give it with its folders"
    )]
    TwoCrystals {
        /// The table.
        file: String,
        /// The identifier of the row.
        id: String,
    },
    /// The tables have too many rows.
    #[error("{file}: more than {limit} identifiers")]
    TooManyRows {
        /// The table.
        file: String,
        /// Largest number of rows.
        limit: usize,
    },
}

/// Returns a hint on what an invalid value may mean.
fn hint(value: &str) -> &'static str {
    if !is_number_with_commas(value.as_bytes()) {
        if looks_like_number(value) { ": write plain numbers, and the unit in the header" } else { "" }
    } else if value.contains('.') || value.matches(',').count() > 1 {
        ": write thousands without commas"
    } else {
        ": write decimals with a point"
    }
}
