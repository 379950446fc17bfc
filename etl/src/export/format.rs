//! The formats of an export.

use std::fmt;
use std::str::FromStr;

use crate::source::{cif_identifier, poscar_identifier};

/// A format that other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// A CIF for each crystal, in space group P 1.
    Cif,
    /// A POSCAR of VASP 5 for each crystal.
    Poscar,
    /// Extended XYZ: one file with a frame for each crystal.
    Extxyz,
    /// One JSON array of records with a structure of pymatgen in each.
    PymatgenJson,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Cif, Self::Poscar, Self::Extxyz, Self::PymatgenJson];

    /// Returns the name of the format on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cif => "cif",
            Self::Poscar => "poscar",
            Self::Extxyz => "extxyz",
            Self::PymatgenJson => "pymatgen-json",
        }
    }

    /// Returns how the files of crystals are named, or `None` for a format with one file for all.
    pub(super) fn naming(self) -> Option<Naming> {
        match self {
            Self::Cif => Some(Naming { prefix: "", ending: ".cif", identifier: cif_identifier }),
            Self::Poscar => {
                Some(Naming { prefix: "POSCAR-", ending: ".vasp", identifier: poscar_identifier })
            }
            Self::Extxyz | Self::PymatgenJson => None,
        }
    }

    /// Returns the names that a frame or record has beside the labels.
    pub(super) fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Cif | Self::Poscar => &[],
            Self::Extxyz => &["pbc", "pos", "species"],
            Self::PymatgenJson => &["structure"],
        }
    }
}

/// How the file of a crystal is named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    /// Beginning of the name.
    pub(super) prefix: &'static str,
    /// Extension.
    pub(super) ending: &'static str,
    /// Returns the identifier that a build takes from a file's name.
    pub(super) identifier: fn(&str) -> Option<&str>,
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ExportFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no format; there are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_formats() {
        for format in ExportFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("xyz".parse::<ExportFormat>().is_err());
    }

    #[test]
    fn columns_of_frames_are_no_labels() {
        for key in ["pbc", "pos", "species"] {
            assert!(ExportFormat::Extxyz.own_keys().contains(&key), "{key}");
        }
    }
}
