//! Rejects, the entries that did not become rows of a shard, and notes, the remarks about entries that did.

use std::fmt;
use std::sync::Arc;

/// Reason code of an entry that a filter dropped; everything else is a fault of the entry.
pub const FILTERED: &str = "filtered";
/// Reason code of an entry whose identifier was read before.
pub const DUPLICATE_ID: &str = "duplicate_id";
/// Reason code of a crystal with more sites than are asked for.
pub const TOO_MANY_SITES: &str = "too_many_sites";
/// Code of a crystal with an atom that has no neighbour within the cutoff. It is a note by default, and a reject
/// with `--reject-isolated`.
pub const ISOLATED_ATOM: &str = "isolated_atom";

/// Where an entry stands in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Path of the input file as the user gave it; for an archive `archive!member`.
    pub file: Arc<str>,
    /// Position of the record in its input, counted from 1: the element of a JSON array, the row
    /// of a table, the file of a folder or archive.
    pub record: u64,
    /// Line in `file`, counted from 1, where the format has lines and the fault has one.
    pub line: Option<u32>,
}

/// One entry that was left out, as a row of the store's rejects table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Identifier of the entry, where it could be read.
    pub material_id: Option<String>,
    /// Where the entry stands.
    pub origin: Origin,
    /// Stable code in snake_case, the key of the summary's counts.
    pub reason: &'static str,
    /// What is wrong, with the value at fault.
    pub message: String,
}

/// A remark about an entry that is kept. The summary counts the notes of each code and shows the first ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Identifier of the entry, where it could be read.
    pub material_id: Option<String>,
    /// Where the entry stands.
    pub origin: Origin,
    /// Stable code in snake_case, the key of the summary's counts.
    pub code: &'static str,
    /// The remark, with the value it is about.
    pub message: String,
}

impl fmt::Display for Note {
    /// Writes `id (file, record 3, line 7): message`. The file is written without its folders, so that the text
    /// does not depend on where the input is.
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
