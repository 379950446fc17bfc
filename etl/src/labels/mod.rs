//! Label tables: properties, splits and folds that are published separately from the crystals and joined to them by
//! identifier.
//!
//! Identifiers are numbered in the order of their occurrence, and every column is a vector indexed by these numbers.
//! The memory consists of a hash index of the identifiers, the columns and the numbers of each table's rows: less
//! than 100 bytes per row with several properties.

mod column;
mod error;
mod folds;
mod halves;
mod identifiers;
mod join;
mod matched;
mod named_split;
mod names;
mod quotes;
mod reader;
mod rows;
mod slots;
mod splits;
mod table;
mod verdict;

use std::path::PathBuf;

use crate::source::{EmbeddedLabels, PropertyColumn};
pub use error::{LabelError, Statement};
pub use matched::Fate;
use matched::{MatchedBy, Met};
pub use names::IdRule;
use names::{Found, Names};
use slots::Slots;

/// Name of the value column of an `id_prop.csv` if the user gives none.
pub const DEFAULT_TARGET: &str = "target";

/// The label tables to join.
///
/// The format of each file is determined by its name and content. A JSON file (`.json`, compressed or not) is a split
/// of the JARVIS leaderboard. `id_prop*.csv` is a table of CGCNN without a header; a first row that looks like a
/// header is accepted. A CSV with the columns `task`, `mbid`, `test_fold` holds the folds of MatBench. Any other CSV
/// is a table with a header.
#[derive(Debug, Clone, Default)]
pub struct LabelInputs {
    /// Files of labels.
    pub files: Vec<PathBuf>,
    /// Label tables that were found among the inputs.
    pub embedded: Vec<EmbeddedLabels>,
    /// Keys of the columns of an `id_prop.csv` after the identifier. If there are none, the first column has the key
    /// [`DEFAULT_TARGET`] and further ones are numbered.
    pub id_prop_keys: Vec<String>,
    /// MatBench tasks whose folds are read; all tasks if empty.
    pub tasks: Vec<String>,
    /// How identifiers in label tables are converted to those of the store.
    pub id_rule: IdRule,
}

/// A column that was joined from a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedColumn {
    /// Name of the column in the table.
    pub key: String,
    /// Name of the column in the store.
    pub column: String,
    /// The documented unit, or else the unit in the header.
    pub unit: Option<String>,
}

/// Summary of one joined table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedTable {
    /// Name of the table in messages.
    pub file: String,
    /// Number of rows. If a part is built, only the rows of that part count.
    pub rows: usize,
    /// Number of rows whose crystal is in the store.
    pub joined: usize,
    /// Number of rows whose identifier occurs in the input, whether the entry was kept or not.
    pub met: usize,
    /// The first identifiers of the table.
    pub first: Vec<String>,
    /// The joined columns.
    pub columns: Vec<JoinedColumn>,
}

/// Number of identifiers in a [`JoinedTable`].
const SHOWN_IDENTIFIERS: usize = 2;

/// The rows of one table.
#[derive(Debug)]
struct TableRows {
    file: String,
    /// The number of each row's identifier.
    numbers: Vec<u32>,
    columns: Vec<JoinedColumn>,
}

/// The labels of a store.
#[derive(Debug, Default)]
pub struct LabelTable {
    /// Property columns of numbers and booleans, in the order of [`LabelRow::property`].
    pub properties: Vec<PropertyColumn>,
    /// Property columns of classes, in the order of [`LabelRow::class`].
    pub classes: Vec<PropertyColumn>,
    /// Property columns of numbers of the sites, in the order of [`LabelRow::list`].
    pub site_properties: Vec<PropertyColumn>,
    /// Names of the split columns, `split_<task>`, in the order of [`LabelRow::split`].
    pub splits: Vec<String>,
    /// Notes about content that was left out, one per line.
    pub notes: Vec<String>,
    names: Names,
    tables: Vec<TableRows>,
    values: Vec<Slots<f64>>,
    class_codes: Vec<Slots<u32>>,
    /// Indices of the lists.
    list_codes: Vec<Slots<u32>>,
    lists: Vec<Vec<f64>>,
    split_codes: Vec<Slots<u32>>,
    /// Names of classes and of the parts of splits.
    texts: Vec<String>,
    folds: Option<Slots<i8>>,
    met: Met,
}

/// The labels of one identifier.
#[derive(Debug, Clone, Copy)]
pub struct LabelRow<'a> {
    table: &'a LabelTable,
    row: u32,
}

impl LabelTable {
    /// Returns the labels of a crystal, or `None` if it has none.
    ///
    /// # Errors
    /// Returns [`LabelError::Ambiguous`] if rows for files in different folders match.
    pub fn row(&self, material_id: &str) -> Result<Option<LabelRow<'_>>, LabelError> {
        if self.is_empty() {
            return Ok(None);
        }
        match self.names.find(material_id) {
            None => Ok(None),
            Some(Found::Row(row)) => {
                if self.names.has_folder(row) {
                    let by = if material_id.contains('/') { MatchedBy::Path } else { MatchedBy::Stem };
                    self.met.record_match(row, by);
                }
                Ok(Some(LabelRow { table: self, row }))
            }
            Some(Found::Ambiguous(first, second)) => {
                let [first, second] = [first, second].map(|row| Box::new(self.shown(row)));
                Err(LabelError::Ambiguous { id: material_id.to_owned(), first, second })
            }
        }
    }

    /// Checks that no row matched two crystals: a file in its folder, and a file with the same stem elsewhere.
    ///
    /// # Errors
    /// Returns [`LabelError::TwoCrystals`] if one did.
    pub fn check_met(&self) -> Result<(), LabelError> {
        self.met.first_of_two().map_or(Ok(()), |row| {
            let Statement { file, .. } = self.shown(row);
            Err(LabelError::TwoCrystals { file, id: self.names.name(row).to_owned() })
        })
    }

    /// Returns the labels of a row and its first table for a message.
    fn shown(&self, row: u32) -> Statement {
        let table = self.tables.iter().find(|table| table.numbers.contains(&row));
        let row = LabelRow { table: self, row };
        let values = self.properties.iter().enumerate().filter_map(|(at, property)| {
            row.property(at).map(|value| format!("{} {value}", property.column))
        });
        let classes = self
            .classes
            .iter()
            .enumerate()
            .filter_map(|(at, class)| row.class(at).map(|name| format!("{} {name}", class.column)));
        let lists =
            self.site_properties.iter().enumerate().filter_map(|(at, property)| {
                row.list(at).map(|list| format!("{} {list:?}", property.column))
            });
        let splits = self
            .splits
            .iter()
            .enumerate()
            .filter_map(|(at, split)| row.split(at).map(|part| format!("{split} {part}")));
        let labels = values.chain(classes).chain(lists).chain(splits).collect::<Vec<_>>().join(", ");
        Statement { labels, file: table.map(|table| table.file.clone()).unwrap_or_default() }
    }

    /// Returns the text of a row in a column of text.
    fn text(&self, codes: &Slots<u32>, row: u32) -> Option<&str> {
        self.texts.get(codes.get(row)? as usize).map(String::as_str)
    }

    /// Records what happened to the entry with an identifier, if a row has that identifier.
    pub fn mark(&self, material_id: &str, fate: Fate) {
        if let Ok(Some(row)) = self.row(material_id) {
            self.mark_row(row.row, fate);
        }
    }

    /// Records what happened to the entry of a row, given its number.
    pub fn mark_row(&self, row: u32, fate: Fate) {
        self.met.mark(row, fate);
    }

    /// Returns the number of identifiers that have labels.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no labels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the identifiers without a crystal in the store, in the order of the tables.
    pub fn unmatched_identifiers(&self) -> impl Iterator<Item = &str> {
        let rows = 0..u32::try_from(self.len()).unwrap_or(u32::MAX);
        rows.filter(|row| !self.met.is_kept(*row)).map(|row| self.names.name(row))
    }

    /// Returns a summary of each table, restricted to the rows whose identifier is `wanted`.
    pub fn joined(&self, wanted: impl Fn(&str) -> bool) -> Vec<JoinedTable> {
        let table = |table: &TableRows| {
            let rows = || table.numbers.iter().copied().filter(|row| wanted(self.names.name(*row)));
            JoinedTable {
                file: table.file.clone(),
                rows: rows().count(),
                joined: rows().filter(|row| self.met.is_kept(*row)).count(),
                met: rows().filter(|row| self.met.is_met(*row)).count(),
                first: rows().take(SHOWN_IDENTIFIERS).map(|row| self.names.name(row).to_owned()).collect(),
                columns: table.columns.clone(),
            }
        };
        self.tables.iter().map(table).collect()
    }
}

impl<'a> LabelRow<'a> {
    /// Returns the value of a property as a number, by its index in [`LabelTable::properties`].
    pub fn property(&self, at: usize) -> Option<f64> {
        self.table.values.get(at)?.get(self.row)
    }

    /// Returns the name of the class in a column of classes, by its index in [`LabelTable::classes`].
    pub fn class(&self, at: usize) -> Option<&'a str> {
        self.table.text(self.table.class_codes.get(at)?, self.row)
    }

    /// Returns the list in a column of numbers of the sites, by its index in [`LabelTable::site_properties`].
    pub fn list(&self, at: usize) -> Option<&'a [f64]> {
        let index = self.table.list_codes.get(at)?.get(self.row)?;
        self.table.lists.get(index as usize).map(Vec::as_slice)
    }

    /// Returns the part in a split, by the index of the split in [`LabelTable::splits`].
    pub fn split(&self, at: usize) -> Option<&'a str> {
        self.table.text(self.table.split_codes.get(at)?, self.row)
    }

    /// Returns the index of the test fold.
    pub fn fold(&self) -> Option<i8> {
        self.table.folds.as_ref()?.get(self.row)
    }

    /// Returns the number of the row, for [`LabelTable::mark_row`].
    pub fn number(&self) -> u32 {
        self.row
    }
}

/// Reads and joins label tables.
///
/// # Errors
/// Returns a [`LabelError`] if a table cannot be read, contains an identifier twice, has an invalid value in a column
/// of numbers, or gives a crystal a label that another table gives too.
pub fn load(inputs: &LabelInputs) -> Result<LabelTable, LabelError> {
    let mut loader = join::Loader::new(inputs);
    for table in &inputs.embedded {
        loader.embedded(table)?;
    }
    for path in &inputs.files {
        loader.file(path)?;
    }
    Ok(loader.finish())
}

#[cfg(test)]
mod tests;
