//! Alexandria: `alexandria_*.json.bz2`, objects with a list `entries` of `ComputedStructureEntry.as_dict()` of pymatgen.
//! The files hold bare `NaN`, which counts as missing.
//!
//! The identifier is `mat_id`. Properties are the keys of an entry and of its `data`: `e_form` and `e_above_hull` in
//! eV/atom, `band_gap_ind` and `band_gap_dir` in eV, `energy`, uncorrected, in eV for the cell, and others.

use super::definition::SourceDefinition;
use super::json_records::JsonRecords;
use super::pymatgen_json::{RECORD_KEYS, read_record};

/// Key of the entries.
pub(super) const LIST_KEY: &str = "entries";

/// Name of the source.
const NAME: &str = "alexandria";
/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition::records(NAME, &ENTRIES);

/// The format of the entries.
static ENTRIES: JsonRecords = JsonRecords {
    source: NAME,
    list_key: Some(LIST_KEY),
    record_keys: &RECORD_KEYS,
    is_heading: |_| false,
    read: read_record,
};
