//! Rejects, which are entries left out of a store, and notes, which are remarks about entries in it.

use std::fmt;
use std::sync::Arc;

/// Reason code of an entry dropped by a filter. All other codes denote an error of the entry.
pub const FILTERED: &str = "filtered";
/// Reason code of an entry whose identifier occurred before.
pub const DUPLICATE_ID: &str = "duplicate_id";
/// Reason code of a crystal with more sites than the request allows.
pub const TOO_MANY_SITES: &str = "too_many_sites";
/// Reason code of a crystal with more edges than a store allows.
pub const TOO_MANY_EDGES: &str = "too_many_edges";
/// Reason code of a crystal with more pairs of edges, from which triplets are made, than a store allows.
pub const TOO_MANY_TRIPLETS: &str = "too_many_triplets";
/// Reason code of a single reject that counts the rejects of a file beyond those that are listed.
pub const TOO_MANY_REJECTS: &str = "too_many_rejects";
/// Code of a crystal with an atom that has no neighbour within the cutoff. It is a note by default, and a reject with
/// `reject_isolated`.
pub const ISOLATED_ATOM: &str = "isolated_atom";

/// The position of an entry in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Path of the input file as given by the user; `archive!member` for a member of an archive.
    pub file: Arc<str>,
    /// Position of the record in its input, counted from 1: the element of a JSON array, the row of a table, or the
    /// file of a folder or archive.
    pub record: u64,
    /// Line in `file`, counted from 1, if the format has lines and the error has one.
    pub line: Option<u32>,
}

/// An entry that was left out, as a row of the rejects table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Identifier of the entry, if it could be read.
    pub material_id: Option<String>,
    /// Position of the entry.
    pub origin: Origin,
    /// Stable reason code in snake_case. The summary counts rejects by it.
    pub reason: &'static str,
    /// What is wrong, with the offending value.
    pub message: String,
    /// The filter or option that dropped the entry. The summary counts filtered entries by it. `None` for an error.
    pub filter: Option<Arc<str>>,
}

/// A remark about an entry that is kept. The summary counts the notes of each code and quotes the first ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Identifier of the entry, if it could be read.
    pub material_id: Option<String>,
    /// Position of the entry.
    pub origin: Origin,
    /// Stable code in snake_case. The summary counts notes by it.
    pub code: &'static str,
    /// The remark, with the value that it is about.
    pub message: String,
}

/// Largest length in bytes of an identifier, a file name or a message in a reject or note, which is that of the
/// longest path on Linux. Longer texts are truncated, so that entries with long names cannot exhaust memory.
pub const MAX_TEXT_BYTES: usize = 4096;
/// Marks the end of a truncated text.
const CUT: char = '…';

/// Truncates a text to at most [`MAX_TEXT_BYTES`].
fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES - CUT.len_utf8()));
        text.push(CUT);
        text.shrink_to_fit();
    }
    text
}

impl Origin {
    /// Truncates the name of the file.
    fn cut(mut self) -> Self {
        if self.file.len() > MAX_TEXT_BYTES {
            self.file = cut(self.file.to_string()).into();
        }
        self
    }
}

impl Reject {
    /// Creates a reject for an error of the entry. Long texts are truncated.
    pub fn new(material_id: Option<String>, origin: Origin, reason: &'static str, message: String) -> Self {
        let (material_id, origin) = (material_id.map(cut), origin.cut());
        Self { material_id, origin, reason, message: cut(message), filter: None }
    }

    /// Creates a reject for an entry that `filter` drops. Long texts are truncated.
    pub fn filtered(
        material_id: Option<String>,
        origin: Origin,
        filter: impl Into<Arc<str>>,
        message: String,
    ) -> Self {
        Self { filter: Some(filter.into()), ..Self::new(material_id, origin, FILTERED, message) }
    }
}

impl Note {
    /// Creates a note. Long texts are truncated.
    pub fn new(material_id: Option<String>, origin: Origin, code: &'static str, message: String) -> Self {
        Self { material_id: material_id.map(cut), origin: origin.cut(), code, message: cut(message) }
    }
}

impl fmt::Display for Note {
    /// Formats the note as `id (file, record 3, line 7): message`. The file is written without its folders, so that
    /// the text does not depend on the location of the input.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { file, record, line } = &self.origin;
        let file = file.rsplit('/').next().unwrap_or(file);
        if let Some(id) = &self.material_id {
            write!(formatter, "{id} ")?;
        }
        write!(formatter, "({file}, record {record}")?;
        if let Some(line) = line {
            write!(formatter, ", line {line}")?;
        }
        write!(formatter, "): {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, bytes) in [("x", MAX_TEXT_BYTES), ("é", MAX_TEXT_BYTES - 1), ("…", MAX_TEXT_BYTES - 1)]
        {
            let long = text.repeat(1 << 20);
            let origin = Origin { file: long.as_str().into(), record: 1, line: None };
            let reject = Reject::new(Some(long.clone()), origin.clone(), FILTERED, long.clone());
            let Reject { material_id: Some(id), origin: Origin { file, .. }, message, .. } = &reject else {
                panic!("it has an identifier")
            };
            for cut in [id, message, &file.to_string()] {
                assert_eq!((cut.len(), cut.ends_with(CUT)), (bytes, true), "{text}");
            }
            let note = Note::new(Some(long.clone()), origin, FILTERED, long);
            assert_eq!((note.message, note.origin), (reject.message, reject.origin));
        }
        assert_eq!(cut("x".repeat(MAX_TEXT_BYTES)), "x".repeat(MAX_TEXT_BYTES));
    }
}
