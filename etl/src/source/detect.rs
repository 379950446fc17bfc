//! Detection of the kind of an input.

use std::fs;
use std::path::Path;

use super::files::{Files, open_files};
use super::input::Progress;
use super::look::{Look, look};
use super::packing::{is_json, strip_ending, strip_packing};
use super::parquet_rows::column_names;
use super::structures::RULE;
use super::table_roles::CIF_COLUMN;
use super::unread::UnreadFiles;
use super::zip_archive::is_litter;
use super::{InputKind, SourceError, SourceKind, aselmdb, cif, colabfit, extxyz, lemat, poscar};

/// Endings of the names of files that hold many crystals, with their kinds.
const ENDINGS: [(&[&str], SourceKind); 3] = [
    (&[".csv", PARQUET_ENDING], SourceKind::Table),
    (&extxyz::ENDINGS, SourceKind::Extxyz),
    (&aselmdb::ENDINGS, SourceKind::Aselmdb),
];
/// Ending of the names of Parquet tables.
const PARQUET_ENDING: &str = ".parquet";

/// Determines the kind of an input: a CIF or POSCAR by its name, a folder or archive by the first such file in it, a
/// JSON file by its first bytes, a CSV or Parquet file as a table, a folder of extended XYZ by their names.
///
/// # Errors
/// Returns a [`SourceError`] if the input cannot be read, and [`SourceError::Layout`] or [`SourceError::OtherLook`] if
/// its kind cannot be determined.
pub fn detect(path: &Path) -> Result<InputKind, SourceError> {
    let shown = path.to_string_lossy();
    if fs::metadata(path).map_err(|source| SourceError::open(path, source))?.is_file() {
        match detect_name(&shown) {
            Some(kind) if kind.has_files() => return Ok(InputKind::Structures),
            Some(SourceKind::Table) => return Ok(of_table(path).into()),
            Some(kind) => return Ok(kind.into()),
            None if is_json(&shown) => return of_json(path),
            None => {}
        }
    }
    match open_files(path, &RULE, &Progress::default()) {
        Ok(files) => of_members(path, files),
        Err(SourceError::Layout { .. }) => Err(unknown(path)),
        Err(error) => Err(error),
    }
}

/// Returns the kind of a file from its name, or `None` if the name does not determine it.
pub fn detect_name(name: &str) -> Option<SourceKind> {
    if cif::identifier(name).is_some() {
        return Some(SourceKind::Cif);
    }
    if poscar::identifier(name).is_some() {
        return Some(SourceKind::Poscar);
    }
    if is_litter(name) {
        return None;
    }
    let unpacked = strip_packing(name);
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| strip_ending(unpacked, ending).is_some());
    ENDINGS.iter().find_map(|(endings, kind)| ends_with(endings).then_some(*kind))
}

/// Whether a name is that of a CIF or POSCAR.
fn is_structure(name: &str) -> bool {
    (RULE.identifier)(name).is_some()
}

/// Whether a folder of files of this kind is an input.
fn has_folders(kind: SourceKind) -> bool {
    kind.has_files() || matches!(kind, SourceKind::Extxyz | SourceKind::Aselmdb)
}

/// Whether the files of a kind are Parquet tables.
fn is_parquet(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::Table | SourceKind::Lemat | SourceKind::Colabfit)
}

/// Returns the kind of a table from its columns. What cannot be read is left to its reader.
fn of_table(path: &Path) -> SourceKind {
    let is_parquet = strip_ending(&path.to_string_lossy(), PARQUET_ENDING).is_some();
    let columns = is_parquet.then(|| column_names(path).ok()).flatten().unwrap_or_default();
    let has_all = |needed: &[&str]| needed.iter().all(|name| columns.iter().any(|column| column == name));
    match () {
        () if columns.iter().any(|column| column == CIF_COLUMN) => SourceKind::Table,
        () if has_all(&lemat::NEEDED) => SourceKind::Lemat,
        () if has_all(&colabfit::NEEDED) => SourceKind::Colabfit,
        () => SourceKind::Table,
    }
}

/// Whether the files of a kind are told by their first bytes as JSON.
fn is_told_by_json(kind: SourceKind, name: &str) -> bool {
    match kind {
        SourceKind::Extxyz | SourceKind::Aselmdb => false,
        kind if is_parquet(kind) => false,
        kind => !kind.has_files() || is_json(name),
    }
}

/// Returns the kind of a folder or archive from its members. Tables beside structures are not the input.
fn of_members(path: &Path, files: Files) -> Result<InputKind, SourceError> {
    let mut unread = UnreadFiles::default();
    match files {
        Files::One(_) => {}
        Files::Folder(mut walk) => {
            while let Some(file) = walk.next_file()? {
                let name = file.path.to_string_lossy();
                if is_structure(&name) {
                    return Ok(InputKind::Structures);
                }
                if let Some(kind) = detect_name(&name).filter(|kind| has_folders(*kind)) {
                    return Ok(kind.into());
                }
                unread.file(&name);
            }
        }
        Files::Tar(mut archive) => {
            while let Some(member) = archive.next_member()? {
                let name = String::from_utf8_lossy(&member.name);
                if is_structure(&name) {
                    return Ok(InputKind::Structures);
                }
                unread.file(&name);
            }
        }
        Files::Zip(mut archive) => {
            let mut holds_json = false;
            while let Some(member) = archive.next_member()? {
                let name = String::from_utf8_lossy(&member.name);
                if is_structure(&name) {
                    return Ok(InputKind::Structures);
                }
                holds_json |= is_json(&name) && !is_litter(&name);
                unread.file(&name);
            }
            if holds_json {
                return of_json(path);
            }
        }
    }
    if unread.count() == 0 {
        return Err(unknown(path));
    }
    let message = format!(
        "neither CIF, POSCAR, extended XYZ nor ASE-LMDB is in it{}: archives, JSON files and tables are to be named themselves",
        unread.outline()
    );
    Err(SourceError::layout(&path.to_string_lossy(), message))
}

/// Returns the kind of a JSON document from its layout.
fn of_json(path: &Path) -> Result<InputKind, SourceError> {
    match look(path)? {
        Some(Look::Source(kind)) => Ok(kind.into()),
        Some(look) => {
            Err(SourceError::OtherLook { file: path.to_string_lossy().into_owned(), kind: None, look })
        }
        None => Err(unknown(path)),
    }
}

/// Checks that an input is not clearly of another kind than the given one.
///
/// # Errors
/// Returns [`SourceError::Layout`] if it is a folder, [`SourceError::OtherName`] or [`SourceError::OtherLook`] if its
/// name or first bytes show another or an unsupported kind, and another [`SourceError`] if it cannot be read.
pub(super) fn check(kind: SourceKind, path: &Path) -> Result<(), SourceError> {
    let shown = path.to_string_lossy();
    if fs::metadata(path).map_err(|source| SourceError::open(path, source))?.is_dir() {
        if has_folders(kind) {
            return Ok(());
        }
        return Err(SourceError::layout(&shown, format!("is a folder; {kind} is read from files")));
    }
    let named = match detect_name(&shown) {
        Some(SourceKind::Table) if is_parquet(kind) => Some(kind),
        Some(SourceKind::Table) => Some(of_table(path)),
        named => named,
    };
    if let Some(named) = named.filter(|named| *named != kind) {
        return Err(SourceError::OtherName { file: shown.into_owned(), kind, named });
    }
    if !is_told_by_json(kind, &shown) {
        return Ok(());
    }
    match look(path)? {
        None => Ok(()),
        Some(Look::Source(found)) if found == kind => Ok(()),
        Some(look) => Err(SourceError::OtherLook { file: shown.into_owned(), kind: Some(kind), look }),
    }
}

fn unknown(path: &Path) -> SourceError {
    let kinds = SourceKind::ALL.map(SourceKind::name).join(", ");
    let message = format!(
        "its kind cannot be told: neither CIF, POSCAR, a folder or archive of them, nor a known JSON layout, \
         extended XYZ, ASE-LMDB or table; the kinds are {kinds}"
    );
    SourceError::layout(&path.to_string_lossy(), message)
}
