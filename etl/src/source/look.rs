//! Detection of the layout of a JSON document from its beginning, for inputs whose kind is not given or does not
//! match.

use std::fmt;
use std::path::Path;

use super::json::Cursor;
use super::json_keys::{Keys, first_value, start_of};
use super::{SourceError, SourceKind, alexandria, optimade};

/// Keys of a pandas table in split orientation, as published by MatBench.
const TABLE_KEYS: [&str; 3] = ["index", "columns", "data"];
/// Largest number of keys that a message names.
const NAMED_KEYS: usize = 5;

/// The apparent layout of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Look {
    /// The layout of a source.
    Source(SourceKind),
    /// A single entry of a database.
    Entry(SourceKind),
    /// An object of a database's entries by identifier.
    EntriesById(SourceKind),
    /// JSON Lines: one object per line.
    Lines,
    /// A list of objects with other keys.
    Records(Vec<String>),
}

impl fmt::Display for Look {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(kind) => write!(formatter, "{kind}"),
            Self::Entry(kind) => write!(formatter, "one entry of {kind}; put it between [ and ]"),
            Self::EntriesById(kind) => {
                write!(
                    formatter,
                    "an object of {kind} entries; make a list of its values, each with its identifier"
                )
            }
            Self::Lines => formatter.write_str("JSON lines, an object each; make a list of them"),
            Self::Records(keys) => {
                write!(
                    formatter,
                    "a list of objects with {}; write their structures as CIFs",
                    keys.join(", ")
                )
            }
        }
    }
}

/// Returns the apparent layout of a document, or `None` if its beginning does not determine it.
///
/// # Errors
/// Returns a [`SourceError`] if it cannot be read.
pub(super) fn look(path: &Path) -> Result<Option<Look>, SourceError> {
    start_of(path).map(|start| of_start(&start))
}

fn of_start(start: &[u8]) -> Option<Look> {
    let mut cursor = Cursor::new(start);
    match cursor.peek()? {
        b'[' => of_array(cursor),
        b'{' => of_object(cursor),
        _ => None,
    }
}

/// Returns the source whose records have these keys.
fn records(keys: &Keys) -> Option<SourceKind> {
    let is_structure = keys.have("lattice") && (keys.have("sites") || !keys.complete);
    if is_structure || keys.have_value("structure", b'{') {
        return Some(SourceKind::Pymatgen);
    }
    let is_optimade = keys.have_value(optimade::ATTRIBUTES_KEY, b'{') || keys.have(optimade::HEADING_KEY);
    is_optimade.then_some(SourceKind::Optimade)
}

/// Returns the database whose entries have these keys.
fn database(keys: &Keys) -> Option<SourceKind> {
    SourceKind::ALL.into_iter().find(|kind| kind.definition().id_key.is_some_and(|id_key| keys.have(id_key)))
}

fn of_array(mut cursor: Cursor<'_>) -> Option<Look> {
    cursor.expect(b'[', "an array").ok()?;
    let mut first = true;
    if !cursor.next_element(&mut first).ok()? || cursor.peek()? != b'{' {
        return None;
    }
    let keys = Keys::read(&mut cursor);
    if let Some(kind) = database(&keys) {
        return Some(Look::Source(kind));
    }
    if let Some(kind) = records(&keys) {
        return Some(Look::Source(kind));
    }
    // An entry without its identifier becomes a single reject.
    let is_entry = keys.names.is_empty() || keys.have("atoms") || !keys.complete;
    (!is_entry).then(|| Look::Records(keys.names.into_iter().take(NAMED_KEYS).collect()))
}

fn of_object(cursor: Cursor<'_>) -> Option<Look> {
    let mut behind = cursor.clone();
    let keys = Keys::read(&mut behind);
    if let Some(kind) = records(&keys) {
        return Some(Look::Source(kind));
    }
    if keys.complete && behind.peek() == Some(b'{') {
        return Some(Look::Lines);
    }
    if let Some(kind) = database(&keys) {
        return Some(Look::Entry(kind));
    }
    if keys.have("index") || keys.have("columns") {
        return Some(Look::Source(SourceKind::Matbench));
    }
    let first = keys.names.first()?;
    if TABLE_KEYS.contains(&first.as_str()) {
        // The data of a table are rows, and those of a response are objects.
        let mut inside = cursor;
        let is_response = first_value(&mut inside).is_some_and(|()| match inside.peek() {
            Some(b'[') => inside.expect(b'[', "").is_ok() && inside.peek() == Some(b'{'),
            first => first == Some(b'{'),
        });
        return Some(Look::Source(if is_response { SourceKind::Optimade } else { SourceKind::Matbench }));
    }
    if keys.have("data") && keys.have("meta") {
        return Some(Look::Source(SourceKind::Optimade));
    }
    if keys.have_value(alexandria::LIST_KEY, b'[') {
        return Some(Look::Source(SourceKind::Alexandria));
    }
    let mut inside = cursor;
    first_value(&mut inside)?;
    if inside.peek()? != b'{' {
        return None;
    }
    // Either splits, which hold nothing but texts, or entries.
    let entries = Keys::read(&mut inside.clone());
    if let Some(kind) = records(&entries) {
        return Some(Look::Source(kind));
    }
    if let Some(kind) = database(&entries) {
        return Some(Look::EntriesById(kind));
    }
    if entries.have("atoms") {
        return Some(Look::EntriesById(SourceKind::Jarvis));
    }
    let empty = entries.complete && entries.names.is_empty();
    let is_text = |value: &u8| *value == b'"';
    let begun = first_value(&mut inside).is_some() && inside.peek().as_ref().is_some_and(is_text);
    let is_split = empty || (begun && entries.values.iter().flatten().all(is_text));
    is_split.then_some(Look::Source(SourceKind::Poscar))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(start: &str) -> String {
        of_start(start.as_bytes()).map_or_else(String::new, |look| format!("{look:?}"))
    }

    #[test]
    fn documents_are_told_apart() {
        let structure = r#"{"@class": "Structure", "lattice": {"a": 1}, "sites": []}"#;
        for (start, look) in [
            (r#"[{"atoms": {}, "_oqmd_entry_id": 1}]"#.to_owned(), "Source(Oqmd)"),
            (r#" [ {"jid": "JVASP-1"}, {"#.to_owned(), "Source(Jarvis)"),
            (r#"[{"jid": "JVASP-1", "atoms": {"a"#.to_owned(), "Source(Jarvis)"),
            ("{\n \"index\": [0]}".to_owned(), "Source(Matbench)"),
            (r#"{"data": [[{}, 1]], "index": [0]}"#.to_owned(), "Source(Matbench)"),
            (r#"{"data": [[{"lattice": 1"#.to_owned(), "Source(Matbench)"),
            (r#"{"train": {"a": "NaCl"}}"#.to_owned(), "Source(Poscar)"),
            (r#"{"train": {}, "test": {"a": "NaCl"}}"#.to_owned(), "Source(Poscar)"),
            (structure.to_owned(), "Source(Pymatgen)"),
            (format!("[{structure}]"), "Source(Pymatgen)"),
            (format!("{structure}\n{structure}\n"), "Source(Pymatgen)"),
            (format!(r#"{{"id": 1, "structure": {structure}}}"#), "Source(Pymatgen)"),
            (format!(r#"{{"a": {structure}}}"#), "Source(Pymatgen)"),
            (r#"{"x": 1} {"x": 2}"#.to_owned(), "Lines"),
            (r#"[{"id": 1, "structure": "data_x"}]"#.to_owned(), r#"Records(["id", "structure"])"#),
            (r#"{"jid": "JVASP-1", "atoms": {}}"#.to_owned(), "Entry(Jarvis)"),
            (r#"{"JVASP-1": {"atoms": {}}}"#.to_owned(), "EntriesById(Jarvis)"),
            (r#"{"data": [{"id": "1"}], "meta": {}}"#.to_owned(), "Source(Optimade)"),
            (r#"{"data": {"id": "1"}, "meta": {}}"#.to_owned(), "Source(Optimade)"),
            ("{\"x-optimade\": {}}\n{\"id\": \"1\"}".to_owned(), "Source(Optimade)"),
            (r#"[{"id": "1", "attributes": {"x"#.to_owned(), "Source(Optimade)"),
            (r#"{"entries": [{"energy": 1"#.to_owned(), "Source(Alexandria)"),
            (r#"{"links": {"next": null}, "data": [], "meta": {}}"#.to_owned(), "Source(Optimade)"),
            (format!(r#"[{{"id": 1, "structure": {structure}}}]"#), "Source(Pymatgen)"),
            (r#"[{"atoms": {}, "x": 1}]"#.to_owned(), ""),
            // What ASE writes as JSON.
            (
                r#"{"1": {"unique_id": "a1", "cell": [[4, 0, 0]], "numbers": [84]}, "ids": [1], "nextid": 2}"#
                    .to_owned(),
                "",
            ),
            ("[{}]".to_owned(), ""),
            ("[1]".to_owned(), ""),
            ("7".to_owned(), ""),
            (String::new(), ""),
        ] {
            assert_eq!(shown(&start), look, "{start}");
        }
    }

    #[test]
    fn no_start_of_a_document_is_too_short() {
        let text = r#"{"data": [{"id": "1", "attributes": {"x": [1, 2]}}], "meta": {}}"#;
        (0..text.len()).for_each(|end| drop(of_start(&text.as_bytes()[..end])));
    }
}
