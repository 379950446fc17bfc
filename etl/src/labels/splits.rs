//! Splits of the JARVIS leaderboard: one JSON object `{part: {identifier: value}}`, or
//! `{part: [identifier]}`, for a task that the file is named after.

use schemas::property::passthrough_column;

use super::LabelError;
use super::column::{Column, PartNames, SplitColumn};
use super::join::{Rows, Table, TableSplit};
use super::table::stem;
use crate::source::{Document, JsonStream, JsonString};

/// Longest identifier, part or value.
const MAX_TEXT_BYTES: usize = 1 << 12;
/// Prefix of the values' column.
const VALUE_PREFIX: &str = "leaderboard";

/// Reads a split and the values that come with it.
pub(super) fn read(
    document: Document,
    rows: &mut Rows<'_>,
    parts: &mut PartNames,
) -> Result<Table, LabelError> {
    let task = passthrough_column("", stem(&document.name));
    let mut column = Column::new(&passthrough_column(VALUE_PREFIX, &task));
    let mut split = SplitColumn::default();
    let mut json = JsonStream::new(document);
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
            // A value in quotes is a number all the same.
            let bare = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(&value);
            let id = if is_list { bare } else { &key };
            rows.push(text(id).as_bytes(), line)?;
            column.push(if is_list { b"" } else { bare }, line);
            split.codes.push(Some(part));
        }
    }
    json.end()?;
    let columns = if column.number_count + column.text_count > 0 { vec![column] } else { Vec::new() };
    let splits = vec![TableSplit { task, column: split }];
    Ok(Table { columns, splits, all_numeric: true, ..Table::default() })
}

fn text(raw: &[u8]) -> String {
    JsonString { raw, escaped: raw.contains(&b'\\') }.text().into_owned()
}
