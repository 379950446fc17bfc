//! Reading of one file per crystal from folders and archives.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::regular::refuse_hollow;

use super::files::{FileRule, Files, open_files};
use super::folder::WalkedFile;
use super::hashes::{FileHash, FolderHash, hash_file};
use super::identifier::{check_identifier, too_long};
use super::input::Progress;
use super::names::{FileName, Names};
use super::packing::Packing;
use super::survey::{Survey, survey};
use super::tar_archive::{TarArchive, TarKind};
use super::zip_archive::{ZipArchive, is_litter};
use super::{
    MAX_RECORD_BYTES, OpenSource, ParserFactory, RawBlock, RecordError, RecordReader, SourceError,
    SourceOptions,
};
use crate::reject::{MAX_TEXT_BYTES, Note, Origin};

/// Number of bytes of a file that are read at once. Few CIFs are larger.
const FILE_BYTES: usize = 64 << 10;
/// Code of the note about a `POSCAR` beside a `CONTCAR`.
const RELAXED: &str = "contcar_taken";

/// Opens inputs with one file per crystal.
///
/// # Errors
/// Returns a [`SourceError`] if an input cannot be read or contains no file of the source.
pub(super) fn open_files_source(
    inputs: &[PathBuf],
    options: &SourceOptions,
    name: &str,
    rule: FileRule,
    parser: ParserFactory,
) -> Result<OpenSource, SourceError> {
    let Survey { states, names, embedded_labels, unread } = survey(inputs, &rule, options)?;
    let progress = Progress::default();
    let counted = progress.clone();
    let reader = Box::new(FilesReader::new(inputs, rule, names, progress));
    Ok(OpenSource {
        embedded_labels,
        unread,
        ..OpenSource::with_states(name.to_owned(), inputs.to_vec(), states, counted, reader, parser)
    })
}

/// Reads one file after another.
struct FilesReader {
    rule: FileRule,
    names: Names,
    inputs: VecDeque<PathBuf>,
    current: Option<(PathBuf, Files, Option<FolderHash>)>,
    /// Index of the current input.
    input: usize,
    /// Number of the source's files so far in the current input.
    record: u64,
    progress: Progress,
    /// Buffer for files that are read at once.
    buffer: Box<[u8]>,
}

impl FilesReader {
    /// Creates a reader at the first file of the first input.
    fn new(inputs: &[PathBuf], rule: FileRule, names: Names, progress: Progress) -> Self {
        Self {
            rule,
            names,
            inputs: inputs.iter().cloned().collect(),
            current: None,
            input: 0,
            record: 0,
            progress,
            buffer: vec![0; FILE_BYTES].into_boxed_slice(),
        }
    }
}

impl RecordReader for FilesReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            if self.current.is_none() {
                let Some(path) = self.inputs.pop_front() else { return Ok(false) };
                self.record = 0;
                let files = open_files(&path, &self.rule, &self.progress)?;
                let hashed = self.progress.hashes() && matches!(files, Files::Folder(_));
                self.current = Some((path, files, hashed.then(FolderHash::default)));
            }
            let Some((path, files, hash)) = &mut self.current else { break };
            let mut slot =
                Slot { names: &self.names, input: self.input, record: &mut self.record, block: &mut *block };
            let more = match files {
                Files::Folder(walk) => match walk.next_file()? {
                    Some(file) => {
                        slot.walked_file(&file, hash.as_mut(), &self.progress, &mut self.buffer);
                        true
                    }
                    None => false,
                },
                Files::One(file) => match file.take() {
                    Some(path) => {
                        slot.single_file(path, &self.progress, &mut self.buffer);
                        true
                    }
                    None => false,
                },
                Files::Tar(archive) => slot.tar_member(path, archive)?,
                Files::Zip(archive) => slot.zip_member(path, archive)?,
            };
            if !more && let Some((path, _, hash)) = self.current.take() {
                self.input += 1;
                if let Some(hash) = hash {
                    self.progress.hashed_folder(path, hash);
                }
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.progress.bytes()
    }
}

/// The destination of the next file of an input.
struct Slot<'a> {
    names: &'a Names,
    input: usize,
    record: &'a mut u64,
    block: &'a mut RawBlock,
}

impl Slot<'_> {
    /// Adds a file of a folder, and its hash to that of the folder.
    fn walked_file(
        &mut self,
        file: &WalkedFile,
        folder: Option<&mut FolderHash>,
        progress: &Progress,
        buffer: &mut [u8],
    ) {
        let shown = file.path.to_string_lossy();
        let mut hash = None;
        if !is_litter(&file.name) {
            let wanted = folder.is_some();
            self.record(&shown, &file.name, |block| {
                if !file.regular {
                    return Err(RecordError::Unreadable("not a regular file".to_owned()));
                }
                let (read, found) = read_file(&file.path, wanted, progress, buffer, &mut block.bytes);
                hash = Some(found);
                read
            });
        }
        if let Some(folder) = folder.filter(|_| file.regular) {
            // Files without a crystal are part of the input too.
            folder.add(&file.name, hash.unwrap_or_else(|| hash_file(&file.path)));
        }
    }

    /// Adds a file that is itself an input.
    fn single_file(&mut self, path: PathBuf, progress: &Progress, buffer: &mut [u8]) {
        let shown = path.to_string_lossy();
        let mut hash = None;
        self.record(&shown, &shown, |block| {
            let (read, found) = read_file(&path, progress.hashes(), progress, buffer, &mut block.bytes);
            hash = found.ok();
            read
        });
        if let Some(hash) = hash {
            drop(shown);
            progress.hashed_file(path, hash);
        }
    }

    /// Adds the next member of a tar archive. Returns false at the end.
    fn tar_member(&mut self, path: &Path, archive: &mut TarArchive) -> Result<bool, SourceError> {
        let Some(member) = archive.next_member()? else { return Ok(false) };
        let mut broken = None;
        self.member(path, &member.name, |block| {
            if member.kind == TarKind::Other {
                return Err(RecordError::Unreadable("a link or a sparse file".to_owned()));
            }
            if member.size > MAX_RECORD_BYTES as u64 {
                return Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES });
            }
            archive.read_body(&mut block.bytes).map_err(|error| {
                let message = error.to_string();
                broken = Some(error);
                RecordError::Unreadable(message)
            })
        });
        // After an error the rest of a stream cannot be read.
        broken.map_or(Ok(true), Err)
    }

    /// Adds the next member of a zip archive. Returns false at the end.
    fn zip_member(&mut self, path: &Path, archive: &mut ZipArchive) -> Result<bool, SourceError> {
        let Some(member) = archive.next_member()? else { return Ok(false) };
        self.member(path, &member.name, |block| {
            if member.size > MAX_RECORD_BYTES as u64 {
                return Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES });
            }
            let read = archive.read_member(&member, MAX_RECORD_BYTES as u64, &mut block.bytes);
            read.map_err(|error| RecordError::Unreadable(error.to_string()))
        });
        Ok(true)
    }

    fn member(
        &mut self,
        archive: &Path,
        name: &[u8],
        read: impl FnOnce(&mut RawBlock) -> Result<(), RecordError>,
    ) {
        let name = String::from_utf8_lossy(name);
        if !is_litter(&name) {
            self.record(&format!("{}!{name}", archive.to_string_lossy()), &name, read);
        }
    }

    /// Appends the record of a file if its name is one of the source. The file is called `name` in its input and
    /// `shown` in messages.
    fn record(
        &mut self,
        shown: &str,
        name: &str,
        read: impl FnOnce(&mut RawBlock) -> Result<(), RecordError>,
    ) {
        let (id, alias) = match self.names.of(self.input, name) {
            Some(FileName::Id { id, alias }) => (id, alias),
            Some(FileName::Superseded { id }) => {
                *self.record += 1;
                let origin = Origin { file: Arc::from(shown), record: *self.record, line: None };
                let message =
                    "is not read, as a CONTCAR, the relaxed structure, lies beside it; --id path reads both";
                self.block.push_note(Note::new(Some(id.into_owned()), origin, RELAXED, message.to_owned()));
                return;
            }
            None => return,
        };
        *self.record += 1;
        let origin = Origin { file: Arc::from(shown), record: *self.record, line: None };
        // The size is checked before the name is copied, because names in a tar archive may have a mebibyte.
        if name.len() > MAX_TEXT_BYTES {
            return self.block.push_reject(too_long("the name", name.len()).reject(None, origin));
        }
        let start = self.block.bytes.len();
        self.block.bytes.extend_from_slice(id.as_bytes());
        let name_end = self.block.bytes.len();
        self.block.bytes.extend_from_slice(alias.unwrap_or_default().as_bytes());
        let body = self.block.bytes.len();
        let fits = |block: &mut RawBlock| match block.bytes.len() - body > MAX_RECORD_BYTES {
            true => Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES }),
            false => Ok(()),
        };
        let checked = check_name(&id)
            .and_then(|()| read(self.block))
            .and_then(|()| fits(self.block))
            .and_then(|()| unpack_tail(&mut self.block.bytes, body))
            .and_then(|()| fits(self.block));
        match checked {
            Ok(()) => {
                let end = self.block.bytes.len();
                self.block.push_range(origin, start..name_end, body..end);
                self.block.alias(name_end..body);
            }
            Err(error) => {
                self.block.bytes.truncate(start);
                let material_id = check_name(&id).is_ok().then(|| id.into_owned());
                self.block.push_reject(error.reject(material_id, origin));
            }
        }
    }
}

/// Appends a file to `bytes`, up to one byte more than the largest record. Its hash, if requested, covers the whole
/// file. Most files fit into the buffer and are read by a single call.
fn read_file(
    path: &Path,
    hashed: bool,
    progress: &Progress,
    buffer: &mut [u8],
    bytes: &mut Vec<u8>,
) -> (Result<(), RecordError>, io::Result<FileHash>) {
    let start = bytes.len();
    let mut hash = FileHash::default();
    let mut read = || -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut count = file.read(buffer)?;
        if count == buffer.len() {
            refuse_hollow(&file)?;
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        // A read of a regular file is shorter than requested only at its end.
        if count == buffer.len() {
            let limit = (MAX_RECORD_BYTES + 1).saturating_sub(count) as u64;
            count += (&mut file).take(limit).read_to_end(bytes)?;
        }
        progress.add(count as u64);
        if hashed {
            hash.update(bytes.get(start..).unwrap_or_default());
            if count > MAX_RECORD_BYTES {
                hash.update_from(&mut file)?;
            }
        }
        Ok(())
    };
    match read() {
        Ok(()) => (Ok(()), Ok(hash)),
        Err(error) => (Err(RecordError::Unreadable(error.to_string())), Err(error)),
    }
}

/// Checks the identifier of a crystal, which is the name of its file.
fn check_name(identifier: &str) -> Result<(), RecordError> {
    if identifier.contains(char::REPLACEMENT_CHARACTER) {
        return Err(RecordError::Identifier("the name is not UTF-8".to_owned()));
    }
    check_identifier(identifier)
}

/// Replaces compressed data in `bytes[start..]` by its decompressed content.
fn unpack_tail(bytes: &mut Vec<u8>, start: usize) -> Result<(), RecordError> {
    let packing = Packing::of(bytes.get(start..).unwrap_or_default());
    if packing == Packing::Plain {
        return Ok(());
    }
    let packed = bytes.split_off(start);
    let unpacked = packing.unpack(&packed[..]);
    let read = unpacked.and_then(|stream| stream.take(MAX_RECORD_BYTES as u64 + 1).read_to_end(bytes));
    read.map(|_| ()).map_err(|error| RecordError::Unreadable(error.to_string()))
}
