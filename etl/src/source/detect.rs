//! Which kind of source an input is, for callers whose users do not say.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::document::open_document;
use super::files::{FileRule, Files, open_files, strip_ending};
use super::input::Progress;
use super::zip_archive::is_litter;
use super::{SourceError, SourceKind, cif, jarvis, oqmd, poscar};

/// Bytes of a JSON document that are looked at: the first entry or a good part of it.
const JSON_START_BYTES: u64 = 64 << 10;
/// What a compressed file's name ends in behind its own ending.
const PACKED_ENDINGS: [&str; 3] = [".gz", ".zst", ".zstd"];
/// Keys of a pandas table in split orientation, as MatBench publishes them.
const TABLE_KEYS: [&str; 3] = ["\"index\"", "\"columns\"", "\"data\""];
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
        if let Some(kind) = of_name(&shown) {
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
fn of_name(name: &str) -> Option<SourceKind> {
    if cif::identifier(name).is_some() {
        return Some(SourceKind::Cif);
    }
    if poscar::identifier(name).is_some() {
        return Some(SourceKind::Poscar);
    }
    let unpacked = unpacked(name);
    [".csv", ".parquet"]
        .iter()
        .any(|ending| strip_ending(unpacked, ending).is_some())
        .then_some(SourceKind::Table)
}

/// A name without the ending of its compression.
fn unpacked(name: &str) -> &str {
    PACKED_ENDINGS.iter().find_map(|ending| strip_ending(name, ending)).unwrap_or(name)
}

fn is_json(name: &str) -> bool {
    strip_ending(unpacked(name), ".json").is_some()
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
    of_name(name).filter(|kind| *kind != SourceKind::Table)
}

/// The kind of a JSON document: an array of entries with a database's identifiers, a table in split
/// orientation, or splits of POSCARs.
fn of_json(path: &Path) -> Result<SourceKind, SourceError> {
    let document = open_document(path, ".json", &Progress::default())?;
    let mut start = Vec::new();
    let read = document.stream.take(JSON_START_BYTES).read_to_end(&mut start);
    read.map_err(|source| SourceError::read(&document.file, source))?;
    let start = String::from_utf8_lossy(&start);
    let start = start.trim_start();
    let has_key = |key: &str| start.contains(&format!("\"{key}\""));
    if start.starts_with('[') {
        let layouts = [(SourceKind::Oqmd, oqmd::LAYOUT), (SourceKind::Jarvis, jarvis::LAYOUT)];
        let known = layouts.into_iter().find(|(_, layout)| has_key(layout.id_key));
        return known.map(|(kind, _)| kind).ok_or_else(|| unknown(path));
    }
    let first_key = start.strip_prefix('{').ok_or_else(|| unknown(path))?.trim_start();
    let is_table = TABLE_KEYS.iter().any(|key| first_key.starts_with(key));
    Ok(if is_table { SourceKind::Matbench } else { SourceKind::Poscar })
}

fn unknown(path: &Path) -> SourceError {
    let kinds = SourceKind::ALL.map(SourceKind::name).join(", ");
    let message = format!(
        "its kind cannot be told: neither CIF, POSCAR, a folder or archive of them, nor a known JSON layout or \
         table; the kinds are {kinds}"
    );
    SourceError::layout(&path.to_string_lossy(), message)
}
