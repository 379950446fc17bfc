//! Cutting of JSON documents into records: an array, JSON lines, a list under a key, an object of records by name, or
//! a single record.

use std::path::Path;
use std::sync::Arc;

use memchr::memmem;

use super::document::open_document;
use super::input::Progress;
use super::json::{Cursor, given_twice};
use super::json_keys::{Keys, start_of};
use super::json_stream::{Cut, JsonStream};
use super::json_string::JsonString;
use super::line_stream::LineStream;
use super::packing::JSON_ENDINGS;
use super::record_fields::RecordFields;
use super::records::{Piece, RecordCutter, RecordLayout};
use super::{MAX_RECORD_BYTES, RecordError, SourceError};

/// Largest size in bytes of a key outside records.
const MAX_KEY_BYTES: usize = 1 << 16;

/// A format of records in JSON documents.
pub(super) struct JsonRecords {
    /// Name of the source.
    pub(super) source: &'static str,
    /// Key of the list of records, if documents may be objects that hold one.
    pub(super) list_key: Option<&'static str>,
    /// Keys of which a record has at least one, and none twice, unless it begins with `@`: those say what it is, and not how
    /// its atoms lie.
    pub(super) record_keys: &'static [&'static str],
    /// Whether a line or element is no record but a heading.
    pub(super) is_heading: fn(&[u8]) -> bool,
    /// Reads a record, as [`RecordLayout::read`] says.
    pub(super) read: fn(&[u8], &mut dyn RecordFields) -> Result<(), RecordError>,
}

/// How a document holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// An array of them.
    Array,
    /// One on each line.
    Lines,
    /// A list of them, or a single one, under a key.
    List(&'static str),
    /// An object of them by name.
    ByName,
    /// A single one.
    One,
}

impl JsonRecords {
    /// Returns the shape of a document from its beginning.
    fn shape(&self, start: &[u8]) -> Shape {
        let mut cursor = Cursor::new(start);
        if cursor.peek() != Some(b'{') {
            return Shape::Array;
        }
        let begin = cursor.position();
        let inside = cursor.clone();
        let keys = Keys::read(&mut cursor);
        let first_line = start.get(begin..).unwrap_or_default().split(|&byte| byte == b'\n').next();
        let ends_in_line = keys.complete && cursor.position() - begin <= first_line.map_or(0, <[u8]>::len);
        let has_lines = start.get(begin..).is_some_and(|rest| rest.contains(&b'\n'));
        let is_line = ends_in_line || (!keys.complete && !has_lines);
        if let Some(key) = self.list_key.filter(|key| keys.have(key)) {
            Shape::List(key)
        } else if is_line && keys.complete && cursor.peek() == Some(b'{') {
            Shape::Lines
        } else if self.record_keys.iter().any(|key| keys.have(key)) {
            if is_line { Shape::Lines } else { Shape::One }
        } else if Keys::first_is_object(inside) {
            Shape::ByName
        } else {
            Shape::One
        }
    }
}

impl RecordLayout for JsonRecords {
    fn source(&self) -> &'static str {
        self.source
    }

    fn endings(&self) -> &'static [&'static str] {
        &JSON_ENDINGS
    }

    fn open(&self, path: &Path, progress: &Progress) -> Result<Box<dyn RecordCutter>, SourceError> {
        let shape = self.shape(&start_of(path)?);
        let document = open_document(path, &JSON_ENDINGS, progress)?;
        if shape == Shape::Lines {
            let lines = LineStream::new(document);
            return Ok(Box::new(LineCutter { lines, is_heading: self.is_heading }));
        }
        let mut json = JsonStream::new(document);
        let place = match shape {
            Shape::Lines | Shape::One => Place::One,
            Shape::ByName => {
                json.expect(b'{', "an object of records")?;
                Place::Object { first: true }
            }
            Shape::Array => {
                json.expect(b'[', "an array of records")?;
                Place::Array { first: true, within: None }
            }
            Shape::List(key) => {
                json.expect(b'{', "an object")?;
                find_list(&mut json, key)?
            }
        };
        Ok(Box::new(DocumentCutter { json, place, is_heading: self.is_heading }))
    }

    fn read(&self, record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
        (self.read)(record, fields)?;
        // Behind the rest, so that the identifier is known.
        self.record_keys
            .iter()
            .filter(|key| !key.starts_with('@'))
            .try_for_each(|key| require_once(record, key))
    }
}

/// Checks that a record has a key no more than once. Of two structures nothing says which is meant.
///
/// # Errors
/// Returns a [`RecordError`] if the key stands there a second time.
fn require_once(record: &[u8], key: &str) -> Result<(), RecordError> {
    // The search is faster by far than reading keys, and nearly every record ends here.
    let quoted = format!("\"{key}\"");
    if memmem::find_iter(record, quoted.as_bytes()).nth(1).is_none() {
        return Ok(());
    }
    let mut cursor = Cursor::new(record);
    cursor.expect(b'{', "a record")?;
    let (mut first, mut met) = (true, false);
    while let Some(found) = cursor.next_key(&mut first)? {
        if found.raw == key.as_bytes() && std::mem::replace(&mut met, true) {
            return Err(given_twice(found.raw, cursor.position()).into());
        }
        cursor.skip()?;
    }
    Ok(())
}

/// Moves to the records under a key.
fn find_list(json: &mut JsonStream, wanted: &str) -> Result<Place, SourceError> {
    let (mut first, mut key) = (true, Vec::new());
    while json.next_key(&mut first, &mut key, MAX_KEY_BYTES)? {
        if key == wanted.as_bytes() {
            return match json.peek()? {
                Some(b'[') => {
                    json.expect(b'[', "an array of records")?;
                    Ok(Place::Array { first: true, within: Some(first) })
                }
                Some(b'{') => Ok(Place::Value { first }),
                _ => Err(json.error("an array of records")),
            };
        }
        json.skip()?;
    }
    Err(SourceError::layout(json.file(), format!("has no {wanted:?}")))
}

/// A position among the records of a document.
enum Place {
    /// In an array. Within an object, whether its first key is still to come.
    Array { first: bool, within: Option<bool> },
    /// In an object of records by name.
    Object { first: bool },
    /// Before a record that is the value of a key.
    Value { first: bool },
    /// Before the only record.
    One,
    /// Behind the last record.
    End,
}

/// Cuts a document into records.
struct DocumentCutter {
    json: JsonStream,
    place: Place,
    is_heading: fn(&[u8]) -> bool,
}

impl DocumentCutter {
    /// Moves to the next record. Returns its name if it has one, and `None` at the end.
    fn advance(&mut self) -> Result<Option<Option<String>>, SourceError> {
        let mut key = Vec::new();
        match &mut self.place {
            Place::Array { first, within } => {
                if self.json.next_element(first)? {
                    return Ok(Some(None));
                }
                if let Some(mut first) = *within {
                    self.finish_object(&mut first)?;
                }
            }
            Place::Object { first } => {
                if self.json.next_key(first, &mut key, MAX_KEY_BYTES)? {
                    let name = JsonString { raw: &key, escaped: true }.text().into_owned();
                    return Ok(Some(Some(name)));
                }
            }
            Place::Value { .. } | Place::One => return Ok(Some(None)),
            Place::End => return Ok(None),
        }
        self.place = Place::End;
        self.json.end()?;
        Ok(None)
    }

    /// Skips the remaining keys of the object.
    fn finish_object(&mut self, first: &mut bool) -> Result<(), SourceError> {
        let mut key = Vec::new();
        while self.json.next_key(first, &mut key, MAX_KEY_BYTES)? {
            self.json.skip()?;
        }
        Ok(())
    }
}

impl RecordCutter for DocumentCutter {
    fn file(&self) -> &Arc<str> {
        self.json.file()
    }

    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Piece>, SourceError> {
        loop {
            let Some(name) = self.advance()? else { return Ok(None) };
            self.json.peek()?;
            let line = Some(self.json.line());
            let start = bytes.len();
            let cut = self.json.value(bytes, MAX_RECORD_BYTES)?;
            match self.place {
                Place::Value { mut first } => {
                    self.finish_object(&mut first)?;
                    self.place = Place::End;
                    self.json.end()?;
                }
                Place::One => {
                    self.place = Place::End;
                    self.json.end()?;
                }
                _ => {}
            }
            let body = match cut {
                Cut::Whole => Ok(start..bytes.len()),
                Cut::TooLarge => Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES }),
            };
            if bytes.get(start..).is_some_and(self.is_heading) {
                bytes.truncate(start);
                continue;
            }
            return Ok(Some(Piece { line, name, body }));
        }
    }
}

/// Cuts a document into its lines. Empty ones are left out.
struct LineCutter {
    lines: LineStream,
    is_heading: fn(&[u8]) -> bool,
}

impl RecordCutter for LineCutter {
    fn file(&self) -> &Arc<str> {
        self.lines.file()
    }

    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Piece>, SourceError> {
        loop {
            let start = bytes.len();
            let size = self.lines.next(bytes, MAX_RECORD_BYTES + 1)?;
            if size == 0 {
                return Ok(None);
            }
            let line = Some(self.lines.line());
            let body = if size > MAX_RECORD_BYTES {
                bytes.truncate(start);
                Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES })
            } else {
                Ok(start..bytes.len())
            };
            let text = bytes.get(start..).unwrap_or_default();
            if body.is_ok() && (text.trim_ascii().is_empty() || (self.is_heading)(text)) {
                bytes.truncate(start);
                continue;
            }
            return Ok(Some(Piece { line, name: None, body }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::record_fields::ScanFields;

    const LAYOUT: JsonRecords = JsonRecords {
        source: "test",
        list_key: Some("list"),
        record_keys: &["id"],
        is_heading: |record| record.trim_ascii() == b"{\"head\": 1}",
        read: |_, _| Ok(()),
    };

    fn try_cut(text: &str) -> Result<Vec<String>, SourceError> {
        let file = tempfile::Builder::new().suffix(".json").tempfile().expect("a file");
        std::fs::write(file.path(), text).expect("a file");
        let mut cutter = LAYOUT.open(file.path(), &Progress::default())?;
        let (mut bytes, mut found) = (Vec::new(), Vec::new());
        while let Some(piece) = cutter.next(&mut bytes)? {
            let body = String::from_utf8_lossy(&bytes[piece.body.expect("small")]).trim().to_owned();
            found.push(format!(
                "{} {body}",
                piece.name.unwrap_or_else(|| format!("@{}", piece.line.unwrap_or(0)))
            ));
        }
        Ok(found)
    }

    fn cut(text: &str) -> Vec<String> {
        try_cut(text).expect("readable")
    }

    #[test]
    fn records_are_found_in_every_shape() {
        let (one, two) = (r#"{"id": 1}"#, r#"{"id": 2}"#);
        assert_eq!(cut(&format!("[{one},\n{two}]")), ["@1 {\"id\": 1}", "@2 {\"id\": 2}"]);
        assert_eq!(cut(&format!("{one}\n\n{{\"head\": 1}}\r\n{two}")), ["@1 {\"id\": 1}", "@4 {\"id\": 2}"]);
        assert_eq!(cut(&format!("{{\"head\": 1}}\n{two}\n")), ["@2 {\"id\": 2}"]);
        assert_eq!(cut(one), ["@1 {\"id\": 1}"]);
        assert_eq!(cut("{\n\"id\": 1}\n"), ["@1 {\n\"id\": 1}"]);
        assert_eq!(cut(&format!("{{\"x\": {{}}, \"list\": [{one}, {two}], \"y\": []}}")).len(), 2);
        assert_eq!(cut(&format!("{{\"list\": {one}, \"y\": []}}")), ["@1 {\"id\": 1}"]);
        assert_eq!(cut(&format!("{{\"a\\n\": {one}, \"b\": {two}}}")), ["a\n {\"id\": 1}", "b {\"id\": 2}"]);
        assert!(cut("[]").is_empty());
    }

    #[test]
    fn a_damaged_line_does_not_spoil_the_next() {
        assert_eq!(cut("{\"id\": 1}\n{\"id\": [\n{\"id\": 3}").len(), 3);
        let long = format!("{{\"id\": \"{}\"}}", "x".repeat(1 << 17));
        assert_eq!(cut(&format!("{long}\n{{\"id\": [\n{long}\n")).len(), 3);
    }

    #[test]
    fn a_key_of_records_stands_there_once() {
        let read = |record: &str| {
            let read = LAYOUT.read(record.as_bytes(), &mut ScanFields::default());
            read.map_err(|error| (error.reason_code(), error.to_string()))
        };
        for record in
            [r#"{"id": 1}"#, r#"{"id": {"id": 2}, "x": "\"id\"", "x": ["id"]}"#, r#"{"x": 1, "x": 2}"#]
        {
            assert_eq!(read(record), Ok(()), "{record}");
        }
        let message = r#"byte 15 of the record: expected every key once, found a second "id""#;
        assert_eq!(read(r#"{"id": 1, "id": 1}"#), Err(("bad_json", message.to_owned())));
    }

    #[test]
    fn what_is_cut_off_or_too_much_is_an_error() {
        for text in ["", "7", "[{\"id\": 1}", "[1] 2", "{\"list\": 1}", "{\"list\": [1]", "{\n\"id\": 1} {}"]
        {
            assert!(try_cut(text).is_err(), "{text}");
        }
    }
}
