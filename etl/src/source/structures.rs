//! CIFs and POSCARs together, each recognised by its name.

use std::path::PathBuf;
use std::sync::Arc;

use super::cif::{self, CifParser};
use super::files::FileRule;
use super::files_reader::open_files_source;
use super::poscar::{self, PoscarParser};
use super::{OpenSource, RawRecord, RecordParser, Sink, SourceError, SourceOptions};

/// Value of the `source` column, unless the options give another.
pub(super) const NAME: &str = "structures";
/// The files of the source.
pub(super) const RULE: FileRule = FileRule { what: "CIF or POSCAR files", identifier };

/// Returns the identifier in a file's name by the rule of either format.
fn identifier(name: &str) -> Option<&str> {
    cif::identifier(name).or_else(|| poscar::identifier(name))
}

/// Opens folders and archives of CIFs and POSCARs, and single files. Label tables among them are ignored.
///
/// # Errors
/// Returns a [`SourceError`] if an input is none of them or cannot be read.
pub(super) fn open(inputs: &[PathBuf], options: &SourceOptions) -> Result<OpenSource, SourceError> {
    let options = SourceOptions { embedded_labels: false, ..options.clone() };
    let name = options.name.as_deref().unwrap_or(NAME);
    open_files_source(inputs, &options, name, RULE, Arc::new(|| Box::new(StructureParser::default())))
}

/// A parser of CIFs, with all their data blocks, and POSCARs.
#[derive(Debug, Default)]
pub(super) struct StructureParser {
    cif: CifParser,
    poscar: PoscarParser,
}

impl RecordParser for StructureParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        match cif::identifier(&record.origin.file) {
            Some(_) => self.cif.parse(bytes, record, sink),
            None => self.poscar.parse(bytes, record, sink),
        }
    }
}
