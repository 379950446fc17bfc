//! The layouts of sources.

use std::fmt;
use std::str::FromStr;

use super::by_name::by_name;
use super::definition::SourceDefinition;

/// Declares [`SourceKind`] from the variant and the file of every source.
macro_rules! sources {
    ($($(#[doc = $about:literal])* $kind:ident: $file:ident,)*) => {
        /// The layouts that can be read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SourceKind {
            $($(#[doc = $about])* $kind,)*
        }

        impl SourceKind {
            /// Every kind.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];

            /// What its file says about it.
            pub(super) fn definition(self) -> &'static SourceDefinition {
                match self {
                    $(Self::$kind => &super::$file::SOURCE,)*
                }
            }
        }
    };
}

sources! {
    /// OQMD's JSON array as JARVIS-Tools publishes it.
    Oqmd: oqmd,
    /// JARVIS-DFT's JSON array.
    Jarvis: jarvis,
    /// A MatBench task.
    Matbench: matbench,
    /// CIFs in folders or archives.
    Cif: cif,
    /// POSCARs in folders, archives or a JSON file.
    Poscar: poscar,
    /// A CSV or Parquet table with a column of CIFs.
    Table: table,
}

impl SourceKind {
    /// The kind's name on a command line, also the source's name where it has no better one.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// Every name, as a sentence lists them: `a, b or c`.
    pub fn names() -> String {
        let names = Self::ALL.map(Self::name).join(", ");
        names.rsplit_once(", ").map_or(names.clone(), |(others, last)| format!("{others} or {last}"))
    }

    /// Whether crystals are files of their own, which are called by their names.
    pub fn has_files(self) -> bool {
        self.definition().has_files
    }

    /// Filters that apply to a source unless switched off.
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
