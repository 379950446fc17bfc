//! Sources: published files cut into records, and records read into crystals.
//!
//! A source has two halves, so that any thread can do either. A [`RecordReader`] walks the input
//! in order and copies each record's bytes into a [`RawBlock`]; it is cheap and one thread at a
//! time holds it. A [`RecordParser`] turns one record's bytes into crystals and rejects; every
//! thread has its own. Neither ever holds more than a block of the input.

mod atoms;
mod by_name;
mod cif;
mod csv_stream;
mod definition;
mod detect;
mod document;
mod entry;
mod error;
mod files;
mod files_reader;
mod folder;
mod hashes;
mod input;
mod jarvis;
mod json;
mod json_scan;
mod json_stream;
mod json_string;
mod key_scan;
mod kind;
mod look;
mod matbench;
mod matbench_index;
mod names;
mod odd_values;
mod open;
mod oqmd;
mod packing;
mod poscar;
mod poscar_comment;
mod poscar_json;
mod properties;
mod property_value;
mod pymatgen;
mod single;
mod species;
mod state;
mod structures;
mod survey;
mod table;
mod table_cif;
mod table_parquet;
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
pub(crate) use document::{Document, check_encoding, open_document};
pub(crate) use entry::{check_identifier, too_long};
pub(crate) use files::base_name;
pub(crate) use folder::links;
pub(crate) use hashes::{FileHash, hash_input};
pub(crate) use input::Progress;
pub(crate) use json_stream::JsonStream;
pub(crate) use json_string::JsonString;
pub(crate) use key_scan::MAX_PROPERTY_KEYS;
pub(crate) use odd_values::{Tally, shown};
pub(crate) use packing::is_json;
pub(crate) use properties::{MAX_TABLE_COLUMNS, assign_columns};
pub(crate) use state::{InputState, changed_since, file_state};
pub(crate) use table_roles::find_id_column;
pub(crate) use units::{documented, split_unit};

pub use definition::SourceOptions;
pub use detect::{detect, detect_name};
pub use error::{RecordError, SourceError};
pub use json::JsonError;
pub use kind::SourceKind;
pub use names::FileId;
pub use open::{InputKind, open};
pub use poscar::identifier as poscar_identifier;
pub use property_value::{PropertyValue, is_missing};
pub use single::EntryFormat;
pub use unread::{UnreadFiles, UnreadGroup};

/// A block is full when it holds this many records.
pub const BLOCK_RECORDS: usize = 256;
/// A block is full when its records hold this many bytes.
pub const BLOCK_BYTES: usize = 1 << 20;
/// A cleared block keeps this much memory: a full block and the record that filled it.
const KEPT_BYTES: usize = 2 * BLOCK_BYTES;
/// A record larger than this is rejected unread: it would not fit the memory of a run.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// One record cut out of its input, not yet read.
#[derive(Debug, Clone)]
pub struct RawRecord {
    /// Where the record stands.
    pub origin: Origin,
    /// Name that the input gives the record (a file's stem, a table's id), in the block's bytes.
    pub name: Range<usize>,
    /// What else label tables may call the record, in the block's bytes; empty where nothing.
    pub alias: Range<usize>,
    /// The record itself, in the block's bytes.
    pub body: Range<usize>,
}

/// Consecutive records of one source; its buffers are reused from block to block.
#[derive(Debug, Default)]
pub struct RawBlock {
    /// Bytes of all names and bodies.
    pub bytes: Vec<u8>,
    /// The records, in the order of the input.
    pub records: Vec<RawRecord>,
    /// Records that could not even be cut out (too large, unreadable member, broken name), each
    /// with the number of `records` that stand before it.
    pub rejects: Vec<(usize, Reject)>,
    /// Remarks about what no record was made of, each with the number of `records` that stand before it.
    pub notes: Vec<(usize, Note)>,
}

impl RawBlock {
    /// Empties the block and keeps its allocations, but for what a rare large record left behind.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.records.clear();
        self.rejects.clear();
        self.notes.clear();
    }

    /// Whether nothing at all is in the block.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rejects.is_empty() && self.notes.is_empty()
    }

    /// Whether a reader should stop adding to this block.
    pub fn is_full(&self) -> bool {
        self.records.len() + self.rejects.len() + self.notes.len() >= BLOCK_RECORDS
            || self.bytes.len() >= BLOCK_BYTES
    }

    /// Whether the record that filled the block is larger than any of a usual crystal: 10,000 sites take half as
    /// many bytes. What such a record is parsed into may take many times as much.
    pub fn is_large(&self) -> bool {
        self.bytes.len() > KEPT_BYTES
    }

    /// Appends a record, copying its name and body.
    pub fn push(&mut self, origin: Origin, name: &[u8], body: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(body);
        self.push_range(origin, start..middle, middle..self.bytes.len());
    }

    /// Appends a record whose name and body were written to [`RawBlock::bytes`] already.
    pub fn push_range(&mut self, origin: Origin, name: Range<usize>, body: Range<usize>) {
        self.records.push(RawRecord { origin, name, alias: 0..0, body });
    }

    /// Says what else label tables may call the last record.
    pub fn alias(&mut self, alias: Range<usize>) {
        if let Some(record) = self.records.last_mut() {
            record.alias = alias;
        }
    }

    /// Appends a record that could not be cut out.
    pub fn push_reject(&mut self, reject: Reject) {
        self.rejects.push((self.records.len(), reject));
    }

    /// Appends a remark about what no record is made of.
    pub fn push_note(&mut self, note: Note) {
        self.notes.push((self.records.len(), note));
    }
}

/// A numeric property column that a source or label table brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyColumn {
    /// Column of the store, see [`schemas::property`].
    pub column: String,
    /// Key of the property in its source.
    pub key: String,
}

/// One crystal as a parser hands it on; borrowed from the parser's buffers.
#[derive(Debug)]
pub struct ParsedCrystal<'a> {
    /// Identifier in the store.
    pub material_id: &'a str,
    /// Cell and sites.
    pub structure: &'a Structure,
    /// One value for each of the source's [`OpenSource::properties`], in that order.
    pub properties: &'a [Option<f64>],
}

/// Takes what a parser finds in a record.
pub trait Sink {
    /// A crystal.
    fn crystal(&mut self, origin: &Origin, crystal: ParsedCrystal<'_>);
    /// An entry that is not one, and why.
    fn reject(&mut self, reject: Reject);
    /// A remark about an entry, handed over before its crystal.
    fn note(&mut self, _note: Note) {}
    /// Most sites of a crystal that is taken: no more of a larger one need be read.
    fn max_sites(&self) -> usize {
        usize::MAX
    }
}

/// Walks a source in order.
pub trait RecordReader: Send {
    /// Appends records to `block` until it is full; `false` when the input is at its end.
    ///
    /// # Errors
    /// [`SourceError`] where the input as a whole cannot be read on: broken compression, a JSON
    /// array that ends early, a file that vanished.
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError>;

    /// Bytes of the input files consumed so far, as stored on disk.
    fn bytes_read(&self) -> u64;
}

/// Reads single records; every thread has one.
pub trait RecordParser: Send {
    /// Hands every crystal or fault of the record to `sink`, in the record's order.
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink);
}

/// Makes a parser for a thread.
pub type ParserFactory = Arc<dyn Fn() -> Box<dyn RecordParser> + Send + Sync>;

/// A label table that lies beside the crystals: `id_prop.csv` or `labels.csv` in a folder or
/// archive, or the splits of a file that is cut into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedLabels {
    /// The table as messages name it: its path, or `archive!member`.
    pub file: String,
    /// Its folder within the input, folders separated by `/`; empty at the top.
    pub folder: String,
    /// The table itself.
    pub csv: Vec<u8>,
}

impl EmbeddedLabels {
    /// A table that lies in an input under the name `within`, folders before it.
    pub(crate) fn new(file: String, within: &str, csv: Vec<u8>) -> Self {
        let folder = within.get(..within.len() - base_name(within).len()).unwrap_or_default();
        let folder = folder.replace('\\', "/");
        Self { file, folder: folder.trim_start_matches("./").trim_end_matches('/').to_owned(), csv }
    }
}

/// A source that was opened: its header is read, its records are not.
pub struct OpenSource {
    /// Value of the store's `source` column.
    pub name: String,
    /// Input files and folders, for hashes in the manifest; label inputs not included.
    pub inputs: Vec<PathBuf>,
    /// State of every input, as far as it is known without reading it.
    pub(crate) states: Vec<InputState>,
    /// Numeric properties, in the order of [`ParsedCrystal::properties`].
    pub properties: Vec<PropertyColumn>,
    /// Label tables found among the inputs: the name to show, and the bytes of the CSV.
    pub embedded_labels: Vec<EmbeddedLabels>,
    /// Files among the inputs that are not read.
    pub unread: UnreadFiles,
    /// SHA-256 of the CIFs that tables name instead of holding them, where they name any.
    pub(crate) named_cifs: Option<String>,
    /// Remarks about the inputs as a whole, columns that were passed over for example.
    pub notes: Vec<String>,
    /// What the reader has read so far.
    pub(crate) progress: Progress,
    /// The records in order.
    pub reader: Box<dyn RecordReader>,
    /// Parsers for the records.
    pub parser: ParserFactory,
}

impl OpenSource {
    /// A source in a format of one's own, see [`build_from`](crate::pipeline::build_from): files that `reader` cuts
    /// into records, each read by a parser that `parser` makes. It has no properties and no label tables unless they
    /// are put into its fields.
    ///
    /// # Errors
    /// [`SourceError::Open`] where a file cannot be looked at.
    pub fn new(
        name: String,
        inputs: Vec<PathBuf>,
        reader: Box<dyn RecordReader>,
        parser: ParserFactory,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            name,
            states: file_states(&inputs)?,
            inputs,
            properties: Vec::new(),
            embedded_labels: Vec::new(),
            unread: UnreadFiles::default(),
            named_cifs: None,
            notes: Vec::new(),
            progress: Progress::default(),
            reader,
            parser,
        })
    }

    /// Size of the inputs on disk.
    pub fn total_bytes(&self) -> u64 {
        self.states.iter().map(|state| state.bytes).sum()
    }
}
