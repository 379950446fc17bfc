//! Errors of an input as a whole, and errors of single records.

use std::io;
use std::path::{Path, PathBuf};

use crystal::cartesian::CartesianError;
use crystal::poscar::PoscarError;
use schemas::count::counted;
use thiserror::Error;

use crate::reject::{Origin, Reject, TOO_MANY_SITES};
use crate::source::json::JsonError;
use crate::source::{Look, SourceKind};

/// An error of an input that cannot be opened or read. It ends the run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No input was given.
    #[error("no input is given")]
    NoInput,
    /// A file or folder cannot be opened or listed.
    #[error("{}: {source}", .path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file is truncated or cannot be decompressed.
    #[error("{file}: {source}")]
    Read {
        /// The file, or `archive!member`.
        file: String,
        /// The error of the operating system or decompressor.
        source: io::Error,
    },
    /// A tar or zip archive is damaged.
    #[error("{file}: damaged archive at byte {byte}: {message}")]
    Archive {
        /// The archive.
        file: String,
        /// Byte offset in the (decompressed) archive.
        byte: u64,
        /// What is wrong.
        message: String,
    },
    /// A JSON file is malformed outside its records.
    #[error("{file}: line {line}, column {column} (byte {byte}): expected {expected}, found {found}")]
    Json {
        /// The file, or `archive!member`.
        file: String,
        /// Line, counted from 1.
        line: u64,
        /// Byte position in the line, counted from 1.
        column: u64,
        /// Byte offset in the file.
        byte: u64,
        /// What JSON or the layout requires there.
        expected: &'static str,
        /// What was found there.
        found: String,
    },
    /// A well-formed file does not have the layout of its source.
    #[error("{file}: {message}")]
    Layout {
        /// The file, or `archive!member`.
        file: String,
        /// What is missing.
        message: String,
    },
    /// A file has the name of another kind of input.
    #[error("{file}: has the name of a {named}, not of {kind}")]
    OtherName {
        /// The file.
        file: String,
        /// The kind as which it was to be read.
        kind: SourceKind,
        /// The kind that its name shows.
        named: SourceKind,
    },
    /// A JSON document has the layout of another kind of input, or of none that can be read.
    #[error("{file}: {}looks like {look}", not_of(*.kind))]
    OtherLook {
        /// The file.
        file: String,
        /// The kind as which it was to be read; `None` if it was to be found out.
        kind: Option<SourceKind>,
        /// The apparent layout.
        look: Look,
    },
    /// A table lacks a required column.
    #[error("{file}: no column {wanted}; it has {}", some(.found))]
    MissingColumn {
        /// The table.
        file: String,
        /// The possible names of the column.
        wanted: String,
        /// The columns of the table.
        found: Vec<String>,
    },
    /// A folder or archive contains no file of the source.
    #[error("{file}: no {what} in it{beside}")]
    Empty {
        /// The folder or archive.
        file: String,
        /// The kind of files that was searched for.
        what: &'static str,
        /// The files that are there instead, as the end of the message.
        beside: String,
    },
    /// The source has more keys that may be properties, texts included, than a table may have columns.
    #[error("{file}: more than {limit} keys or columns of properties")]
    TooManyKeys {
        /// The file, or `archive!member`.
        file: String,
        /// Largest number of keys.
        limit: usize,
    },
    /// Two keys of a source would be the same column.
    #[error("{file}: the keys {first:?} and {second:?} would both be the column {column}")]
    DuplicateColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// First key.
        first: String,
        /// Second key.
        second: String,
    },
}

/// Largest number of columns that a message names.
const SHOWN_COLUMNS: usize = 64;

/// Returns the beginning of a message about a document of another kind than the given one.
fn not_of(kind: Option<SourceKind>) -> String {
    kind.map_or_else(String::new, |kind| format!("is no {kind} input: it "))
}

/// Lists the first columns of a table, followed by the number of further ones.
fn some(columns: &[String]) -> String {
    let (shown, more) = columns.split_at(columns.len().min(SHOWN_COLUMNS));
    let shown = shown.join(", ");
    if more.is_empty() { shown } else { format!("{shown} and {} more", more.len()) }
}

impl SourceError {
    /// Returns the error of a file or folder that cannot be opened.
    pub(super) fn open(path: &Path, source: io::Error) -> Self {
        Self::Open { path: path.to_path_buf(), source }
    }

    /// Returns the error of a file that cannot be read.
    pub(super) fn read(file: &str, source: io::Error) -> Self {
        Self::Read { file: file.to_owned(), source }
    }

    /// Returns the error of a file in another layout.
    pub(super) fn layout(file: &str, message: impl Into<String>) -> Self {
        Self::Layout { file: file.to_owned(), message: message.into() }
    }
}

/// An error of a single record, which becomes a row of the rejects table.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record is not well-formed JSON or does not have the layout of the source.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A required field is missing.
    #[error("{0:?} is missing")]
    MissingField(&'static str),
    /// The identifier is empty, not UTF-8 or not a valid name.
    #[error("no usable identifier: {0}")]
    Identifier(String),
    /// The symbol of a site is not that of an element.
    #[error("site {site}: {symbol:?} is no element")]
    UnknownElement {
        /// Position of the site, counted from 1.
        site: usize,
        /// The symbol as written.
        symbol: String,
    },
    /// The symbol of a site denotes several elements.
    #[error("site {site}: {symbol:?} names several elements")]
    AmbiguousElement {
        /// Position of the site, counted from 1.
        site: usize,
        /// The symbol as written.
        symbol: String,
    },
    /// A site is shared by several species or not fully occupied.
    #[error("site {site} is not one atom: {detail}")]
    PartialOccupancy {
        /// Position of the site, counted from 1.
        site: usize,
        /// The occupancy or the number of species.
        detail: String,
    },
    /// The crystal is not periodic in three directions: a molecule, a chain or a layer.
    #[error("not periodic in three directions: {0}")]
    NotPeriodic(String),
    /// The crystal has atoms that are not among its sites.
    #[error("atoms without a site: {0}")]
    HiddenAtoms(String),
    /// An entry of a database describes something else than a structure.
    #[error("an entry of type {0:?}, not of structures")]
    EntryType(String),
    /// A frame of extended XYZ cannot be read.
    #[error("{message}")]
    Frame {
        /// Line in the frame, counted from 1.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// The numbers of symbols and positions differ.
    #[error("{} for {}", counted(*.elements, "element"), counted(*.coordinates, "position"))]
    SiteCount {
        /// Number of symbols.
        elements: usize,
        /// Number of positions.
        coordinates: usize,
    },
    /// The crystal has no sites.
    #[error("no sites")]
    NoSites,
    /// The crystal has more sites than any crystal may have. Further ones were not read.
    #[error("more than {limit} sites")]
    TooManySites {
        /// Largest number of sites.
        limit: usize,
    },
    /// A coordinate or a component of a lattice vector is not finite.
    #[error("{field}: {value} is not a finite number")]
    NotFinite {
        /// Name of the field.
        field: &'static str,
        /// The value.
        value: f64,
    },
    /// Cartesian coordinates cannot be converted to fractional ones.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// The value of a property is neither what its column holds nor a word for a missing value.
    #[error("property {key:?} is {value}, not a {wanted}")]
    PropertyValue {
        /// Key in the source.
        key: String,
        /// The value, shortened.
        value: String,
        /// What the column holds: `number`, `boolean` or `class`.
        wanted: &'static str,
    },
    /// The POSCAR cannot be read.
    #[error(transparent)]
    Poscar(#[from] PoscarError),
    /// A field of a table is neither a CIF nor the name of an existing one.
    #[error("neither a CIF nor the path of one: there is no {path}")]
    NoCif {
        /// Path of the missing file.
        path: String,
    },
    /// The record is larger than [`super::MAX_RECORD_BYTES`].
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// Largest size in bytes.
        limit: usize,
    },
    /// The entry has too many keys.
    #[error("more than {limit} keys")]
    TooManyKeys {
        /// Largest number of keys.
        limit: usize,
    },
    /// A file or archive member cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A row of a table has too few fields.
    #[error("{} where the header has {wanted}", counted(*.found, "field"))]
    FieldCount {
        /// Number of fields in the row.
        found: usize,
        /// Number of fields in the header.
        wanted: usize,
    },
}

impl RecordError {
    /// Returns the stable reason code for the rejects table.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::Json(_) => "bad_json",
            Self::MissingField(_) => "missing_field",
            Self::Identifier(_) => "bad_identifier",
            Self::UnknownElement { .. } => "unknown_element",
            Self::AmbiguousElement { .. } => "ambiguous_element",
            Self::PartialOccupancy { .. } => "partial_occupancy",
            Self::NotPeriodic(_) => "not_periodic",
            Self::HiddenAtoms(_) => "hidden_atoms",
            Self::EntryType(_) => "no_structure",
            Self::Frame { .. } => "bad_frame",
            Self::SiteCount { .. } => "site_count_mismatch",
            Self::NoSites => "no_sites",
            Self::TooManySites { .. } => TOO_MANY_SITES,
            Self::NotFinite { .. } => "not_finite",
            Self::Cartesian(error) => error.reason_code(),
            Self::PropertyValue { .. } => "bad_property_value",
            Self::Poscar(error) => error.reason_code(),
            Self::NoCif { .. } => "cif_syntax",
            Self::TooLarge { .. } => "record_too_large",
            Self::TooManyKeys { .. } => "too_many_keys",
            Self::Unreadable(_) => "unreadable_file",
            Self::FieldCount { .. } => "field_count_mismatch",
        }
    }

    /// Returns the line of the error in the record, counted from 1, if it has one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Poscar(error) => error.line(),
            Self::Frame { line, .. } => Some(*line),
            _ => None,
        }
    }

    /// Converts the error into a reject. A line in the record is converted to one in the file.
    pub(crate) fn reject(&self, material_id: Option<String>, mut origin: Origin) -> Reject {
        if let Some(line) = self.line() {
            origin.line = Some(origin.line.map_or(line, |start| start.saturating_add(line - 1)));
        }
        Reject::new(material_id, origin, self.reason_code(), self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_first_columns() {
        let columns = |count: usize| (0..count).map(|at| format!("c{at}")).collect::<Vec<_>>();
        assert_eq!(some(&columns(3)), "c0, c1, c2");
        assert!(some(&columns(64)).ends_with(", c63"));
        assert!(some(&columns(8192)).ends_with(", c63 and 8128 more"));
    }
}
