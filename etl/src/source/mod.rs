//! Sources: published files that are split into records and parsed into crystals.
//!
//! A source has two parts, so that parsing can run on any thread. A [`RecordReader`] reads the input in order and
//! copies the bytes of each record into a [`RawBlock`]. It is cheap, and used by one thread at a time. A
//! [`RecordParser`] converts the bytes of one record into crystals and rejects, and every thread has its own. Neither
//! holds more than one block of the input.

mod alexandria;
mod aselmdb;
mod atoms;
mod by_name;
mod cif;
mod classes;
mod colabfit;
mod csv_stream;
mod definition;
mod detect;
mod document;
mod entry;
mod entry_values;
mod error;
mod extxyz;
mod extxyz_comment;
mod extxyz_frames;
mod files;
mod files_reader;
mod flat_json;
mod folder;
mod hashes;
mod identifier;
mod input;
mod jarvis;
mod json;
mod json_keys;
mod json_records;
mod json_scan;
mod json_stream;
mod json_string;
mod key_scan;
mod kind;
mod lemat;
mod line_stream;
mod listed;
mod lmdb;
mod look;
mod matbench;
mod matbench_first_rows;
mod matbench_index;
mod matbench_row;
mod matbench_task;
mod names;
mod number_like;
mod odd_values;
mod open;
mod optimade;
mod optimade_structure;
mod oqmd;
mod packing;
mod parquet_file;
mod parquet_rows;
mod poscar;
mod poscar_comment;
mod poscar_json;
mod properties;
mod property_value;
mod pymatgen;
mod pymatgen_checks;
mod pymatgen_json;
mod quote;
mod record_fields;
mod records;
mod single;
mod site_properties;
mod species;
mod state;
mod stated_sites;
mod structures;
mod survey;
mod table;
mod table_cif;
mod table_parquet;
mod table_parquet_row;
mod table_roles;
mod tar_archive;
mod units;
mod unread;
mod zip_archive;
mod zip_member;
mod zip_spans;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crystal::structure::Structure;

use crate::reject::{Note, Origin, Reject};
use state::file_states;

pub(crate) use cif::identifier as cif_identifier;
pub(crate) use classes::NoClasses;
pub(crate) use document::{Document, check_encoding, open_document};
pub(crate) use files::base_name;
pub(crate) use folder::links;
pub(crate) use hashes::{FileHash, hash_input};
pub(crate) use identifier::{check_identifier, too_long};
pub(crate) use input::Progress;
pub(crate) use json_stream::JsonStream;
pub(crate) use json_string::JsonString;
pub(crate) use key_scan::MAX_PROPERTY_KEYS;
pub(crate) use number_like::{is_number_with_commas, is_whole, looks_like_number, unsigned};
pub(crate) use odd_values::{Content, ODD_VALUE, Tally};
pub(crate) use packing::is_json;
pub(crate) use parquet_file::MAGIC as PARQUET_MAGIC;
pub(crate) use properties::{MAX_TABLE_COLUMNS, assign_columns};
#[cfg(test)]
pub(crate) use pymatgen::read as read_pymatgen;
pub(crate) use quote::shown;
pub(crate) use state::{InputState, changed_since, file_state};
pub(crate) use table_roles::find_id_column;
pub(crate) use units::documented;

pub use atoms::Coordinates;
pub use definition::SourceOptions;
pub use detect::{detect, detect_name};
pub use error::{RecordError, SourceError};
pub use json::JsonError;
pub use kind::SourceKind;
pub use listed::{LIST_NAME, ListItem, ListedCell, open_list};
pub use look::Look;
pub use names::FileId;
pub use open::{InputKind, open};
pub use poscar::identifier as poscar_identifier;
pub(crate) use property_value::list_of_text;
pub use property_value::{PropertyValue, is_missing};
pub use schemas::property::PropertyColumn;
pub use single::EntryFormat;
pub use unread::{UnreadFiles, UnreadGroup};

/// Number of records at which a block is full.
pub const BLOCK_RECORDS: usize = 256;
/// Size of the records, in bytes, at which a block is full.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Number of bytes that a cleared block keeps allocated: a full block and the record that filled it.
const KEPT_BYTES: usize = 2 * BLOCK_BYTES;
/// Largest size of a record in bytes. A larger record is rejected without being parsed.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// A record of the input that is not parsed yet.
#[derive(Debug, Clone)]
pub struct RawRecord {
    /// Position of the record in the input.
    pub origin: Origin,
    /// Name of the record in the input (a file's stem, an identifier in a table), as a range of the block's bytes.
    pub name: Range<usize>,
    /// Other name by which label tables may refer to the record, as a range of the block's bytes; empty if there is
    /// none.
    pub alias: Range<usize>,
    /// Content of the record, as a range of the block's bytes.
    pub body: Range<usize>,
}

/// Consecutive records of one source. Its buffers are reused from block to block.
#[derive(Debug, Default)]
pub struct RawBlock {
    /// The bytes of all names and records.
    pub bytes: Vec<u8>,
    /// The records, in the order of the input.
    pub records: Vec<RawRecord>,
    /// Records that could not be read (too large, unreadable member, invalid name). Each has the number of `records`
    /// that precede it.
    pub rejects: Vec<(usize, Reject)>,
    /// Remarks about files without a record. Each has the number of `records` that precede it.
    pub notes: Vec<(usize, Note)>,
}

impl RawBlock {
    /// Removes the content. Allocated memory is kept, except that of an unusually large record.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.records.clear();
        self.rejects.clear();
        self.notes.clear();
    }

    /// Whether the block has no content.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rejects.is_empty() && self.notes.is_empty()
    }

    /// Whether a reader should stop adding to this block.
    pub fn is_full(&self) -> bool {
        self.records.len() + self.rejects.len() + self.notes.len() >= BLOCK_RECORDS
            || self.bytes.len() >= BLOCK_BYTES
    }

    /// Whether the last record is larger than that of any common crystal. A crystal with 10,000 sites takes half as
    /// many bytes. The parsed form of such a record may take many times its size.
    pub fn is_large(&self) -> bool {
        self.bytes.len() > KEPT_BYTES
    }

    /// Appends a record, whose name and content are copied.
    pub fn push(&mut self, origin: Origin, name: &[u8], body: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(body);
        self.push_range(origin, start..middle, middle..self.bytes.len());
    }

    /// Appends a record whose name and content have already been appended to [`RawBlock::bytes`].
    pub fn push_range(&mut self, origin: Origin, name: Range<usize>, body: Range<usize>) {
        self.records.push(RawRecord { origin, name, alias: 0..0, body });
    }

    /// Sets the other name by which label tables may refer to the last record.
    pub fn alias(&mut self, alias: Range<usize>) {
        if let Some(record) = self.records.last_mut() {
            record.alias = alias;
        }
    }

    /// Appends a record that could not be read.
    pub fn push_reject(&mut self, reject: Reject) {
        self.rejects.push((self.records.len(), reject));
    }

    /// Appends a remark about a file without a record.
    pub fn push_note(&mut self, note: Note) {
        self.notes.push((self.records.len(), note));
    }
}

/// A crystal, borrowed from the buffers of a parser.
#[derive(Debug)]
pub struct ParsedCrystal<'a> {
    /// Identifier in the store.
    pub material_id: &'a str,
    /// Unit cell and sites.
    pub structure: &'a Structure,
    /// Values of the properties.
    pub properties: PropertyValues<'a>,
    /// Identifier that the source never changes, if it gives one. It may be the same as `material_id`.
    pub immutable_id: Option<&'a str>,
}

impl<'a> ParsedCrystal<'a> {
    /// Creates a crystal without properties.
    fn bare(material_id: &'a str, structure: &'a Structure) -> Self {
        Self { material_id, structure, properties: PropertyValues::default(), immutable_id: None }
    }
}

/// Values of the properties of a crystal. The default has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct PropertyValues<'a> {
    /// The values in the order of [`OpenSource::properties`]: numbers, 1 and 0 for true and false, the indices of classes
    /// in [`OpenSource::classes`], and those of lists in `lists`.
    pub values: &'a [Option<f64>],
    /// Lists with a number of every site, in the order of the sites. A list of another length counts as missing.
    pub lists: &'a [Vec<f64>],
}

impl<'a> PropertyValues<'a> {
    /// Whether there is any value.
    pub(crate) fn are_given(self) -> bool {
        self.values.iter().any(Option::is_some)
    }

    /// Returns the value of a property, by its index.
    pub(crate) fn value(self, at: usize) -> Option<f64> {
        self.values.get(at).copied().flatten()
    }

    /// Returns the list of a property, by its index.
    pub(crate) fn list(self, at: usize) -> Option<&'a [f64]> {
        self.lists.get(self.value(at)? as usize).map(Vec::as_slice)
    }
}

/// Receives the content of a record from a parser.
pub trait Sink {
    /// Receives a crystal.
    fn crystal(&mut self, origin: &Origin, crystal: ParsedCrystal<'_>);
    /// Receives an entry that is not a crystal, with the reason.
    fn reject(&mut self, reject: Reject);
    /// Receives a remark about an entry, before its crystal.
    fn note(&mut self, _note: Note) {}
    /// Returns the largest number of sites of a crystal. Further sites need not be read.
    fn max_sites(&self) -> usize {
        usize::MAX
    }
    /// Whether the crystals of the record get values from elsewhere. Then it must hold a single one.
    fn adds_values(&self) -> bool {
        false
    }
}

/// Reads the records of a source in order.
pub trait RecordReader: Send {
    /// Appends records to `block` until it is full. Returns `false` at the end of the input.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if the input as a whole cannot be read: damaged compression, a truncated JSON array,
    /// a missing file.
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError>;

    /// Returns the number of bytes read from the input files so far, as stored on disk.
    fn bytes_read(&self) -> u64;
}

/// Parses single records. Every thread has its own parser.
pub trait RecordParser: Send {
    /// Passes all crystals and errors of a record to `sink`, in their order.
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink);
}

/// Creates the parser of a thread.
pub type ParserFactory = Arc<dyn Fn() -> Box<dyn RecordParser> + Send + Sync>;

/// A label table among the inputs: `id_prop.csv` or `labels.csv` in a folder or archive, or the splits of a file that
/// is divided into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedLabels {
    /// Name of the table in messages: its path, or `archive!member`.
    pub file: String,
    /// Folder of the table within the input, with `/` as separator; empty at the top.
    pub folder: String,
    /// Content of the table as CSV.
    pub csv: Vec<u8>,
}

impl EmbeddedLabels {
    /// Creates a table. `within` is its path within the input.
    pub(crate) fn new(file: String, within: &str, csv: Vec<u8>) -> Self {
        let folder = within.get(..within.len() - base_name(within).len()).unwrap_or_default();
        let folder = folder.replace('\\', "/");
        Self { file, folder: folder.trim_start_matches("./").trim_end_matches('/').to_owned(), csv }
    }
}

/// An open source. Its header was read, but none of its records.
pub struct OpenSource {
    /// Value of the store's `source` column.
    pub name: String,
    /// Input files and folders, for the hashes in the manifest. Label tables are not included.
    pub inputs: Vec<PathBuf>,
    /// State of every input, as far as it is known without reading it.
    pub(crate) states: Vec<InputState>,
    /// Properties, in the order of [`PropertyValues::values`].
    pub properties: Vec<PropertyColumn>,
    /// Names of the classes of every property. Those of properties of another kind are empty or left out.
    pub classes: Vec<Arc<[String]>>,
    /// Label tables among the inputs.
    pub embedded_labels: Vec<EmbeddedLabels>,
    /// Files among the inputs that are not read.
    pub unread: UnreadFiles,
    /// SHA-256 of the CIFs that tables refer to, if they refer to any.
    pub(crate) named_cifs: Option<String>,
    /// Remarks about the inputs as a whole, for example about columns that were left out.
    pub notes: Vec<String>,
    /// Progress of the reader.
    pub(crate) progress: Progress,
    /// The reader of the records, in order.
    pub reader: Box<dyn RecordReader>,
    /// Creates parsers of the records.
    pub parser: ParserFactory,
}

impl OpenSource {
    /// Creates a source in a custom format, for [`build_from`](crate::pipeline::build_from). `reader` splits the
    /// files into records, and parsers created by `parser` read them. The source has no properties and no label
    /// tables unless they are added to its fields.
    ///
    /// # Errors
    /// Returns [`SourceError::Open`] if the metadata of a file cannot be read.
    pub fn new(
        name: String,
        inputs: Vec<PathBuf>,
        reader: Box<dyn RecordReader>,
        parser: ParserFactory,
    ) -> Result<Self, SourceError> {
        let states = file_states(&inputs)?;
        Ok(Self::with_states(name, inputs, states, Progress::default(), reader, parser))
    }

    /// Creates a source as [`OpenSource::new`] does, from inputs whose states are known. The reader counts in
    /// `progress`.
    fn with_states(
        name: String,
        inputs: Vec<PathBuf>,
        states: Vec<InputState>,
        progress: Progress,
        reader: Box<dyn RecordReader>,
        parser: ParserFactory,
    ) -> Self {
        Self {
            name,
            inputs,
            states,
            properties: Vec::new(),
            classes: Vec::new(),
            embedded_labels: Vec::new(),
            unread: UnreadFiles::default(),
            named_cifs: None,
            notes: Vec::new(),
            progress,
            reader,
            parser,
        }
    }

    /// Returns the total size of the inputs in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.states.iter().map(|state| state.bytes).sum()
    }
}
