//! Splits of the JARVIS leaderboard: a JSON object `{part: {identifier: value}}` or `{part: [identifier]}`. The task
//! is the name of the file. At least one part is train, val, valid, validation or test, in lower case: any other object
//! of objects may be a pandas table by columns.
//!
//! A few published splits have an identifier in two parts. Such an identifier is kept out of training: test takes
//! precedence over val, and val over train. A note reports it. Its values have to be the same in both.

use std::borrow::Cow;

use schemas::property::passthrough_column;

use super::column::{Column, SplitColumn, TextNames};
use super::reader::stem;
use super::rows::{Rows, Table, TableSplit};
use super::{LabelError, Statement};
use crate::source::{Document, JsonStream, JsonString, PropertyValue, shown};

/// Largest length of an identifier, a part's name or a value, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 12;
/// Largest number of identifiers in two parts that a note names.
const SHOWN_LEAKS: usize = 5;
/// Names of parts of which a split has at least one. Keys of other objects, as the columns of a pandas table, are none.
const PARTS: [&str; 5] = ["train", "val", "valid", "validation", "test"];
/// Largest number of keys that the error about an object without parts names.
const SHOWN_KEYS: usize = 5;
/// Prefix of the column of values.
const VALUE_PREFIX: &str = "leaderboard";

/// The keys of the object that is read.
#[derive(Debug, Default)]
struct Keys {
    /// The first ones.
    first: Vec<String>,
    count: usize,
    /// Whether one is the name of a part.
    has_part: bool,
}

impl Keys {
    fn push(&mut self, key: &str) {
        self.count += 1;
        self.has_part |= PARTS.contains(&key);
        if self.first.len() < SHOWN_KEYS {
            self.first.push(format!("{:?}", shown(key.as_bytes())));
        }
    }

    /// Returns an error if no key is the name of a part.
    fn require_part(&self, file: &str) -> Result<(), LabelError> {
        if self.has_part {
            return Ok(());
        }
        let more = if self.count > self.first.len() { ", ..." } else { "" };
        let found = match &self.first[..] {
            [] => "it is empty".to_owned(),
            first => {
                format!("its keys are {}{more}, like those of a pandas JSON of columns", first.join(", "))
            }
        };
        let message = format!(
            "has no part train, val, valid, validation or test, as a split has: {found}; write properties as a CSV \
             with an identifier column, and a split as {{\"train\": {{...}}, \"test\": {{...}}}}"
        );
        Err(LabelError::Layout { file: file.to_owned(), message })
    }
}

/// Reads a split and the values in it.
///
/// # Errors
/// Returns a [`LabelError`] if the file cannot be read, for an identifier that stands twice in a part or in parts
/// without an order, or with two values, and for an object without a usual part.
pub(super) fn read(
    document: Document,
    rows: &mut Rows<'_>,
    parts: &mut TextNames,
) -> Result<Table, LabelError> {
    let task = passthrough_column("", stem(&document.name));
    let mut column = Column::new(&passthrough_column(VALUE_PREFIX, &task));
    let mut split = SplitColumn::default();
    let mut json = JsonStream::new(document);
    let mut leaks = Vec::new();
    // The value of every row as it was written, in the part that names it first.
    let mut written: Vec<Box<[u8]>> = Vec::new();
    let mut keys = Keys::default();
    let (mut first, mut key, mut value) = (true, Vec::new(), Vec::new());
    json.expect(b'{', "an object of splits")?;
    while json.next_key(&mut first, &mut key, MAX_TEXT_BYTES)? {
        let part = {
            let name = text(&key);
            keys.push(&name);
            parts.code(&name)
        };
        let is_list = json.peek()? == Some(b'[');
        json.expect(if is_list { b'[' } else { b'{' }, "an object or array of identifiers")?;
        let mut first = true;
        loop {
            value.clear();
            let more = if is_list {
                json.next_element(&mut first)?
            } else {
                json.next_key(&mut first, &mut key, MAX_TEXT_BYTES)?
            };
            if !more {
                break;
            }
            json.peek()?;
            let line = json.line();
            json.value(&mut value, MAX_TEXT_BYTES)?;
            // A number in quotes is a number.
            let bare = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(&value);
            let id = text(if is_list { bare } else { &key });
            let value: &[u8] = if is_list { b"" } else { bare };
            match rows.push_or_find(id.as_bytes(), line)? {
                None => {
                    column.push(value, line);
                    written.push(value.into());
                    split.codes.push(Some(part));
                }
                Some(row) => {
                    let earlier = split.codes.get_mut(row);
                    let Some(earlier) = earlier.filter(|code| parts.are_distinct_known(**code, part)) else {
                        keys.require_part(rows.file())?;
                        let file = rows.file().to_owned();
                        return Err(LabelError::DuplicateIdentifier { file, line, id: id.into_owned() });
                    };
                    let (first, second) = (written.get(row).map_or(&b""[..], |first| first), value);
                    if differs(first, second) {
                        let file = rows.file();
                        let in_part = |value: String, code: Option<u32>| {
                            let part = code.as_ref().map(parts.shown()).unwrap_or_default();
                            Box::new(Statement { labels: value, file: format!("{part} of {file}") })
                        };
                        return Err(LabelError::TwoValues {
                            id: id.into_owned(),
                            column: column.name,
                            first: in_part(shown(first), *earlier),
                            second: in_part(shown(second), Some(part)),
                        });
                    }
                    if parts.rank(Some(part)) > parts.rank(*earlier) {
                        *earlier = Some(part);
                    }
                    leaks.push(id.into_owned());
                }
            }
        }
    }
    json.end()?;
    keys.require_part(rows.file())?;
    let columns = if column.has_values() { vec![column] } else { Vec::new() };
    let splits = vec![TableSplit { name: task.clone(), task, column: split }];
    let notes = leak_note(rows.file(), &leaks).into_iter().collect();
    Ok(Table { columns, splits, all_numeric: true, notes, ..Table::default() })
}

/// Whether two parts give a crystal different values. One that is missing differs from none.
fn differs(first: &[u8], second: &[u8]) -> bool {
    match (PropertyValue::of_text(first), PropertyValue::of_text(second)) {
        (PropertyValue::Missing | PropertyValue::Placeholder, _)
        | (_, PropertyValue::Missing | PropertyValue::Placeholder) => false,
        (PropertyValue::Number(first), PropertyValue::Number(second)) => first != second,
        (PropertyValue::Boolean(first), PropertyValue::Boolean(second)) => first != second,
        _ => first != second,
    }
}

/// Returns a note about identifiers that are in two parts, if there are any.
fn leak_note(file: &str, leaks: &[String]) -> Option<String> {
    let shown = leaks.iter().take(SHOWN_LEAKS).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if leaks.len() > SHOWN_LEAKS { ", ..." } else { "" };
    (!leaks.is_empty()).then(|| {
        let count = leaks.len();
        format!("{file}: {count} in two parts ({shown}{more}): test goes before val, val before train")
    })
}

fn text(raw: &[u8]) -> Cow<'_, str> {
    Cow::Owned(JsonString { raw, escaped: raw.contains(&b'\\') }.text().into_owned())
}
