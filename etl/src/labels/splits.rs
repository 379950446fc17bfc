//! Splits of the JARVIS leaderboard: a JSON object `{part: {identifier: value}}` or `{part: [identifier]}`. The task
//! is the name of the file.
//!
//! A few published splits have an identifier in two parts. Such an identifier is kept out of training: test takes
//! precedence over val, and val over train. A note reports it.

use std::borrow::Cow;

use schemas::property::passthrough_column;

use super::LabelError;
use super::column::{Column, SplitColumn, TextNames};
use super::reader::stem;
use super::rows::{Rows, Table, TableSplit};
use crate::source::{Document, JsonStream, JsonString};

/// Largest length of an identifier, a part's name or a value, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 12;
/// Largest number of identifiers in two parts that a note names.
const SHOWN_LEAKS: usize = 5;
/// Prefix of the column of values.
const VALUE_PREFIX: &str = "leaderboard";

/// Reads a split and the values in it.
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
    let (mut first, mut key, mut value) = (true, Vec::new(), Vec::new());
    json.expect(b'{', "an object of splits")?;
    while json.next_key(&mut first, &mut key, MAX_TEXT_BYTES)? {
        let part = parts.code(&text(&key));
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
                    split.codes.push(Some(part));
                }
                Some(row) => {
                    let earlier = split.codes.get_mut(row);
                    let Some(earlier) = earlier.filter(|code| parts.are_distinct_known(**code, part)) else {
                        let file = rows.file().to_owned();
                        return Err(LabelError::DuplicateIdentifier { file, line, id: id.into_owned() });
                    };
                    if parts.rank(Some(part)) > parts.rank(*earlier) {
                        *earlier = Some(part);
                    }
                    leaks.push(id.into_owned());
                }
            }
        }
    }
    json.end()?;
    let columns = if column.has_values() { vec![column] } else { Vec::new() };
    let splits = vec![TableSplit { task, column: split }];
    let notes = leak_note(rows.file(), &leaks).into_iter().collect();
    Ok(Table { columns, splits, all_numeric: true, notes, ..Table::default() })
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
