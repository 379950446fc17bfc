//! The layouts of sources.

use std::fmt;
use std::str::FromStr;

use super::by_name::by_name;

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
    /// Whether crystals are files of their own, which are called by their names.
    pub fn has_files(self) -> bool {
        matches!(self, Self::Cif | Self::Poscar)
    }

    /// Filters that apply to a source unless switched off.
    ///
    /// OQMD: the paper keeps 817,139 of 817,636 entries, those with a formation energy in
    /// [-5, 4] eV/atom, without one unreadable entry (specification, section 7, row 34). An entry without the
    /// value is kept.
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
}
