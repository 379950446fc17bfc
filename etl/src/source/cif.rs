//! CIFs in folders, archives or single files. A crystal is named after its file, followed by `#block` if a file holds
//! several structures.

use std::path::PathBuf;
use std::sync::Arc;

use crystal::cif::CifReader;

use super::definition::{Opening, SourceDefinition};
use super::files::{FileRule, base_name};
use super::files_reader::open_files_source;
use super::packing::{strip_ending, strip_packing};
use super::{
    OpenSource, ParsedCrystal, PropertyValues, RawRecord, RecordParser, Sink, SourceError, SourceOptions,
};
use crate::reject::{Note, Origin, Reject, TOO_MANY_REJECTS};

/// Largest number of rejects of one file that are listed individually.
const MAX_REJECTS: usize = 1 << 16;
/// Reason of rejects for properties that may be of any of several structures.
const SEVERAL_STRUCTURES: &str = "several_structures";
/// Message of these rejects.
const AMBIGUOUS: &str =
    "the CIF of a row with properties holds several structures: give each a row of its own";
/// Extensions of CIFs. The second one is that of magnetic structures.
const ENDINGS: [&str; 2] = [".cif", ".mcif"];
/// The files of the source: `*.cif` and `*.mcif`, also compressed as in `*.cif.gz`.
const RULE: FileRule = FileRule { what: "CIF files", identifier };

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: "cif",
    has_files: true,
    id_key: None,
    default_filters: &[],
    open: Opening::Own(open),
};

/// Returns the stem of a CIF's name.
pub(crate) fn identifier(name: &str) -> Option<&str> {
    let base = base_name(name);
    let unpacked = strip_packing(base);
    let stem = ENDINGS.iter().find_map(|ending| strip_ending(unpacked, ending))?;
    (!stem.is_empty() && !base.starts_with("._")).then_some(stem)
}

/// Opens folders and archives of CIFs, and single CIFs.
///
/// # Errors
/// Returns a [`SourceError`] if an input is none of them or cannot be read.
fn open(inputs: &[PathBuf], options: &SourceOptions, name: &str) -> Result<OpenSource, SourceError> {
    open_files_source(inputs, options, name, RULE, Arc::new(|| Box::new(CifParser::default())))
}

/// A parser of CIFs with all their data blocks.
#[derive(Debug, Default)]
pub(super) struct CifParser {
    crystals: CifCrystals,
}

impl RecordParser for CifParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let stem = bytes.get(record.name.clone()).unwrap_or_default();
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        self.crystals.read(
            body,
            &String::from_utf8_lossy(stem),
            &record.origin,
            PropertyValues::default(),
            sink,
        );
    }
}

/// Converts the structures of a CIF into crystals.
#[derive(Debug, Default)]
pub(super) struct CifCrystals {
    reader: CifReader,
}

impl CifCrystals {
    /// Passes every structure in `cif` to `sink`, under the name `stem` or `stem#block`. Where there are values for it, in
    /// `properties` or by the sink, it must hold a single structure. The line of the origin, if it has one, is that where
    /// the CIF begins; lines of errors are counted from there.
    pub(super) fn read(
        &mut self,
        cif: &[u8],
        stem: &str,
        origin: &Origin,
        properties: PropertyValues<'_>,
        sink: &mut dyn Sink,
    ) {
        let (mut rejects, mut more) = (0, 0);
        self.reader.limit_sites(sink.max_sites());
        let has_values = properties.are_given() || sink.adds_values();
        self.reader.read(cif, &mut |block, result| {
            let material_id = block.entry_name(stem);
            // Lines are counted from that of the origin.
            let origin_of = |line: u32| {
                let start = origin.line.unwrap_or(1);
                let line = line.checked_sub(1).map(|down| start.saturating_add(down));
                Origin { line: line.or(origin.line), ..origin.clone() }
            };
            // Nothing says which of several structures the values are of.
            let is_ambiguous = block.is_one_of_several && has_values;
            match result {
                Ok(structure) if !is_ambiguous => {
                    for note in block.notes {
                        let (id, at) = (Some(material_id.to_string()), origin_of(note.line));
                        sink.note(Note::new(id, at, note.code, note.message));
                    }
                    let bare = ParsedCrystal::bare(&material_id, structure);
                    sink.crystal(origin, ParsedCrystal { properties, ..bare });
                }
                _ if rejects == MAX_REJECTS => more += 1,
                result => {
                    rejects += 1;
                    let (line, reason, message) = match result {
                        Err(error) => (error.line, error.reason_code(), error.to_string()),
                        Ok(_) => (block.line, SEVERAL_STRUCTURES, AMBIGUOUS.to_owned()),
                    };
                    let (id, at) = (Some(material_id.into_owned()), origin_of(line));
                    sink.reject(Reject::new(id, at, reason, message));
                }
            }
        });
        if more > 0 {
            let message =
                format!("{more} more data blocks of the file are no structures; {rejects} are listed");
            sink.reject(Reject::new(None, origin.clone(), TOO_MANY_REJECTS, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_identifiers() {
        for (name, stem) in [
            ("mp-1.cif", Some("mp-1")),
            ("a/b/X.CIF", Some("X")),
            ("a\\b.cif.gz", Some("b")),
            ("a.cif.BZ2", Some("a")),
            ("mno.mcif.xz", Some("mno")),
            ("../../etc/passwd.cif", Some("passwd")),
            (".cif", None),
            ("._a.cif", None),
            ("a.txt", None),
            ("é.cif", Some("é")),
        ] {
            assert_eq!(identifier(name), stem, "{name}");
        }
    }
}
