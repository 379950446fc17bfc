//! The kinds of sources.

use std::fmt;
use std::str::FromStr;

use super::by_name::by_name;
use super::definition::SourceDefinition;

/// Declares [`SourceKind`] from the variant and the file of every source.
macro_rules! sources {
    ($($(#[doc = $about:literal])* $kind:ident: $file:ident,)*) => {
        /// The kind of a source, which is the layout of its files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SourceKind {
            $($(#[doc = $about])* $kind,)*
        }

        impl SourceKind {
            /// All kinds.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];

            /// Returns the definition in the file of the source.
            pub(super) fn definition(self) -> &'static SourceDefinition {
                match self {
                    $(Self::$kind => &super::$file::SOURCE,)*
                }
            }
        }
    };
}

sources! {
    /// The JSON array of OQMD as published by JARVIS-Tools.
    Oqmd: oqmd,
    /// The JSON array of JARVIS-DFT.
    Jarvis: jarvis,
    /// A MatBench task.
    Matbench: matbench,
    /// CIFs in folders or archives.
    Cif: cif,
    /// POSCARs in folders, archives or a JSON file.
    Poscar: poscar,
    /// A CSV or Parquet table with a column of CIFs.
    Table: table,
    /// Extended XYZ, as ASE writes it.
    Extxyz: extxyz,
    /// JSON of structures of pymatgen, alone or in records.
    Pymatgen: pymatgen_json,
    /// Structures of OPTIMADE, as responses and JSON lines.
    Optimade: optimade,
    /// The JSON files of Alexandria.
    Alexandria: alexandria,
    /// The Parquet tables of LeMat-Bulk.
    Lemat: lemat,
    /// The Parquet tables of ColabFit.
    Colabfit: colabfit,
    /// ASE-LMDB, the databases of fairchem.
    Aselmdb: aselmdb,
}

impl SourceKind {
    /// Returns the name of the kind on the command line. It is also the default name of the source.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// Returns all names in the form `a, b or c`.
    pub fn names() -> String {
        let names = Self::ALL.map(Self::name).join(", ");
        names.rsplit_once(", ").map_or(names.clone(), |(others, last)| format!("{others} or {last}"))
    }

    /// Whether each crystal is in a file of its own and named after it.
    pub fn has_files(self) -> bool {
        self.definition().has_files
    }

    /// Returns the filters that apply to a source by default.
    pub fn default_filters(self) -> &'static [&'static str] {
        self.definition().default_filters
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
        assert!(SourceKind::names().starts_with("oqmd, jarvis, "), "{}", SourceKind::names());
    }
}
