//! Matching of label rows and crystals by name.
//!
//! The identifier of a row may be a file name with folders and extension (`./set/a.cif.gz`), because crystals can be
//! named after files. Rows are numbered by the stem alone, which most crystals are named by, and their folder is
//! stored separately. The same stem in a second folder is another row, and the stem alone then matches neither.

use std::collections::{HashMap, HashSet};

use super::identifiers::Identifiers;
use crate::source::{SourceKind, cif_identifier, poscar_identifier};

/// How the identifiers of label tables are converted to those of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IdRule {
    /// They are used unchanged.
    #[default]
    AsIs,
    /// They may be file names of CIFs: `set/mp-1.cif.gz` becomes `mp-1`.
    CifName,
    /// They may be file names of POSCARs: `POSCAR-JVASP-1.vasp` becomes `JVASP-1`.
    PoscarName,
}

impl IdRule {
    /// Returns the rule for the crystals of a source.
    pub fn of(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Cif => Self::CifName,
            SourceKind::Poscar => Self::PoscarName,
            _ => Self::AsIs,
        }
    }

    /// Splits an identifier into its folders, without a trailing separator, and its stem.
    fn split(self, text: &str) -> (&str, &str) {
        let stem = match self {
            Self::AsIs => return ("", text),
            Self::CifName => cif_identifier(text),
            Self::PoscarName => poscar_identifier(text),
        };
        // The text after a `#` is the name of a data block, which may contain slashes.
        let stem = stem.unwrap_or_else(|| {
            let names = text.find('#').map_or(text, |at| text.get(..at).unwrap_or_default());
            let folders = names.rfind(['/', '\\']).map_or(0, |at| at + 1);
            text.get(folders..).filter(|stem| !stem.is_empty()).unwrap_or(text)
        });
        // The stem is a part of the text, and the folders precede it.
        let before = (stem.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let mut folders = text.get(..before).unwrap_or_default();
        if let Some(at) = folders.rfind(['/', '\\']) {
            folders = folders.get(..at).unwrap_or_default();
        } else {
            folders = "";
        }
        while let Some(rest) = folders.strip_prefix("./") {
            folders = rest;
        }
        (folders.strip_prefix('.').filter(|rest| rest.is_empty()).unwrap_or(folders), stem)
    }
}

/// The rows of all tables, by number.
#[derive(Debug, Default)]
pub(super) struct Names {
    rule: IdRule,
    rows: Identifiers,
    folders: Identifiers,
    /// Folder of each row, by number; shorter if the last rows have none.
    folder_of: Vec<u32>,
    /// Rows whose stem also occurs in another folder, with the number of that row.
    ambiguous: HashMap<u32, u32>,
    /// Rows that one table has without a folder and another table has with one.
    shared: HashSet<u32>,
    /// Rows in a folder whose table also has the same stem without a folder, with the number of that row.
    top: HashMap<u32, u32>,
}

/// The rows that match an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Exactly this row.
    Row(u32),
    /// At least these two rows.
    Ambiguous(u32, u32),
}

/// Number of the absent folder. Folders are numbered from 1.
const NO_FOLDER: u32 = 0;

impl Names {
    /// Creates an empty set of rows.
    pub(super) fn new(rule: IdRule) -> Self {
        Self { rule, ..Self::default() }
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the name of a row.
    pub(super) fn name(&self, row: u32) -> &str {
        self.rows.name(row as usize)
    }

    fn folder(&self, row: u32) -> u32 {
        self.folder_of.get(row as usize).copied().unwrap_or(NO_FOLDER)
    }

    /// Whether a row refers to files in a folder.
    pub(super) fn has_folder(&self, row: u32) -> bool {
        self.folder(row) != NO_FOLDER
    }

    /// Returns the row of an identifier in a table in the folder `scope`, and adds the row if it is new. Returns
    /// `None` if there are too many rows. `taken` states which rows the table already has.
    pub(super) fn number(&mut self, scope: &str, text: &str, taken: impl Fn(u32) -> bool) -> Option<u32> {
        let (folders, stem) = self.rule.split(text);
        let joined = match (scope.is_empty(), folders.is_empty()) {
            (true, _) => folders.replace('\\', "/"),
            (false, true) => scope.to_owned(),
            (false, false) => format!("{scope}/{}", folders.replace('\\', "/")),
        };
        let folder =
            if joined.is_empty() { NO_FOLDER } else { self.folders.number(&joined)?.checked_add(1)? };
        let known = self.rows.len();
        let row = self.rows.number(stem)?;
        if row as usize == known {
            self.set_folder(row, folder);
            return Some(row);
        }
        let first = self.folder(row);
        if first == folder {
            return Some(row);
        }
        if folder == NO_FOLDER && taken(row) {
            let other = self.rows.number(&format!("/{stem}"))?;
            self.top.insert(row, other);
            return Some(other);
        }
        if (first == NO_FOLDER || folder == NO_FOLDER) && !taken(row) {
            // A row without a folder matches the only folder there is.
            self.set_folder(row, first.max(folder));
            self.shared.insert(row);
            return Some(row);
        }
        let known = self.rows.len();
        let other = self.rows.number(&format!("{joined}/{stem}"))?;
        if other as usize == known {
            self.set_folder(other, folder);
        }
        if first != NO_FOLDER {
            self.ambiguous.entry(row).or_insert(other);
        }
        Some(other)
    }

    fn set_folder(&mut self, row: u32, folder: u32) {
        let at = row as usize;
        if folder != NO_FOLDER && at >= self.folder_of.len() {
            self.folder_of.resize(at + 1, NO_FOLDER);
        }
        if let Some(slot) = self.folder_of.get_mut(at) {
            *slot = folder;
        }
    }

    /// Returns the rows that match a crystal's identifier.
    pub(super) fn find(&self, material_id: &str) -> Option<Found> {
        if let Some(row) = self.rows.find(material_id) {
            let row = row as u32;
            if let Some(&top) = self.top.get(&row) {
                return Some(Found::Row(top));
            }
            let other = self.ambiguous.get(&row);
            return Some(other.map_or(Found::Row(row), |&other| Found::Ambiguous(row, other)));
        }
        // An identifier with folders matches the row in the same folder.
        let (folders, stem) = self.rule.split(material_id);
        if folders.is_empty() {
            return None;
        }
        let folder = self.folders.find(folders)? as u32 + 1;
        let row = self.rows.find(stem)? as u32;
        if self.folder(row) != folder {
            return None;
        }
        // The row without a folder may belong to another crystal.
        let other = self.ambiguous.get(&row).filter(|_| self.shared.contains(&row));
        Some(other.map_or(Found::Row(row), |&other| Found::Ambiguous(row, other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lose_folders_and_endings() {
        for (rule, text, expected) in [
            (IdRule::CifName, "a", ("", "a")),
            (IdRule::CifName, "./a.CIF", ("", "a")),
            (IdRule::CifName, "././set/a.cif.gz", ("set", "a")),
            (IdRule::CifName, "set\\b\\a.cif", ("set\\b", "a")),
            (IdRule::CifName, "set/a", ("set", "a")),
            (IdRule::CifName, "set/a#x/y", ("set", "a#x/y")),
            (IdRule::CifName, "a#x/y", ("", "a#x/y")),
            (IdRule::CifName, "a/", ("", "a/")),
            (IdRule::CifName, "a.vasp", ("", "a.vasp")),
            (IdRule::PoscarName, "POSCAR-JVASP-1.vasp", ("", "JVASP-1")),
            (IdRule::PoscarName, "x/mp-1/POSCAR", ("x", "mp-1")),
            (IdRule::PoscarName, "mp-1", ("", "mp-1")),
            (IdRule::AsIs, "x/a.cif", ("", "x/a.cif")),
        ] {
            assert_eq!(rule.split(text), expected, "{text}");
        }
    }

    #[test]
    fn a_stem_in_two_folders_belongs_to_neither() {
        let mut names = Names::new(IdRule::CifName);
        let rows = [("A", "a"), ("B", "a.cif"), ("", "b"), ("C", "b"), ("C", "c"), ("", "./C/c.cif")];
        let numbers = rows.map(|(scope, text)| names.number(scope, text, |_| false));
        assert_eq!(numbers, [0, 1, 2, 2, 3, 3].map(Some));
        assert_eq!(names.find("a"), Some(Found::Ambiguous(0, 1)));
        assert_eq!(names.find("A/a"), Some(Found::Row(0)));
        assert_eq!(names.find("B/a"), Some(Found::Row(1)));
        for id in ["b", "C/b"] {
            assert_eq!(names.find(id), Some(Found::Row(2)), "{id}");
        }
        assert_eq!(names.number("", "a", |_| false), Some(0));
        assert_eq!(names.find("A/a"), Some(Found::Ambiguous(0, 1)));
        for id in ["D/b", "A", "d", "A/b", "B/c"] {
            assert_eq!(names.find(id), None, "{id}");
        }
    }

    #[test]
    fn one_table_may_have_a_stem_with_and_without_folder() {
        for texts in [["a", "A/a"], ["A/a", "a"]] {
            let mut names = Names::new(IdRule::CifName);
            let first = names.number("", texts[0], |_| false).expect("a row");
            let second = names.number("", texts[1], |row| row == first).expect("a row");
            assert_ne!(first, second);
            assert_eq!(names.find(texts[0]), Some(Found::Row(first)), "{texts:?}");
            assert_eq!(names.find(texts[1]), Some(Found::Row(second)), "{texts:?}");
            assert_eq!(names.number("", texts[1], |row| row == first), Some(second));
        }
    }
}
