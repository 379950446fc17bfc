//! Structures of OPTIMADE (v1): responses of servers, lists of entries, and JSON lines of entries.
//!
//! The identifier is `id`. Properties are the attributes that OPTIMADE does not define, such as `_mp_band_gap`. The
//! lines that describe a data set, with `x-optimade` or the `type` `info`, are no entries.

use super::RecordError;
use super::definition::SourceDefinition;
use super::json::Cursor;
use super::json_records::JsonRecords;
use super::optimade_structure::Attributes;
use super::record_fields::{IdKey, RecordFields, json_identifier};

/// Key of the attributes in an entry.
pub(super) const ATTRIBUTES_KEY: &str = "attributes";
/// Key of the first line of a data set.
pub(super) const HEADING_KEY: &str = "x-optimade";
/// Key of the entries in a response.
const LIST_KEY: &str = "data";
/// Type of the entries that are structures.
const STRUCTURES: &str = "structures";
/// Type of the entries that describe the properties of others.
const INFO: &str = "info";

/// Name of the source.
const NAME: &str = "optimade";
/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition::records(NAME, &ENTRIES);

/// The format of the entries.
static ENTRIES: JsonRecords = JsonRecords {
    source: NAME,
    list_key: Some(LIST_KEY),
    record_keys: &[ATTRIBUTES_KEY, HEADING_KEY],
    is_heading,
    read,
};

/// Whether a line describes the data set.
fn is_heading(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line);
    let mut read = || -> Result<bool, RecordError> {
        cursor.expect(b'{', "an entry")?;
        let mut first = true;
        while let Some(key) = cursor.next_key(&mut first)? {
            match key.raw {
                b"x-optimade" => return Ok(true),
                b"attributes" => return Ok(false),
                b"type" if cursor.peek() == Some(b'"') => return Ok(cursor.string()?.text() == INFO),
                _ => cursor.skip()?,
            }
        }
        Ok(false)
    };
    read().unwrap_or(false)
}

/// Reads an entry.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed or its structure is not a crystal.
fn read(record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    let mut attributes = None;
    let mut cursor = Cursor::new(record);
    cursor.expect(b'{', "an entry")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"id" => json_identifier(IdKey::PRESCRIBED, &mut cursor, fields)?,
            b"type" => {
                let kind = cursor.string()?.text();
                if kind != STRUCTURES {
                    return Err(RecordError::EntryType(kind.into_owned()));
                }
            }
            b"attributes" => attributes = Some(Attributes::read(&mut cursor, fields, &[])?),
            _ => cursor.skip()?,
        }
    }
    cursor.end()?;
    let Some(structure) = fields.structure() else { return Ok(()) };
    attributes.ok_or(RecordError::MissingField(ATTRIBUTES_KEY))?.structure(structure)
}
