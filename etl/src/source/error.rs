//! Faults of an input as a whole, and why a single record is left out.

use std::io;
use std::path::{Path, PathBuf};

use crystal::cartesian::CartesianError;
use crystal::poscar::PoscarError;
use schemas::count::counted;
use thiserror::Error;

use crate::reject::TOO_MANY_SITES;
use crate::source::json::JsonError;

/// An input that cannot be opened or read on; the run ends with it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A command without inputs.
    #[error("no input is given")]
    NoInput,
    /// A file or folder cannot be opened or listed.
    #[error("{}: {source}", .path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes of a file end early or do not decompress.
    #[error("{file}: {source}")]
    Read {
        /// The file, or `archive!member`.
        file: String,
        /// What the system or the decompressor says.
        source: io::Error,
    },
    /// A tar or zip archive is damaged.
    #[error("{file}: damaged archive at byte {byte}: {message}")]
    Archive {
        /// The archive.
        file: String,
        /// Byte of the (decompressed) archive.
        byte: u64,
        /// What is wrong there.
        message: String,
    },
    /// A JSON file is damaged outside its records.
    #[error("{file}: line {line}, column {column} (byte {byte}): expected {expected}, found {found}")]
    Json {
        /// The file, or `archive!member`.
        file: String,
        /// Line, counted from 1.
        line: u64,
        /// Byte of the line, counted from 1.
        column: u64,
        /// Byte of the file, counted from 0.
        byte: u64,
        /// What JSON or the layout asks for there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A well-formed file that is not in the layout of its source.
    #[error("{file}: {message}")]
    Layout {
        /// The file, or `archive!member`.
        file: String,
        /// What is missing.
        message: String,
    },
    /// A table without a column that is needed.
    #[error("{file}: no column {wanted}; it has {}", some(.found))]
    MissingColumn {
        /// The table.
        file: String,
        /// Names that would do.
        wanted: String,
        /// Columns the table has.
        found: Vec<String>,
    },
    /// A folder or archive without a single file of the kind.
    #[error("{file}: no {what} in it{beside}")]
    Empty {
        /// The folder or archive.
        file: String,
        /// What was looked for.
        what: &'static str,
        /// What is there instead, as the end of the sentence.
        beside: String,
    },
    /// More property keys than a table may have columns.
    #[error("{file}: more than {limit} numeric keys")]
    TooManyKeys {
        /// The file, or `archive!member`.
        file: String,
        /// The limit.
        limit: usize,
    },
    /// Two keys of a source would fill one column.
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

/// Columns that a message names.
const SHOWN_COLUMNS: usize = 64;

/// The first columns of a table, and how many more there are.
fn some(columns: &[String]) -> String {
    let (shown, more) = columns.split_at(columns.len().min(SHOWN_COLUMNS));
    let shown = shown.join(", ");
    if more.is_empty() { shown } else { format!("{shown} and {} more", more.len()) }
}

impl SourceError {
    /// A file or folder that cannot be opened.
    pub(super) fn open(path: &Path, source: io::Error) -> Self {
        Self::Open { path: path.to_path_buf(), source }
    }

    /// Bytes that cannot be read.
    pub(super) fn read(file: &str, source: io::Error) -> Self {
        Self::Read { file: file.to_owned(), source }
    }

    /// A file in another layout.
    pub(super) fn layout(file: &str, message: impl Into<String>) -> Self {
        Self::Layout { file: file.to_owned(), message: message.into() }
    }
}

/// Why one record is left out; ends as a row of the rejects table.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record is not well-formed JSON or not of the source's shape.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A field that a crystal needs is not there.
    #[error("{0:?} is missing")]
    MissingField(&'static str),
    /// The identifier is empty, not UTF-8 or not a name.
    #[error("no usable identifier: {0}")]
    Identifier(String),
    /// A site's symbol is no element.
    #[error("site {site}: {symbol:?} is no element")]
    UnknownElement {
        /// Site, counted from 1.
        site: usize,
        /// The symbol as written.
        symbol: String,
    },
    /// A site's symbol names several elements.
    #[error("site {site}: {symbol:?} names several elements")]
    AmbiguousElement {
        /// Site, counted from 1.
        site: usize,
        /// The symbol as written.
        symbol: String,
    },
    /// A site that is shared by species or not full.
    #[error("site {site} is not one atom: {detail}")]
    PartialOccupancy {
        /// Site, counted from 1.
        site: usize,
        /// Occupancy or number of species.
        detail: String,
    },
    /// As many symbols as positions must stand in a record.
    #[error("{} for {}", counted(*.elements, "element"), counted(*.coordinates, "position"))]
    SiteCount {
        /// Symbols read.
        elements: usize,
        /// Positions read.
        coordinates: usize,
    },
    /// A cell without sites.
    #[error("no sites")]
    NoSites,
    /// A cell of more sites than any crystal may have, of which no more are read.
    #[error("more than {limit} sites")]
    TooManySites {
        /// The limit.
        limit: usize,
    },
    /// A coordinate or cell vector that is not finite.
    #[error("{field}: {value} is not a finite number")]
    NotFinite {
        /// Where it stands.
        field: &'static str,
        /// The value.
        value: f64,
    },
    /// Cartesian positions that cannot be turned into fractional ones.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// A property that is neither a number nor one of the words for a missing value.
    #[error("property {key:?} is {value}, not a number")]
    PropertyValue {
        /// Key in the source.
        key: String,
        /// The value, shortened.
        value: String,
    },
    /// A POSCAR that cannot be read.
    #[error(transparent)]
    Poscar(#[from] PoscarError),
    /// A table's field that is no CIF, and names none that is there.
    #[error("neither a CIF nor the path of one: there is no {path}")]
    NoCif {
        /// Where the file would lie.
        path: String,
    },
    /// The record is larger than [`super::MAX_RECORD_BYTES`].
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// An entry of more keys than a database has.
    #[error("more than {limit} keys")]
    TooManyKeys {
        /// The limit.
        limit: usize,
    },
    /// A file or archive member that cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A table's row with too few fields.
    #[error("{} where the header has {wanted}", counted(*.found, "field"))]
    FieldCount {
        /// Fields of the row.
        found: usize,
        /// Fields of the header.
        wanted: usize,
    },
}

impl RecordError {
    /// Stable code for the rejects table.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::Json(_) => "bad_json",
            Self::MissingField(_) => "missing_field",
            Self::Identifier(_) => "bad_identifier",
            Self::UnknownElement { .. } => "unknown_element",
            Self::AmbiguousElement { .. } => "ambiguous_element",
            Self::PartialOccupancy { .. } => "partial_occupancy",
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

    /// Line of the record at which the fault stands, counted from 1, where it has one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Poscar(error) => error.line(),
            _ => None,
        }
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
