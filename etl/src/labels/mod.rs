//! Label tables: properties, splits and folds that are published beside the crystals, joined to
//! them by identifier.
//!
//! Identifiers are numbered as they are met, and every column is a list of values by these numbers.
//! What a run keeps is a hash index of the identifiers, the columns, and each table's numbers: under
//! 100 bytes for a row of several properties.

mod column;
mod error;
mod folds;
mod identifiers;
mod join;
mod met;
mod names;
mod reader;
mod rows;
mod slots;
mod splits;
mod table;

use std::path::PathBuf;

use crate::source::{EmbeddedLabels, PropertyColumn};
pub use error::{LabelError, Statement};
pub use met::Fate;
use met::{Met, Way};
pub use names::IdRule;
use names::{Found, Names};
use slots::Slots;

/// Column of an `id_prop.csv` that the user gave no name.
pub const DEFAULT_TARGET: &str = "target";

/// What to join.
///
/// Each file is read by what it is: a JSON file (`.json`, packed or not) as a JARVIS leaderboard
/// split, `id_prop*.csv` as CGCNN's table without a header (one that looks like a header
/// is taken for one), a CSV with the columns `task`, `mbid`,
/// `test_fold` as MatBench's folds, and any other CSV as a table with a header.
#[derive(Debug, Clone, Default)]
pub struct LabelInputs {
    /// Files of labels.
    pub files: Vec<PathBuf>,
    /// Tables that lay among the crystals.
    pub embedded: Vec<EmbeddedLabels>,
    /// Keys of the columns of `id_prop.csv`, the identifier's left out; [`DEFAULT_TARGET`] is the
    /// first one's where there are none, and further columns are numbered.
    pub id_prop_keys: Vec<String>,
    /// MatBench tasks whose folds are wanted; all where there are none.
    pub tasks: Vec<String>,
    /// How identifiers are made those of the store.
    pub id_rule: IdRule,
}

/// A column that was taken from a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedColumn {
    /// Its name in the table.
    pub key: String,
    /// Its name in the store.
    pub column: String,
    /// The documented unit, or that of the header.
    pub unit: Option<String>,
}

/// What was joined of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedTable {
    /// The table as messages name it.
    pub file: String,
    /// Its rows, those of the part alone where a part is built.
    pub rows: usize,
    /// Rows whose crystal is in the store.
    pub joined: usize,
    /// Rows whose identifier some entry of the input has, kept or not.
    pub met: usize,
    /// The first identifiers of the table.
    pub first: Vec<String>,
    /// The columns that were taken.
    pub columns: Vec<JoinedColumn>,
}

/// Identifiers that a [`JoinedTable`] shows.
const SHOWN_IDENTIFIERS: usize = 2;

/// The rows of one table.
#[derive(Debug)]
struct TableRows {
    file: String,
    /// Number of each row's identifier.
    numbers: Vec<u32>,
    columns: Vec<JoinedColumn>,
}

/// All labels of a store.
#[derive(Debug, Default)]
pub struct LabelTable {
    /// Numeric columns, in the order of [`LabelRow::property`].
    pub properties: Vec<PropertyColumn>,
    /// Names of the split columns, `split_<task>`, in the order of [`LabelRow::split`].
    pub splits: Vec<String>,
    /// Whether there is a fold for any identifier.
    pub has_folds: bool,
    /// What was left out of the tables, a line each.
    pub notes: Vec<String>,
    names: Names,
    tables: Vec<TableRows>,
    values: Vec<Slots<f64>>,
    split_codes: Vec<Slots<u32>>,
    split_names: Vec<String>,
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
    /// Labels of a crystal.
    ///
    /// # Errors
    /// [`LabelError::Ambiguous`] where rows for files of different folders may mean it.
    pub fn row(&self, material_id: &str) -> Result<Option<LabelRow<'_>>, LabelError> {
        if self.is_empty() {
            return Ok(None);
        }
        match self.names.find(material_id) {
            None => Ok(None),
            Some(Found::Row(row)) => {
                if self.names.has_folder(row) {
                    let way = if material_id.contains('/') { Way::Path } else { Way::Stem };
                    self.met.lead(row, way);
                }
                Ok(Some(LabelRow { table: self, row }))
            }
            Some(Found::Ambiguous(first, second)) => {
                let [first, second] = [first, second].map(|row| Box::new(self.shown(row)));
                Err(LabelError::Ambiguous { id: material_id.to_owned(), first, second })
            }
        }
    }

    /// Checks that no row was taken for two crystals: a file of its folder, and one elsewhere with the
    /// same stem.
    ///
    /// # Errors
    /// [`LabelError::TwoCrystals`].
    pub fn check_met(&self) -> Result<(), LabelError> {
        self.met.first_of_two().map_or(Ok(()), |row| {
            let Statement { file, .. } = self.shown(row);
            Err(LabelError::TwoCrystals { file, id: self.names.name(row).to_owned() })
        })
    }

    /// First table and labels of a row, for a message.
    fn shown(&self, row: u32) -> Statement {
        let table = self.tables.iter().find(|table| table.numbers.contains(&row));
        let row = LabelRow { table: self, row };
        let values = self.properties.iter().enumerate().filter_map(|(at, property)| {
            row.property(at).map(|value| format!("{} {value}", property.column))
        });
        let splits = self
            .splits
            .iter()
            .enumerate()
            .filter_map(|(at, split)| row.split(at).map(|part| format!("{split} {part}")));
        let labels = values.chain(splits).collect::<Vec<_>>().join(", ");
        Statement { labels, file: table.map(|table| table.file.clone()).unwrap_or_default() }
    }

    /// Marks the row of an identifier, where there is one, with what became of its entry.
    pub fn mark(&self, material_id: &str, fate: Fate) {
        if let Ok(Some(row)) = self.row(material_id) {
            self.mark_row(row.row, fate);
        }
    }

    /// Marks a row by its number.
    pub fn mark_row(&self, row: u32, fate: Fate) {
        self.met.mark(row, fate);
    }

    /// Number of identifiers that have labels.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no labels at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Identifiers without a crystal in the store, in the order of the tables.
    pub fn unmatched_identifiers(&self) -> impl Iterator<Item = &str> {
        let rows = 0..u32::try_from(self.len()).unwrap_or(u32::MAX);
        rows.filter(|row| !self.met.is_kept(*row)).map(|row| self.names.name(row))
    }

    /// What was joined of each table, of the rows whose identifier is `wanted`.
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
    /// Value of a property, by its position in [`LabelTable::properties`].
    pub fn property(&self, at: usize) -> Option<f64> {
        self.table.values.get(at)?.get(self.row)
    }

    /// Part of a split, by the split's position in [`LabelTable::splits`].
    pub fn split(&self, at: usize) -> Option<&'a str> {
        let code = self.table.split_codes.get(at)?.get(self.row)?;
        self.table.split_names.get(code as usize).map(String::as_str)
    }

    /// MatBench's test fold, 0 to 4.
    pub fn fold(&self) -> Option<i8> {
        self.table.folds.as_ref()?.get(self.row)
    }

    /// Number of the row, for [`LabelTable::mark_row`].
    pub fn number(&self) -> u32 {
        self.row
    }
}

/// Reads and joins label tables.
///
/// # Errors
/// [`LabelError`] where a table cannot be read, has an identifier twice, a column that must be one of
/// numbers and is not, or a value that another table has too.
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
