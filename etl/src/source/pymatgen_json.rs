//! Structures of pymatgen as JSON: `Structure.as_dict()` alone, in a list, on lines or by name, and records that hold one
//! as `structure`, such as `ComputedStructureEntry.as_dict()`.
//!
//! Properties are those in `properties` of a structure, or the keys of a record beside the structure and in its
//! `properties` and `data`. Numbers among the `properties` of the sites are properties, too.

use std::path::PathBuf;

use super::definition::SourceDefinition;
use super::json::Cursor;
use super::json_records::JsonRecords;
use super::pymatgen::{read_site_properties, read_with_properties};
use super::record_fields::{IdKey, RecordFields, json_fields, json_identifier, json_property};
use super::records::open_records;
use super::site_properties::SiteProperties;
use super::{OpenSource, RecordError, SourceError, SourceOptions};

/// Keys of which a record has at least one.
pub(super) const RECORD_KEYS: [&str; 4] = ["structure", "lattice", "sites", "@class"];
/// The definition of the source.
pub(super) const SOURCE: SourceDefinition =
    SourceDefinition { name: "pymatgen", has_files: false, id_key: None, default_filters: &[], open };

fn open(inputs: &[PathBuf], options: &SourceOptions, name: &str) -> Result<OpenSource, SourceError> {
    open_records(&RECORDS, inputs, options, name)
}

/// The format of structures and of records with structures.
static RECORDS: JsonRecords = JsonRecords {
    source: SOURCE.name,
    list_key: None,
    record_keys: &RECORD_KEYS,
    is_heading: |_| false,
    read: read_record,
};

/// Reads a structure, or a record that holds one.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed or the structure is not a crystal.
pub(super) fn read_record(record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    let is_structure = has_key(record, b"sites")?;
    let mut structure = is_structure.then_some(record);
    let mut cursor = Cursor::new(record);
    cursor.expect(b'{', "a structure or a record")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"structure" if !is_structure => structure = Some(cursor.raw()?),
            b"properties" | b"data" if cursor.peek() == Some(b'{') => json_fields(&mut cursor, fields)?,
            b"@module" | b"@class" | b"@version" => cursor.skip()?,
            raw => match IdKey::find(raw) {
                Some(id) => json_identifier(id, &mut cursor, fields)?,
                None if is_structure => cursor.skip()?,
                None => json_property(key, &mut cursor, fields)?,
            },
        }
    }
    cursor.end()?;
    let structure = structure.ok_or(RecordError::MissingField("structure"))?;
    let (mut cursor, mut properties) = (Cursor::new(structure), SiteProperties::default());
    match fields.structure() {
        Some(place) => read_with_properties(&mut cursor, place, Some(&mut properties))?,
        None => read_site_properties(&mut cursor, &mut properties)?,
    }
    fields.sites(&properties)
}

/// Whether an object has a key.
fn has_key(object: &[u8], wanted: &[u8]) -> Result<bool, RecordError> {
    let mut cursor = Cursor::new(object);
    cursor.expect(b'{', "a structure or a record")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        if key.raw == wanted {
            return Ok(true);
        }
        cursor.skip()?;
    }
    Ok(false)
}
