//! Label tables: properties, splits and folds that are published beside the crystals, joined to
//! them by identifier.
//!
//! Identifiers are numbered as they are met; every table becomes a polars frame keyed by these
//! numbers, and the frames are joined to the list of all of them. What a run keeps is a hash index
//! of the identifiers and the joined columns: under 100 bytes for a row of several properties.

mod column;
mod error;
mod folds;
mod identifiers;
mod join;
mod reader;
mod rows;
mod splits;
mod table;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use polars::prelude::{Float64Chunked, Int32Chunked, UInt32Chunked};

use crate::source::{EmbeddedLabels, PropertyColumn, SourceKind, poscar_identifier};
pub use error::LabelError;
use identifiers::Identifiers;

/// Column of an `id_prop.csv` that the user gave no name.
pub const DEFAULT_TARGET: &str = "target";

/// How the identifiers of label tables are made those of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IdRule {
    /// They are.
    #[default]
    AsIs,
    /// They may be names of CIFs: `mp-1.cif` is `mp-1`.
    CifName,
    /// They may be names of POSCARs: `POSCAR-JVASP-1.vasp` is `JVASP-1`.
    PoscarName,
}

impl IdRule {
    /// The rule for the crystals of a source.
    pub fn of(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Cif => Self::CifName,
            SourceKind::Poscar => Self::PoscarName,
            _ => Self::AsIs,
        }
    }

    fn apply(self, text: &str) -> &str {
        match self {
            Self::AsIs => text,
            Self::CifName => text.strip_suffix(".cif").unwrap_or(text),
            Self::PoscarName => poscar_identifier(text).unwrap_or(text),
        }
    }
}

/// What to join.
///
/// Each file is read by what it is: a JSON file (`.json`, packed or not) as a JARVIS leaderboard
/// split, `id_prop*.csv` as CGCNN's table without a header, a CSV with the columns `task`, `mbid`,
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
    identifiers: Identifiers,
    values: Vec<Float64Chunked>,
    split_codes: Vec<UInt32Chunked>,
    split_names: Vec<String>,
    folds: Option<Int32Chunked>,
    met: Vec<AtomicBool>,
}

/// The labels of one identifier.
#[derive(Debug, Clone, Copy)]
pub struct LabelRow<'a> {
    table: &'a LabelTable,
    row: usize,
}

impl LabelTable {
    /// Labels of a crystal, which counts as met from then on.
    pub fn row(&self, material_id: &str) -> Option<LabelRow<'_>> {
        let row = self.identifiers.find(material_id)?;
        if let Some(met) = self.met.get(row) {
            met.store(true, Ordering::Relaxed);
        }
        Some(LabelRow { table: self, row })
    }

    /// Number of identifiers that have labels.
    pub fn len(&self) -> usize {
        self.identifiers.len()
    }

    /// Whether there are no labels at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of identifiers that [`LabelTable::row`] was never asked for.
    pub fn unmatched(&self) -> usize {
        self.unmatched_identifiers().count()
    }

    /// These identifiers, in the order of the tables.
    pub fn unmatched_identifiers(&self) -> impl Iterator<Item = &str> {
        let unmet = self.met.iter().enumerate().filter(|(_, met)| !met.load(Ordering::Relaxed));
        unmet.map(|(row, _)| self.identifiers.name(row))
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
        let fold = self.table.folds.as_ref()?.get(self.row)?;
        i8::try_from(fold).ok()
    }
}

/// Reads and joins label tables.
///
/// # Errors
/// [`LabelError`] where a table cannot be read, has an identifier twice, a value that is no number
/// in a column of numbers, or a column that another table has too.
pub fn load(inputs: &LabelInputs) -> Result<LabelTable, LabelError> {
    let mut loader = join::Loader::new(inputs);
    for table in &inputs.embedded {
        loader.embedded(table)?;
    }
    for path in &inputs.files {
        loader.file(path)?;
    }
    loader.finish()
}

#[cfg(test)]
mod tests;
