//! The rows of Parquet tables of CIFs as the content of records.
//!
//! The content consists of the properties as little-endian doubles (NaN if missing), the number of lists and for each its
//! length and numbers, the size of the remarks about them, the remarks (one per line), and the CIF or its path. All counts
//! are 64-bit integers.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;

use super::odd_values::note_odd_values;
use super::property_value::{PropertyValue, Reading};
use super::table_cif::TableCifs;
use super::{PropertyValues, RawRecord, RecordError, RecordParser, Sink};
use crate::reject::Origin;

/// Size in bytes of a property in a record.
const VALUE_BYTES: usize = size_of::<f64>();

/// The properties of the current row.
pub(super) struct RowValues {
    keys: Vec<String>,
    /// How the values of each property are read.
    readings: Vec<Reading>,
    numbers: Vec<f64>,
    /// Lists, by the indices in `numbers`.
    lists: Vec<Vec<f64>>,
    /// Messages about values that count as missing.
    odd: Vec<String>,
}

impl RowValues {
    /// Creates the values of properties with these keys, which are all missing.
    pub(super) fn new(keys: Vec<String>, readings: Vec<Reading>) -> Self {
        let numbers = vec![f64::NAN; keys.len()];
        Self { keys, readings, numbers, lists: Vec::new(), odd: Vec::new() }
    }

    /// Forgets the values of the row before.
    pub(super) fn clear(&mut self) {
        self.numbers.fill(f64::NAN);
        self.lists.clear();
        self.odd.clear();
    }

    /// Appends the values to `bytes` as the beginning of a record's content; the CIF follows them.
    pub(super) fn append(&self, bytes: &mut Vec<u8>) {
        let count = |count: usize| (count as u64).to_le_bytes();
        bytes.extend(self.numbers.iter().flat_map(|value| value.to_le_bytes()));
        bytes.extend(count(self.lists.len()));
        for list in &self.lists {
            bytes.extend(count(list.len()));
            bytes.extend(list.iter().flat_map(|value| value.to_le_bytes()));
        }
        let remarks = self.odd.join("\n");
        bytes.extend(count(remarks.len()));
        bytes.extend_from_slice(remarks.as_bytes());
    }

    /// Reads the value of a property from its column.
    pub(super) fn take(&mut self, at: usize, column: &ArrayRef, row: usize) -> Result<(), RecordError> {
        let (value, raw): (_, Cow<'_, str>) = if let Some(texts) = column.as_string_opt::<i64>() {
            let text = texts.value(row);
            (PropertyValue::of_text(text.as_bytes()), text.into())
        } else if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
            match PropertyValue::of_number(numbers.value(row)) {
                PropertyValue::Other => (PropertyValue::Other, numbers.value(row).to_string().into()),
                value => (value, "".into()),
            }
        } else if let Some(booleans) = column.as_boolean_opt() {
            let truth = booleans.value(row);
            (PropertyValue::Boolean(truth), truth.to_string().into())
        } else if let Some(lists) = column.as_list_opt::<i32>() {
            let text = text_of_list(&lists.value(row));
            (PropertyValue::of_text(text.as_bytes()), text.into())
        } else {
            return Ok(());
        };
        let key = self.keys.get(at).map(String::as_str).unwrap_or_default();
        let (Some(slot), Some(reading)) = (self.numbers.get_mut(at), self.readings.get(at)) else {
            return Ok(());
        };
        if let Some(list) = reading.list(raw.as_bytes()) {
            *slot = self.lists.len() as f64;
            self.lists.push(list);
            return Ok(());
        }
        let text = || Some(Cow::Borrowed(&*raw));
        *slot = reading.read(value, key, raw.as_bytes(), text, &mut self.odd)?.unwrap_or(f64::NAN);
        Ok(())
    }
}

/// Returns a list of doubles as a text, in which they are the shortest that read back to the same.
fn text_of_list(list: &ArrayRef) -> String {
    let numbers = list.as_primitive_opt::<Float64Type>().into_iter().flatten();
    let shown = |number: Option<f64>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    format!("[{}]", numbers.map(shown).collect::<Vec<_>>().join(", "))
}

/// A parser of single rows.
pub(super) struct RowParser {
    values: Vec<Option<f64>>,
    /// Lists, by the indices in `values`.
    lists: Vec<Vec<f64>>,
    /// Readers of the CIFs of each table, by the table's name.
    cifs: Vec<(Arc<str>, TableCifs)>,
}

/// Splits a count off the front of a record's content.
fn split_count(body: &mut &[u8]) -> Option<usize> {
    let count = u64::from_le_bytes(split(body, size_of::<u64>())?.try_into().ok()?);
    usize::try_from(count).ok()
}

/// Splits a number of bytes off the front of a record's content.
fn split<'a>(body: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (part, rest) = body.split_at_checked(bytes)?;
    *body = rest;
    Some(part)
}

impl RowParser {
    /// Creates a parser of rows with this number of properties. `cifs` reads the CIFs of each table, by the table's name.
    pub(super) fn new(properties: usize, cifs: Vec<(Arc<str>, TableCifs)>) -> Self {
        Self { values: vec![None; properties], lists: Vec::new(), cifs }
    }

    /// Parses a record. Returns `None` if its content was not written by [`RowValues::append`] and followed by a CIF.
    fn read(&mut self, id: &str, mut body: &[u8], origin: &Origin, sink: &mut dyn Sink) -> Option<()> {
        let numbers = split(&mut body, self.values.len() * VALUE_BYTES)?;
        for (slot, bytes) in self.values.iter_mut().zip(numbers.as_chunks().0) {
            *slot = Some(f64::from_le_bytes(*bytes)).filter(|value| value.is_finite());
        }
        self.lists.clear();
        for _ in 0..split_count(&mut body)? {
            let bytes = split_count(&mut body)?.checked_mul(VALUE_BYTES)?;
            let (numbers, _) = split(&mut body, bytes)?.as_chunks();
            self.lists.push(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect());
        }
        let length = split_count(&mut body)?;
        let remarks = std::str::from_utf8(split(&mut body, length)?).ok()?;
        note_odd_values(remarks.lines(), id, origin, sink);
        let (_, cifs) = self.cifs.iter_mut().find(|(file, _)| *file == origin.file)?;
        let properties = PropertyValues { values: &self.values, lists: &self.lists };
        if let Err(error) = cifs.read(body, id, origin, properties, sink) {
            sink.reject(error.reject(Some(id.to_owned()), origin.clone()));
        }
        Some(())
    }
}

impl RecordParser for RowParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let id = String::from_utf8_lossy(bytes.get(record.name.clone()).unwrap_or_default());
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        let read = self.read(&id, body, &record.origin, sink);
        debug_assert!(read.is_some(), "a record is cut and read by one rule");
    }
}
