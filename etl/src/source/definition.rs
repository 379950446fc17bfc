//! What the file of a source says about it, and the options that it is opened with.

use std::path::PathBuf;

use super::names::FileId;
use super::{OpenSource, SourceError};

/// A source, as its file describes it.
pub(super) struct SourceDefinition {
    /// Name on a command line, also the source's name where it has no better one.
    pub name: &'static str,
    /// Whether crystals are files of their own, which are called by their names.
    pub has_files: bool,
    /// Key of the identifiers where the source is a JSON array of entries: documents are told by it.
    pub id_key: Option<&'static str>,
    /// Filters that apply unless switched off.
    pub default_filters: &'static [&'static str],
    /// Opens the inputs, one or more, under the value of the store's `source` column.
    pub open: fn(&[PathBuf], &SourceOptions, &str) -> Result<OpenSource, SourceError>,
}

/// How a source is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOptions {
    /// Value of the store's `source` column instead of the source's own name.
    pub name: Option<String>,
    /// Table: column of the identifiers; otherwise the first of `material_id`, `id`, `jid`,
    /// `mbid`, `cif_id` that there is.
    pub id_column: Option<String>,
    /// Table: column of the CIFs; otherwise `cif`.
    pub cif_column: Option<String>,
    /// Table: the columns that are properties; otherwise every numeric one, which takes a first
    /// pass over the table to know.
    pub property_columns: Option<Vec<String>>,
    /// CIF and POSCAR: look for `id_prop.csv` and `labels.csv` among the inputs.
    pub embedded_labels: bool,
    /// CIF and POSCAR: what the crystals are called.
    pub id: FileId,
    /// CIF and POSCAR: list the files that are not read, and do not only count them.
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
