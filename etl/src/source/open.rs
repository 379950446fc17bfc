//! Opening a source by its kind.

use std::fmt;
use std::path::PathBuf;

use super::detect::check;
use super::kind::SourceKind;
use super::names::FileId;
use super::{OpenSource, SourceError, cif, jarvis, matbench, oqmd, poscar, structures, table};

/// How an input is read whose source nobody named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// CIFs and POSCARs in files of their own, each by its name; label tables are left alone.
    Structures,
    /// All of it in one layout.
    Source(SourceKind),
}

impl InputKind {
    /// Opens the inputs of one kind, as [`open`] does.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(self, inputs: &[PathBuf], options: &SourceOptions) -> Result<OpenSource, SourceError> {
        match self {
            Self::Structures => structures::open(inputs, options),
            Self::Source(kind) => open(kind, inputs, options),
        }
    }
}

impl From<SourceKind> for InputKind {
    fn from(kind: SourceKind) -> Self {
        Self::Source(kind)
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structures => formatter.write_str("CIFs and POSCARs"),
            Self::Source(kind) => kind.fmt(formatter),
        }
    }
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

/// Opens the inputs of one kind; several are read one after another.
///
/// # Errors
/// [`SourceError`] where there is no input, one cannot be opened, or one is not in the kind's
/// layout but in that of another.
pub fn open(
    kind: SourceKind,
    inputs: &[PathBuf],
    options: &SourceOptions,
) -> Result<OpenSource, SourceError> {
    if inputs.is_empty() {
        return Err(SourceError::NoInput);
    }
    inputs.iter().try_for_each(|path| check(kind, path))?;
    let name = options.name.as_deref().unwrap_or(kind.name());
    match kind {
        SourceKind::Oqmd => oqmd::LAYOUT.open(inputs, name),
        SourceKind::Jarvis => jarvis::LAYOUT.open(inputs, name),
        SourceKind::Matbench => matbench::open(inputs, options.name.as_deref()),
        SourceKind::Cif => cif::open(inputs, options, name),
        SourceKind::Poscar => poscar::open(inputs, options, name),
        SourceKind::Table => table::open(inputs, options, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_input_is_an_error() {
        for kind in SourceKind::ALL {
            assert!(matches!(open(kind, &[], &SourceOptions::default()), Err(SourceError::NoInput)));
        }
    }

    #[test]
    fn a_missing_input_is_named() {
        let path = PathBuf::from("/no/such/input.json");
        for kind in SourceKind::ALL {
            let error = open(kind, std::slice::from_ref(&path), &SourceOptions::default()).map(|_| ());
            let message = error.expect_err("missing").to_string();
            assert!(message.starts_with("/no/such/input.json: "), "{message}");
        }
    }
}
