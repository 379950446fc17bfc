//! Detection of the kind of an input.

use std::fs;
use std::path::Path;

use super::files::{Files, open_files};
use super::input::Progress;
use super::look::{Look, look};
use super::packing::{is_json, strip_ending, strip_packing};
use super::structures::RULE;
use super::unread::UnreadFiles;
use super::zip_archive::is_litter;
use super::{InputKind, SourceError, SourceKind, cif, poscar};

/// Determines the kind of an input: a CIF or POSCAR by its name, a folder or archive by the first such file in it, a
/// JSON file by its first bytes, a CSV or Parquet file as a table.
///
/// # Errors
/// Returns a [`SourceError`] if the input cannot be read, and [`SourceError::Layout`] or [`SourceError::OtherLook`] if
/// its kind cannot be determined.
pub fn detect(path: &Path) -> Result<InputKind, SourceError> {
    let shown = path.to_string_lossy();
    if fs::metadata(path).map_err(|source| SourceError::open(path, source))?.is_file() {
        match detect_name(&shown) {
            Some(kind) if kind.has_files() => return Ok(InputKind::Structures),
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
    let unpacked = strip_packing(name);
    [".csv", ".parquet"]
        .iter()
        .any(|ending| strip_ending(unpacked, ending).is_some())
        .then_some(SourceKind::Table)
}

/// Whether a name is that of a CIF or POSCAR.
fn is_structure(name: &str) -> bool {
    (RULE.identifier)(name).is_some()
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
        "neither CIF nor POSCAR is in it{}: archives, JSON files and tables are to be named themselves",
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
        if kind.has_files() {
            return Ok(());
        }
        return Err(SourceError::layout(&shown, format!("is a folder; {kind} is read from files")));
    }
    if let Some(named) = detect_name(&shown).filter(|named| *named != kind) {
        return Err(SourceError::OtherName { file: shown.into_owned(), kind, named });
    }
    if kind == SourceKind::Table || (kind.has_files() && !is_json(&shown)) {
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
        "its kind cannot be told: neither CIF, POSCAR, a folder or archive of them, nor a known JSON layout or \
         table; the kinds are {kinds}"
    );
    SourceError::layout(&path.to_string_lossy(), message)
}
