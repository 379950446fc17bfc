//! Opening a source by its kind.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{OpenSource, SourceError, cif, files, jarvis, matbench, oqmd, poscar, table};

/// The layouts that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// OQMD's JSON array as JARVIS-Tools publishes it.
    Oqmd,
    /// JARVIS-DFT's JSON array.
    Jarvis,
    /// A MatBench task.
    Matbench,
    /// CIFs in folders or archives.
    Cif,
    /// POSCARs in folders, archives or a JSON file.
    Poscar,
    /// A CSV or Parquet table with a column of CIFs.
    Table,
}

impl SourceKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Oqmd, Self::Jarvis, Self::Matbench, Self::Cif, Self::Poscar, Self::Table];

    /// The kind's name on a command line, also the source's name where it has no better one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Oqmd => "oqmd",
            Self::Jarvis => "jarvis",
            Self::Matbench => "matbench",
            Self::Cif => "cif",
            Self::Poscar => "poscar",
            Self::Table => "table",
        }
    }
}

impl SourceKind {
    /// Filters that apply to a source unless switched off.
    ///
    /// OQMD: the paper keeps 817,139 of 817,636 entries, those with a formation energy in
    /// [-5, 4] eV/atom, without one unreadable entry (SPEC 7, row 34). An entry without the value
    /// is kept.
    pub fn default_filters(self) -> &'static [&'static str] {
        match self {
            Self::Oqmd => &[
                "formation_energy_ev_per_atom IS UNKNOWN OR formation_energy_ev_per_atom BETWEEN -5 AND 4",
                "material_id != \"oqmd-1339536\"",
            ],
            Self::Jarvis | Self::Matbench | Self::Cif | Self::Poscar | Self::Table => &[],
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for SourceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name("source", &Self::ALL, Self::name, text)
    }
}

/// The value with a name; the message for any other text lists the names there are.
pub(super) fn by_name<T: Copy>(
    what: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    text: &str,
) -> Result<T, String> {
    let found = all.iter().copied().find(|value| name(*value) == text);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|value| name(*value)).collect();
        format!("{text:?} is no {what}; there are {}", known.join(", "))
    })
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
    /// CIF and POSCAR: look for `id_prop.csv` and `labels.csv` among the inputs. A tar archive is
    /// read through for them.
    pub embedded_labels: bool,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self { name: None, id_column: None, cif_column: None, property_columns: None, embedded_labels: true }
    }
}

/// Opens the inputs of one kind; several are read one after another.
///
/// # Errors
/// [`SourceError`] where there is no input, one cannot be opened, or one is not in the kind's
/// layout.
pub fn open(
    kind: SourceKind,
    inputs: &[PathBuf],
    options: &SourceOptions,
) -> Result<OpenSource, SourceError> {
    if inputs.is_empty() {
        return Err(SourceError::NoInput);
    }
    let name = options.name.as_deref().unwrap_or(kind.name());
    match kind {
        SourceKind::Oqmd => oqmd::LAYOUT.open(inputs, name, files::total_bytes(inputs)?),
        SourceKind::Jarvis => jarvis::LAYOUT.open(inputs, name, files::total_bytes(inputs)?),
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
    fn names_lead_back_to_kinds() {
        for kind in SourceKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("xyz".parse::<SourceKind>().is_err());
    }

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
