//! Sources of records that hold a crystal, an identifier and any properties.
//!
//! What differs from format to format is how a file is cut into records and how a record is read; that is a
//! [`RecordLayout`]. The rest is the same for all: the properties are found in a first pass, and a record without an
//! identifier is called after its file.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry_values::EntryProperties;
use super::files::base_name;
use super::folder::FolderWalk;
use super::identifier::check_identifier;
use super::input::Progress;
use super::packing::{strip_ending, strip_packing};
use super::record_fields::{CrystalFields, RecordFields, ScanFields};
use super::state::{InputState, file_states};
use super::unread::UnreadFiles;
use super::zip_archive::is_litter;
use super::{
    OpenSource, ParsedCrystal, RawBlock, RawRecord, RecordError, RecordParser, RecordReader, Sink,
    SourceError, SourceOptions,
};
use crate::reject::Origin;

/// A format of records.
pub(super) trait RecordLayout: Sync {
    /// Name of the source, and qualifier of its property keys.
    fn source(&self) -> &'static str;

    /// Endings of the names of files, which are left out of identifiers. In a folder, the files with these names are
    /// read.
    fn endings(&self) -> &'static [&'static str];

    /// Whether files are read from their start to their end, so that they can be hashed at the same time.
    fn is_sequential(&self) -> bool {
        true
    }

    /// Returns the columns of a file that are not read although they may hold data of the crystals, if it has columns.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if it cannot be read.
    fn unread_columns(&self, _path: &Path) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    /// Opens a file before its first record.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if it cannot be read or has another layout.
    fn open(&self, path: &Path, progress: &Progress) -> Result<Box<dyn RecordCutter>, SourceError>;

    /// Reads a record. The structure is not needed where `fields` has no place for it.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if it is malformed or its structure is not a crystal.
    fn read(&self, record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError>;
}

/// Cuts a file into records.
pub(super) trait RecordCutter: Send {
    /// Name of the file in messages.
    fn file(&self) -> &Arc<str>;

    /// Appends the next record to `bytes`.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if the file cannot be read further.
    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Piece>, SourceError>;
}

/// A record that was cut out of its file.
pub(super) struct Piece {
    /// Line in the file, counted from 1, if it has lines.
    pub(super) line: Option<u64>,
    /// Name of the record in the file, if it has one beside its content.
    pub(super) name: Option<String>,
    /// Content, as a range of the bytes that it was appended to, or why there is none.
    pub(super) body: Result<Range<usize>, RecordError>,
}

/// Returns the name of a file without folders and endings.
pub(super) fn stem<'a>(name: &'a str, endings: &[&str]) -> &'a str {
    let base = strip_packing(base_name(name));
    endings.iter().find_map(|ending| strip_ending(base, ending)).unwrap_or(base)
}

/// Replaces folders among the inputs by the files in them that the layout reads, in the order of their paths.
fn files_of(
    layout: &dyn RecordLayout,
    inputs: &[PathBuf],
    options: &SourceOptions,
) -> Result<(Vec<PathBuf>, UnreadFiles), SourceError> {
    let (mut files, mut unread) = (Vec::new(), UnreadFiles::new(options.list_unread));
    for input in inputs {
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let before = files.len();
        let mut walk = FolderWalk::new(input)?;
        while let Some(file) = walk.next_file()? {
            let name = strip_packing(&file.name);
            let is_wanted =
                file.regular && layout.endings().iter().any(|ending| strip_ending(name, ending).is_some());
            match is_wanted {
                _ if is_litter(&file.name) => {}
                true => files.push(file.path),
                false => unread.file(&file.path.to_string_lossy()),
            }
        }
        walk.unfollowed()
            .iter()
            .for_each(|link| unread.link(input.join(link).to_string_lossy().into_owned()));
        if files.len() == before {
            let file = input.to_string_lossy().into_owned();
            return Err(SourceError::Empty { file, what: "file of this kind", beside: unread.outline() });
        }
    }
    Ok((files, unread))
}

/// Opens files of records, finds their properties in a first pass, and returns a source at the first record.
///
/// # Errors
/// Returns a [`SourceError`] if a file cannot be read or has another layout.
pub(super) fn open_records(
    layout: &'static dyn RecordLayout,
    inputs: &[PathBuf],
    options: &SourceOptions,
    name: &str,
) -> Result<OpenSource, SourceError> {
    let (files, unread) = files_of(layout, inputs, options)?;
    let mut states = file_states(&files)?;
    if !layout.is_sequential() {
        states = states.into_iter().map(|state| InputState { in_order: false, ..state }).collect();
    }
    let mut scan = ScanFields::default();
    let mut entries = 0;
    for path in &files {
        entries += scan_file(layout, path, &mut scan)?;
    }
    let shown = files.first().map(|path| path.to_string_lossy()).unwrap_or_default();
    let EntryProperties { columns, classes, keys, mut notes } =
        EntryProperties::new(&shown, layout.source(), "", scan.keys, entries)?;
    let mut unread_columns = BTreeSet::new();
    for path in &files {
        unread_columns.extend(layout.unread_columns(path)?);
    }
    if !unread_columns.is_empty() {
        let columns = unread_columns.into_iter().collect::<Vec<_>>().join(", ");
        notes.push(format!("{shown}: columns of lists are not read: {columns}"));
    }
    let progress = Progress::default();
    Ok(OpenSource {
        properties: columns,
        classes,
        unread,
        notes,
        ..OpenSource::with_states(
            name.to_owned(),
            files.clone(),
            states,
            progress.clone(),
            Box::new(CutReader { layout, inputs: files.into(), current: None, progress }),
            Arc::new(move || Box::new(FieldParser { layout, fields: CrystalFields::new(&keys) })),
        )
    })
}

/// Scans the records of a file. Returns their number. Malformed ones are left to the parser.
fn scan_file(layout: &dyn RecordLayout, path: &Path, scan: &mut ScanFields) -> Result<u64, SourceError> {
    let mut cutter = layout.open(path, &Progress::default())?;
    let (mut bytes, mut entries) = (Vec::new(), 0);
    while let Some(piece) = cutter.next(&mut bytes)? {
        entries += 1;
        if let Ok(body) = piece.body {
            scan.begin();
            let read = layout.read(bytes.get(body).unwrap_or_default(), scan);
            if let Err(RecordError::TooManyKeys { .. }) = read {
                scan.withdraw();
            }
        }
        bytes.clear();
    }
    Ok(entries)
}

/// Reads the records of one file after another.
struct CutReader {
    layout: &'static dyn RecordLayout,
    inputs: VecDeque<PathBuf>,
    current: Option<OpenFile>,
    progress: Progress,
}

/// A file and the number of its records so far.
struct OpenFile {
    cutter: Box<dyn RecordCutter>,
    record: u64,
}

impl OpenFile {
    /// Appends a record to the block. It is called after the file if it has no name of its own and is the `only` one.
    fn push(&mut self, piece: Piece, only: bool, endings: &[&str], block: &mut RawBlock) {
        self.record += 1;
        let file = self.cutter.file();
        let line = piece.line.and_then(|line| u32::try_from(line).ok());
        let origin = Origin { file: file.clone(), record: self.record, line };
        let name = piece.name.unwrap_or_else(|| {
            let stem = stem(file, endings);
            if only { stem.to_owned() } else { format!("{stem}#{}", self.record) }
        });
        match piece.body {
            Ok(body) => {
                let start = block.bytes.len();
                block.bytes.extend_from_slice(name.as_bytes());
                block.push_range(origin, start..block.bytes.len(), body);
            }
            Err(error) => block.push_reject(error.reject(Some(name), origin)),
        }
    }
}

impl RecordReader for CutReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let file = match &mut self.current {
                Some(file) => file,
                None => {
                    let Some(path) = self.inputs.pop_front() else { return Ok(false) };
                    let cutter = self.layout.open(&path, &self.progress)?;
                    self.current.insert(OpenFile { cutter, record: 0 })
                }
            };
            let endings = self.layout.endings();
            let first = file.record == 0;
            let piece = file.cutter.next(&mut block.bytes)?;
            let next = if first && piece.is_some() { file.cutter.next(&mut block.bytes)? } else { None };
            let more = if first { next.is_some() } else { piece.is_some() };
            for piece in piece.into_iter().chain(next) {
                file.push(piece, first && !more, endings, block);
            }
            if !more {
                self.current = None;
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.progress.bytes()
    }
}

/// A parser of single records.
struct FieldParser {
    layout: &'static dyn RecordLayout,
    fields: CrystalFields,
}

impl FieldParser {
    /// Reads a record and returns the identifier of its crystal.
    fn read(&mut self, record: &[u8], name: &str) -> Result<String, RecordError> {
        self.fields.begin(true);
        self.layout.read(record, &mut self.fields)?;
        if self.fields.structure.atomic_numbers.is_empty() {
            return Err(RecordError::NoSites);
        }
        let id = self.fields.take_identifier(name);
        check_identifier(&id)?;
        Ok(id)
    }

    /// Returns the identifier of a record that is no crystal.
    fn identifier(&mut self, record: &[u8], name: &str) -> String {
        self.fields.begin(false);
        // What is at fault was reported before.
        let _ = self.layout.read(record, &mut self.fields);
        self.fields.take_identifier(name)
    }
}

impl RecordParser for FieldParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let name = String::from_utf8_lossy(bytes.get(record.name.clone()).unwrap_or_default());
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        match self.read(body, &name) {
            Ok(id) => {
                self.fields.values.note(&id, &record.origin, sink);
                let crystal = ParsedCrystal {
                    material_id: &id,
                    structure: &self.fields.structure,
                    properties: self.fields.values.values(),
                    immutable_id: self.fields.immutable_id(),
                };
                sink.crystal(&record.origin, crystal);
            }
            Err(error) => {
                let id = Some(self.identifier(body, &name)).filter(|id| !id.is_empty());
                sink.reject(error.reject(id, record.origin.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_without_identifiers_are_called_after_their_file() {
        for (name, expected) in
            [("a/b.extxyz.gz", "b"), ("b.XYZ", "b"), ("x.zip!y/c.xyz", "c"), ("plain", "plain"), (".xyz", "")]
        {
            assert_eq!(stem(name, &[".extxyz", ".xyz"]), expected, "{name}");
        }
    }
}
