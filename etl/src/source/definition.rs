//! The definition of a source, and the options for opening it.

use std::path::PathBuf;

use super::names::FileId;
use super::records::RecordLayout;
use super::{OpenSource, SourceError};

/// The definition of a source, given in the file of the source.
pub(super) struct SourceDefinition {
    /// Name on the command line. It is also the default name of the source.
    pub name: &'static str,
    /// Whether each crystal is in a file of its own and named after it.
    pub has_files: bool,
    /// Key of the identifiers, if the source is a JSON array of entries. Documents are recognised by it.
    pub id_key: Option<&'static str>,
    /// Filters that apply by default.
    pub default_filters: &'static [&'static str],
    /// How inputs are opened.
    pub open: Opening,
}

impl SourceDefinition {
    /// Defines a source of records in a format.
    pub(super) const fn records(name: &'static str, layout: &'static dyn RecordLayout) -> Self {
        Self { name, has_files: false, id_key: None, default_filters: &[], open: Opening::Records(layout) }
    }
}

/// How the inputs of a source are opened.
pub(super) enum Opening {
    /// As files of records in this format.
    Records(&'static dyn RecordLayout),
    /// By a function. Its last argument is the value of the store's `source` column.
    Own(fn(&[PathBuf], &SourceOptions, &str) -> Result<OpenSource, SourceError>),
}

/// Options for reading a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOptions {
    /// Value of the store's `source` column; by default the name of the source.
    pub name: Option<String>,
    /// Tables: the column of the identifiers; by default the first existing one of `material_id`, `id`, `jid`,
    /// `mbid`, `cif_id`.
    pub id_column: Option<String>,
    /// Tables: the column of the CIFs; by default `cif`.
    pub cif_column: Option<String>,
    /// Tables: the columns that are properties; by default all numeric columns, which are found in an additional pass
    /// over the table.
    pub property_columns: Option<Vec<String>>,
    /// CIF and POSCAR files: whether to read the `id_prop.csv` and `labels.csv` files among the inputs.
    pub embedded_labels: bool,
    /// CIF and POSCAR files: how the crystals are named.
    pub id: FileId,
    /// CIF and POSCAR files: whether to list the files that are not read, instead of only counting them.
    pub list_unread: bool,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            name: None,
            id_column: None,
            cif_column: None,
            property_columns: None,
            embedded_labels: true,
            id: FileId::Auto,
            list_unread: false,
        }
    }
}
