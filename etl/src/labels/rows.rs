//! The content of a label table after reading.

use super::LabelError;
use super::column::{Column, SplitColumn};
use super::identifiers::MAX_IDENTIFIERS;
use super::names::Names;

/// The content of one table.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    /// Splits, in the order of the table.
    pub(super) splits: Vec<TableSplit>,
    /// The folds, with the name of their column.
    pub(super) folds: Option<(String, Vec<Option<i8>>)>,
    /// Whether text in any column is an error, regardless of the other values.
    pub(super) all_numeric: bool,
    pub(super) notes: Vec<String>,
}

/// A split in a table.
#[derive(Debug)]
pub(super) struct TableSplit {
    /// Name of its column, or the task where it has none.
    pub(super) name: String,
    pub(super) task: String,
    pub(super) column: SplitColumn,
}

/// The identifiers of the table that is being read.
pub(super) struct Rows<'a> {
    file: &'a str,
    folder: &'a str,
    names: &'a mut Names,
    numbers: Vec<u32>,
    /// The row of every identifier, by its number.
    met: Vec<Option<u32>>,
}

impl<'a> Rows<'a> {
    /// Creates an empty list for a table in `folder`. `names` holds the rows of all tables.
    pub(super) fn new(file: &'a str, folder: &'a str, names: &'a mut Names) -> Self {
        Self { file, folder, names, numbers: Vec::new(), met: Vec::new() }
    }

    /// Returns the number of every row's identifier.
    pub(super) fn into_numbers(self) -> Vec<u32> {
        self.numbers
    }

    /// Appends the identifier of the next row. It is an error if the table already has it.
    pub(super) fn push(&mut self, id: &[u8], line: u64) -> Result<(), LabelError> {
        match self.push_or_find(id, line)? {
            None => Ok(()),
            Some(_) => {
                let id = String::from_utf8_lossy(id.trim_ascii()).into_owned();
                Err(LabelError::DuplicateIdentifier { file: self.file.to_owned(), line, id })
            }
        }
    }

    /// Appends the identifier of the next row, or returns the row that already has it.
    pub(super) fn push_or_find(&mut self, id: &[u8], line: u64) -> Result<Option<usize>, LabelError> {
        let id = String::from_utf8_lossy(id.trim_ascii());
        let file = || self.file.to_owned();
        if id.is_empty() {
            return Err(LabelError::NoIdentifier { file: file(), line });
        }
        let taken = |row: u32| self.met.get(row as usize).is_some_and(Option::is_some);
        let Some(number) = self.names.number(self.folder, &id, taken) else {
            return Err(LabelError::TooManyRows { file: file(), limit: MAX_IDENTIFIERS });
        };
        let at = number as usize;
        if at >= self.met.len() {
            self.met.resize(self.names.len().max(at + 1), None);
        }
        let row = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        if let Some(met) = self.met.get_mut(at) {
            match met {
                Some(earlier) => return Ok(Some(*earlier as usize)),
                None => *met = Some(row),
            }
        }
        self.numbers.push(number);
        Ok(None)
    }

    /// Returns the name of the table in messages.
    pub(super) fn file(&self) -> &str {
        self.file
    }
}
