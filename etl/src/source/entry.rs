//! Databases published as a JSON array of entries, each with an identifier, an `atoms` dictionary and properties.
//! OQMD and JARVIS differ only in their [`EntryLayout`].

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crystal::structure::Structure;

use super::atoms::read_atoms;
use super::document::open_document;
use super::entry_values::{EntryProperties, EntryValues, MAX_KEY_BYTES, count_key};
use super::identifier::check_identifier;
use super::input::Progress;
use super::json::{Cursor, Scalar};
use super::json_stream::{Cut, JsonStream};
use super::key_scan::{KeyScan, PropertyKey};
use super::property_value::PropertyValue;
use super::state::file_states;
use super::{
    MAX_RECORD_BYTES, OpenSource, ParsedCrystal, RawBlock, RawRecord, RecordError, RecordParser,
    RecordReader, Sink, SourceError,
};
use crate::reject::Origin;

/// The layout of a database's entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryLayout {
    /// Name of the source, and qualifier of its property keys.
    pub source: &'static str,
    /// Key of the identifier.
    pub id_key: &'static str,
    /// Prefix of the identifiers in a store.
    pub id_prefix: &'static str,
    /// Prefix of the keys that are properties in the source.
    pub property_prefix: &'static str,
    /// Prefix of the columns of undocumented properties.
    pub column_prefix: &'static str,
}

impl EntryLayout {
    /// Whether a key may be that of a property.
    fn may_be_property(&self, key: &[u8]) -> bool {
        key.len() <= MAX_KEY_BYTES
            && key != self.id_key.as_bytes()
            && key != b"atoms"
            && key.starts_with(self.property_prefix.as_bytes())
    }

    /// Opens the files, finds their properties in a first pass, and returns a source at the first entry.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if a file cannot be opened or is not a JSON array.
    pub(super) fn open(self, inputs: &[PathBuf], name: &str) -> Result<OpenSource, SourceError> {
        let states = file_states(inputs)?;
        let mut scan = KeyScan::default();
        let mut entries = 0;
        for path in inputs {
            entries += self.scan(path, &mut scan)?;
        }
        let shown = inputs.first().map(|path| path.to_string_lossy()).unwrap_or_default();
        let EntryProperties { columns, classes, keys, notes } =
            EntryProperties::new(&shown, self.source, self.column_prefix, scan, entries)?;
        let progress = Progress::default();
        Ok(OpenSource {
            properties: columns,
            classes,
            notes,
            ..OpenSource::with_states(
                name.to_owned(),
                inputs.to_vec(),
                states,
                progress.clone(),
                Box::new(ArrayReader::new(inputs, progress)),
                Arc::new(move || Box::new(EntryParser::new(self, &keys))),
            )
        })
    }

    /// Scans the properties of all entries in a file. Returns the number of entries. Malformed entries are left to
    /// the parser.
    fn scan(&self, path: &Path, scan: &mut KeyScan) -> Result<u64, SourceError> {
        let mut json = open_array(path, &Progress::default())?;
        let mut entry = Vec::new();
        let (mut first, mut entries) = (true, 0);
        while json.next_element(&mut first)? {
            entries += 1;
            entry.clear();
            if json.value(&mut entry, MAX_RECORD_BYTES)? == Cut::Whole {
                let known = scan.len();
                if let Err(RecordError::TooManyKeys { .. }) = self.scan_entry(&entry, scan) {
                    scan.truncate(known);
                }
            }
        }
        Ok(entries)
    }

    fn scan_entry(&self, entry: &[u8], scan: &mut KeyScan) -> Result<(), RecordError> {
        let mut cursor = Cursor::new(entry);
        cursor.expect(b'{', "an entry")?;
        let mut first = true;
        let mut keys = 0;
        while let Some(key) = cursor.next_key(&mut first)? {
            count_key(&mut keys)?;
            let before = cursor.position();
            let value = cursor.scalar()?;
            if self.may_be_property(key.raw) {
                let raw = entry.get(before..cursor.position()).unwrap_or_default().trim_ascii();
                let text = raw.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(raw);
                // Keys beyond the limit are reported at the end.
                scan.see(key.raw, PropertyValue::of_scalar(value), text, || value.text(raw));
            }
        }
        Ok(())
    }
}

/// Opens a JSON document and enters its array.
fn open_array(path: &Path, progress: &Progress) -> Result<JsonStream, SourceError> {
    let mut json = JsonStream::new(open_document(path, &[".json"], progress)?);
    json.expect(b'[', "an array of entries")?;
    Ok(json)
}

/// Reads the elements of one array after another.
struct ArrayReader {
    inputs: VecDeque<PathBuf>,
    current: Option<JsonStream>,
    first: bool,
    record: u64,
    progress: Progress,
}

impl ArrayReader {
    fn new(inputs: &[PathBuf], progress: Progress) -> Self {
        Self { inputs: inputs.iter().cloned().collect(), current: None, first: true, record: 0, progress }
    }
}

impl RecordReader for ArrayReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let json = match &mut self.current {
                Some(json) => json,
                None => {
                    let Some(path) = self.inputs.pop_front() else { return Ok(false) };
                    self.first = true;
                    self.record = 0;
                    self.current.insert(open_array(&path, &self.progress)?)
                }
            };
            if !json.next_element(&mut self.first)? {
                json.end()?;
                self.current = None;
                continue;
            }
            json.peek()?;
            self.record += 1;
            let line = u32::try_from(json.line()).ok();
            let origin = Origin { file: json.file().clone(), record: self.record, line };
            let start = block.bytes.len();
            match json.value(&mut block.bytes, MAX_RECORD_BYTES)? {
                Cut::Whole => block.push_range(origin, start..start, start..block.bytes.len()),
                Cut::TooLarge => {
                    let error = RecordError::TooLarge { limit: MAX_RECORD_BYTES };
                    block.push_reject(error.reject(None, origin));
                }
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.progress.bytes()
    }
}

/// A parser of single entries.
pub(super) struct EntryParser {
    layout: EntryLayout,
    values: EntryValues,
    structure: Structure,
    material_id: String,
}

impl EntryParser {
    /// Creates a parser of entries with the properties `keys`.
    pub(super) fn new(layout: EntryLayout, keys: &[PropertyKey]) -> Self {
        Self {
            layout,
            values: EntryValues::new(keys),
            structure: Structure::default(),
            material_id: String::new(),
        }
    }

    fn read(&mut self, entry: &[u8]) -> Result<(), RecordError> {
        self.material_id.clear();
        self.values.clear();
        let mut atoms_read = false;
        let mut cursor = Cursor::new(entry);
        cursor.expect(b'{', "an entry")?;
        let mut first = true;
        let mut keys = 0;
        while let Some(key) = cursor.next_key(&mut first)? {
            count_key(&mut keys)?;
            if key.raw == b"atoms" {
                read_atoms(&mut cursor, &mut self.structure)?;
                atoms_read = true;
            } else if key.raw == self.layout.id_key.as_bytes() {
                self.read_identifier(&mut cursor)?;
            } else if let Some(at) = self.values.find(key.raw) {
                let before = cursor.position();
                let value = cursor.scalar()?;
                let raw = entry.get(before..cursor.position()).unwrap_or_default().trim_ascii_start();
                let text = || value.text(raw);
                self.values.set(at, PropertyValue::of_scalar(value), &key.text(), raw, text)?;
            } else {
                cursor.skip()?;
            }
        }
        cursor.end()?;
        if self.material_id.is_empty() {
            return Err(RecordError::MissingField(self.layout.id_key));
        }
        if atoms_read { Ok(()) } else { Err(RecordError::MissingField("atoms")) }
    }

    /// Reads an integer or a text as the identifier.
    fn read_identifier(&mut self, cursor: &mut Cursor<'_>) -> Result<(), RecordError> {
        self.material_id.clear();
        let raw = cursor.raw()?;
        let text = match Cursor::new(raw).scalar()? {
            Scalar::String(text) => text.text(),
            Scalar::Number(_) if raw.iter().all(u8::is_ascii_digit) => String::from_utf8_lossy(raw),
            _ => return Err(RecordError::Identifier(super::json::excerpt(raw))),
        };
        check_identifier(&text)?;
        self.material_id.push_str(self.layout.id_prefix);
        self.material_id.push_str(&text);
        Ok(())
    }

    /// Returns the identifier of an entry that could not be parsed up to its identifier.
    fn find_identifier(&mut self, entry: &[u8]) -> Option<String> {
        if self.material_id.is_empty() {
            let mut cursor = Cursor::new(entry);
            cursor.expect(b'{', "an entry").ok()?;
            let mut first = true;
            while let Some(key) = cursor.next_key(&mut first).ok()? {
                if key.raw == self.layout.id_key.as_bytes() {
                    self.read_identifier(&mut cursor).ok()?;
                    break;
                }
                cursor.skip().ok()?;
            }
        }
        Some(std::mem::take(&mut self.material_id)).filter(|id| !id.is_empty())
    }
}

impl RecordParser for EntryParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let entry = bytes.get(record.body.clone()).unwrap_or_default();
        match self.read(entry) {
            Ok(()) => {
                self.values.note(&self.material_id, &record.origin, sink);
                sink.crystal(
                    &record.origin,
                    ParsedCrystal {
                        material_id: &self.material_id,
                        structure: &self.structure,
                        properties: self.values.values(),
                        immutable_id: None,
                    },
                );
            }
            Err(error) => {
                let material_id = self.find_identifier(entry);
                sink.reject(error.reject(material_id, record.origin.clone()));
            }
        }
    }
}
