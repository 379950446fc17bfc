//! Alexandria: `alexandria_*.json.bz2`, objects with a list `entries` of `ComputedStructureEntry.as_dict()` of pymatgen.
//! The files hold bare `NaN`, which counts as missing.
//!
//! The identifier is `mat_id`. Properties are the keys of an entry and of its `data`: `e_form` and `e_above_hull` in
//! eV/atom, `band_gap_ind` and `band_gap_dir` in eV, `energy`, uncorrected, in eV for the cell, and others.

use std::path::{Path, PathBuf};

use super::definition::SourceDefinition;
use super::input::Progress;
use super::json_records::JsonRecords;
use super::packing::JSON_ENDINGS;
use super::pymatgen_json::{RECORD_KEYS, read_record};
use super::record_fields::RecordFields;
use super::records::{RecordCutter, RecordLayout, open_records};
use super::{OpenSource, RecordError, SourceError, SourceOptions};

/// Key of the entries.
pub(super) const LIST_KEY: &str = "entries";

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition =
    SourceDefinition { name: "alexandria", has_files: false, id_key: None, default_filters: &[], open };

fn open(inputs: &[PathBuf], options: &SourceOptions, name: &str) -> Result<OpenSource, SourceError> {
    open_records(&Alexandria, inputs, options, name)
}

/// The documents of the source.
const RECORDS: JsonRecords =
    JsonRecords { list_key: Some(LIST_KEY), record_keys: &RECORD_KEYS, is_heading: |_| false };

/// The format of entries.
struct Alexandria;

impl RecordLayout for Alexandria {
    fn source(&self) -> &'static str {
        SOURCE.name
    }

    fn endings(&self) -> &'static [&'static str] {
        &JSON_ENDINGS
    }

    fn open(&self, path: &Path, progress: &Progress) -> Result<Box<dyn RecordCutter>, SourceError> {
        RECORDS.open(path, progress)
    }

    fn read(&self, record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
        read_record(record, fields)
    }
}
