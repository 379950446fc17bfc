//! Which kind of source an input is, for callers whose users do not say.

use std::fs;
use std::path::Path;

use super::files::{FileRule, Files, open_files};
use super::input::Progress;
use super::look::{Look, look};
use super::packing::{strip_ending, strip_packing};
use super::zip_archive::is_litter;
use super::{SourceError, SourceKind, cif, poscar};

/// The inputs among whose files a CIF or POSCAR is looked for.
const RULE: FileRule = FileRule { what: "CIF or POSCAR files", identifier };

/// Finds out the kind of an input: a CIF or POSCAR by its name, a folder or archive by the first
/// file in it that is one, a JSON file by its first bytes, a CSV or Parquet file as a table.
///
/// # Errors
/// [`SourceError`] where the input cannot be read, and [`SourceError::Layout`] where it is of no
/// kind that can be told.
pub fn detect(path: &Path) -> Result<SourceKind, SourceError> {
    let shown = path.to_string_lossy();
    if fs::metadata(path).map_err(|source| SourceError::open(path, source))?.is_file() {
        if let Some(kind) = detect_name(&shown) {
            return Ok(kind);
        }
        if is_json(&shown) {
            return of_json(path);
        }
    }
    match open_files(path, &RULE, &Progress::default()) {
        Ok(files) => of_members(path, files),
        Err(SourceError::Layout { .. }) => Err(unknown(path)),
        Err(error) => Err(error),
    }
}

/// A name's identifier as either format has it.
fn identifier(name: &str) -> Option<&str> {
    cif::identifier(name).or_else(|| poscar::identifier(name))
}

/// The kind of a file whose name says it.
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

fn is_json(name: &str) -> bool {
    strip_ending(strip_packing(name), ".json").is_some()
}

/// The kind of the first member that has one.
fn of_members(path: &Path, files: Files) -> Result<SourceKind, SourceError> {
    match files {
        Files::One(_) => {}
        Files::Folder(mut walk) => {
            while let Some(file) = walk.next_file()? {
                if let Some(kind) = of_structure(&file.path.to_string_lossy()) {
                    return Ok(kind);
                }
            }
        }
        Files::Tar(mut archive) => {
            while let Some(member) = archive.next_member()? {
                if let Some(kind) = of_structure(&String::from_utf8_lossy(&member.name)) {
                    return Ok(kind);
                }
            }
        }
        Files::Zip(mut archive) => {
            let mut holds_json = false;
            while let Some(member) = archive.next_member()? {
                let name = String::from_utf8_lossy(&member.name);
                if let Some(kind) = of_structure(&name) {
                    return Ok(kind);
                }
                holds_json |= is_json(&name) && !is_litter(&name);
            }
            if holds_json {
                return of_json(path);
            }
        }
    }
    Err(unknown(path))
}

/// The kind of a member that is a structure; tables lie beside structures without being the input.
fn of_structure(name: &str) -> Option<SourceKind> {
    detect_name(name).filter(|kind| *kind != SourceKind::Table)
}

/// The kind of a JSON document by its layout.
fn of_json(path: &Path) -> Result<SourceKind, SourceError> {
    match look(path)? {
        Some(Look::Source(kind)) => Ok(kind),
        Some(look) => Err(SourceError::layout(&path.to_string_lossy(), format!("looks like {look}"))),
        None => Err(unknown(path)),
    }
}

/// Refuses an input that another kind of source reads, or none.
///
/// # Errors
/// [`SourceError::Layout`] where it is a folder or a file whose name or start says so, and
/// [`SourceError`] where it cannot be read.
pub(super) fn check(kind: SourceKind, path: &Path) -> Result<(), SourceError> {
    let shown = path.to_string_lossy();
    if fs::metadata(path).map_err(|source| SourceError::open(path, source))?.is_dir() {
        if kind.has_files() {
            return Ok(());
        }
        return Err(SourceError::layout(&shown, format!("is a folder; {kind} is read from files")));
    }
    if let Some(named) = detect_name(&shown).filter(|named| *named != kind) {
        let message = format!("has the name of a {named}, not of {kind}; try `etl build {named}`");
        return Err(SourceError::layout(&shown, message));
    }
    if kind == SourceKind::Table || (kind.has_files() && !is_json(&shown)) {
        return Ok(());
    }
    match look(path)? {
        None => Ok(()),
        Some(Look::Source(found)) if found == kind => Ok(()),
        Some(look) => Err(SourceError::layout(&shown, format!("is no {kind} input: it looks like {look}"))),
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
