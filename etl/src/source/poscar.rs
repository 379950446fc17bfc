//! POSCARs: folders and archives such as JARVIS's `POSCAR-JVASP-*.vasp` with their `id_prop.csv`, and the JSON files
//! of AtomGen.
//!
//! A crystal is named after its file, without the prefix `POSCAR-` or `CONTCAR-` and without the suffix `.vasp`,
//! `.poscar` or `_POSCAR`: `POSCAR-JVASP-90856.vasp` is `JVASP-90856`. A file named just `POSCAR` or `CONTCAR` is
//! named after its folder. If a folder has both, the relaxed structure (`CONTCAR`) is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crystal::poscar::PoscarReader;
use crystal::structure::Structure;

use super::definition::{Opening, SourceDefinition};
use super::files::{FileRule, base_name, strip_archive};
use super::files_reader::open_files_source;
use super::input::Progress;
use super::names::{OWN_NAMES, own_name};
use super::packing::{Packing, is_json, strip_ending, strip_packing};
use super::poscar_comment::note_symbols;
use super::poscar_json;
use super::zip_archive::{ZipArchive, is_litter};
use super::{
    OpenSource, ParsedCrystal, RawRecord, RecordError, RecordParser, Sink, SourceError, SourceOptions,
};

/// The files of the source.
const RULE: FileRule = FileRule { what: "POSCAR files", identifier };
/// Extensions in common use.
const ENDINGS: [&str; 3] = [".vasp", ".poscar", ".contcar"];
/// Extensions of files that are not POSCARs, whatever the beginning of their names.
const FOREIGN_ENDINGS: [&str; 5] = [".cif", ".mcif", ".json", ".csv", ".parquet"];
/// Separators between VASP's own names and the name of the crystal.
const SEPARATORS: [char; 3] = ['-', '_', '.'];

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: "poscar",
    has_files: true,
    id_key: None,
    default_filters: &[],
    open: Opening::Own(open),
};

/// Returns the identifier in a POSCAR's name, including folders, or `None` if the name is not that of a POSCAR.
pub fn identifier(name: &str) -> Option<&str> {
    let base = base_name(name);
    if base.starts_with("._") {
        return None;
    }
    if let Some(own) = own_name(base) {
        let folder = name.get(..name.len() - base.len())?;
        let folder = base_name(folder.trim_end_matches(['/', '\\']));
        return Some(if matches!(folder, "" | "." | "..") { own } else { folder });
    }
    let base = strip_packing(base);
    let is_foreign = || FOREIGN_ENDINGS.iter().any(|ending| strip_ending(base, ending).is_some());
    if is_foreign() || strip_archive(base).is_some() {
        return None;
    }
    let ended = ENDINGS.iter().find_map(|ending| strip_ending(base, ending));
    let stem = ended.unwrap_or(base);
    let begun = || OWN_NAMES.iter().find_map(|own| stem.strip_prefix(own)?.strip_prefix(SEPARATORS));
    let closed = || OWN_NAMES.iter().find_map(|own| stem.strip_suffix(own)?.strip_suffix(SEPARATORS));
    let numbered = || OWN_NAMES.iter().find_map(|own| stem.strip_prefix(own)).is_some_and(is_number);
    let identifier = begun().or_else(closed).or(ended).or_else(|| numbered().then_some(stem))?;
    (!identifier.is_empty()).then_some(identifier)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Opens POSCARs in folders and archives, single POSCARs, or JSON files of AtomGen.
///
/// # Errors
/// Returns a [`SourceError`] if an input is none of them or cannot be read.
fn open(inputs: &[PathBuf], options: &SourceOptions, name: &str) -> Result<OpenSource, SourceError> {
    let json: Vec<bool> = inputs.iter().map(|path| is_json_file(path)).collect::<Result<_, _>>()?;
    if json.iter().all(|&json| json) {
        return poscar_json::open(inputs, name);
    }
    if let Some(at) = json.iter().position(|&json| json) {
        let shown = inputs.get(at).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        return Err(SourceError::layout(&shown, "a JSON file and folders or archives are not read together"));
    }
    open_files_source(inputs, options, name, RULE, Arc::new(|| Box::new(PoscarParser::default())))
}

/// Whether an input is a JSON file, compressed or not.
fn is_json_file(path: &Path) -> Result<bool, SourceError> {
    if path.is_dir() || Packing::of_file(path)? != Packing::Zip {
        return Ok(is_json(&path.to_string_lossy()));
    }
    let mut archive = ZipArchive::open(path, &Progress::default())?;
    while let Some(member) = archive.next_member()? {
        let name = String::from_utf8_lossy(&member.name);
        if !is_litter(&name) {
            return Ok(is_json(&name));
        }
    }
    Ok(false)
}

/// A parser of single POSCARs.
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
            Ok(()) => {
                note_symbols(&self.reader, &self.structure, &name, &record.origin, sink);
                sink.crystal(&record.origin, ParsedCrystal::bare(&name, &self.structure));
            }
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
            ("Ge.contcar", Some("Ge")),
            ("Si.poscar.xz", Some("Si")),
            ("x.POSCAR.vasp", Some("x")),
            ("mp-149_POSCAR", Some("mp-149")),
            ("CONTCAR1", Some("CONTCAR1")),
            ("POSCAR.mp-1.vasp", Some("mp-1")),
            ("POSCAR-2.VASP", Some("2")),
            ("NaCl/POSCAR-unitcell", Some("unitcell")),
            ("mp-3/CONTCAR.relax2.gz", Some("relax2")),
            ("mp-1/poscar", Some("mp-1")),
            ("./POSCAR.bz2", Some("POSCAR")),
            ("POSCAR-mp-1.cif", None),
            ("POSCAR-all.json.gz", None),
            ("POSCARs.txt", None),
            ("POSCARS1", None),
            ("id_prop.csv", None),
            (".vasp", None),
        ] {
            assert_eq!(identifier(name), expected, "{name}");
        }
    }
}
