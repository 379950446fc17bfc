//! POSCARs: folders and archives such as JARVIS's `POSCAR-JVASP-*.vasp` with their `id_prop.csv`,
//! and AtomGen's JSON files.
//!
//! A crystal's identifier is its file's name without `POSCAR-` or `CONTCAR-` before it and `.vasp`
//! or `.poscar` behind it: `POSCAR-JVASP-90856.vasp` is `JVASP-90856`. A file called `POSCAR` alone
//! has the name of its folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{self, FileRule, FilesReader, base_name, strip_ending};
use super::input::{Packing, Progress};
use super::poscar_json;
use super::zip_archive::{ZipArchive, is_litter};
use super::{
    OpenSource, ParsedCrystal, RawRecord, RecordError, RecordParser, Sink, SourceError, SourceOptions,
};
use crate::poscar::PoscarReader;
use crate::structure::Structure;

/// The files that are read.
const RULE: FileRule = FileRule { what: "POSCAR files", identifier };
/// Names of VASP's own files.
const OWN_NAMES: [&str; 2] = ["POSCAR", "CONTCAR"];
/// Endings that others gave them.
const ENDINGS: [&str; 2] = [".vasp", ".poscar"];

/// Identifier of a POSCAR's name, folders before it included.
pub fn identifier(name: &str) -> Option<&str> {
    let base = base_name(name);
    if base.starts_with("._") {
        return None;
    }
    let base = strip_ending(base, ".gz").unwrap_or(base);
    if OWN_NAMES.contains(&base) {
        let folder = name.get(..name.len() - base_name(name).len())?;
        let folder = base_name(folder.trim_end_matches(['/', '\\']));
        return Some(if folder.is_empty() { base } else { folder });
    }
    let ended = ENDINGS.iter().find_map(|ending| strip_ending(base, ending));
    let stem = ended.unwrap_or(base);
    let begun = OWN_NAMES.iter().find_map(|own| stem.strip_prefix(own)?.strip_prefix(['-', '_', '.']));
    let identifier = begun.or(ended)?;
    (!identifier.is_empty()).then_some(identifier)
}

/// Opens POSCARs in folders and archives, or one by one, or AtomGen's JSON files.
///
/// # Errors
/// [`SourceError`] where an input is none of them or cannot be read.
pub(super) fn open(
    inputs: &[PathBuf],
    options: &SourceOptions,
    name: &str,
) -> Result<OpenSource, SourceError> {
    let total_bytes = files::total_bytes(inputs)?;
    let json: Vec<bool> = inputs.iter().map(|path| is_json(path)).collect::<Result<_, _>>()?;
    if json.iter().all(|&json| json) {
        return poscar_json::open(inputs, name, total_bytes);
    }
    if let Some(at) = json.iter().position(|&json| json) {
        let shown = inputs.get(at).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        return Err(SourceError::layout(&shown, "a JSON file and folders or archives are not read together"));
    }
    Ok(OpenSource {
        name: name.to_owned(),
        inputs: inputs.to_vec(),
        total_bytes,
        properties: Vec::new(),
        embedded_labels: if options.embedded_labels {
            files::embedded_labels(inputs, &RULE)?
        } else {
            Vec::new()
        },
        reader: Box::new(FilesReader::new(inputs, RULE)),
        parser: Arc::new(|| Box::new(PoscarParser::default())),
    })
}

/// Whether an input is a JSON file, packed or not, rather than POSCARs.
fn is_json(path: &Path) -> Result<bool, SourceError> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    if path.is_dir() || Packing::of_file(path)? != Packing::Zip {
        return Ok([".json", ".json.gz", ".json.zst"].iter().any(|ending| name.ends_with(ending)));
    }
    let mut archive = ZipArchive::open(path, &Progress::default())?;
    while let Some(member) = archive.next_member()? {
        let name = String::from_utf8_lossy(&member.name).to_ascii_lowercase();
        if !is_litter(&name) {
            return Ok(name.ends_with(".json"));
        }
    }
    Ok(false)
}

/// Reads single POSCARs.
#[derive(Debug, Default)]
pub(super) struct PoscarParser {
    reader: PoscarReader,
    structure: Structure,
}

impl RecordParser for PoscarParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let name = String::from_utf8_lossy(bytes.get(record.name.clone()).unwrap_or_default());
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        match self.reader.read(body, &mut self.structure) {
            Ok(()) => sink.crystal(
                &record.origin,
                ParsedCrystal { material_id: &name, structure: &self.structure, properties: &[] },
            ),
            Err(error) => {
                let error = RecordError::from(error);
                sink.reject(error.reject(Some(name.into_owned()), record.origin.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers() {
        for (name, expected) in [
            ("POSCAR-JVASP-90856.vasp", Some("JVASP-90856")),
            ("a/POSCAR-JVASP-1.vasp.gz", Some("JVASP-1")),
            ("x/mp-1/POSCAR", Some("mp-1")),
            ("mp-1/CONTCAR.gz", Some("mp-1")),
            ("POSCAR", Some("POSCAR")),
            ("NaCl.vasp", Some("NaCl")),
            ("NaCl.POSCAR", Some("NaCl")),
            ("POSCAR_NaCl", Some("NaCl")),
            ("POSCARs.txt", None),
            ("id_prop.csv", None),
            (".vasp", None),
        ] {
            assert_eq!(identifier(name), expected, "{name}");
        }
    }
}
