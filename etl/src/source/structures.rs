//! CIFs and POSCARs side by side: each file is read as what its name says.

use std::path::PathBuf;
use std::sync::Arc;

use super::cif::{self, CifParser};
use super::files::FileRule;
use super::files_reader::open_files_source;
use super::poscar::{self, PoscarParser};
use super::{OpenSource, RawRecord, RecordParser, Sink, SourceError, SourceOptions};

/// Value of the `source` column.
const NAME: &str = "structures";
/// The files that are read.
pub(super) const RULE: FileRule = FileRule { what: "CIF or POSCAR files", identifier };

/// A name's identifier as either format has it.
fn identifier(name: &str) -> Option<&str> {
    cif::identifier(name).or_else(|| poscar::identifier(name))
}

/// Opens folders and archives of CIFs and POSCARs, and single ones. Label tables among them are not
/// looked for.
///
/// # Errors
/// [`SourceError`] where an input is none of them or cannot be read.
pub(super) fn open(inputs: &[PathBuf], options: &SourceOptions) -> Result<OpenSource, SourceError> {
    let options = SourceOptions { embedded_labels: false, ..options.clone() };
    open_files_source(inputs, &options, NAME, RULE, Arc::new(|| Box::new(StructureParser::default())))
}

/// Reads a CIF with all its blocks, or a POSCAR.
#[derive(Debug, Default)]
struct StructureParser {
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
