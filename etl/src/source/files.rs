//! Crystals of one file each: in folders, in tar and zip archives, or named one by one.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::entry::check_identifier;
use super::folder::{FolderWalk, WalkedFile};
use super::input::{Packing, Progress, open_stream};
use super::tar_archive::{TarArchive, TarKind};
use super::zip_archive::{ZipArchive, is_litter};
use super::{EmbeddedLabels, MAX_RECORD_BYTES, RawBlock, RecordError, RecordReader, SourceError};
use crate::reject::Origin;

/// Label tables that may lie beside the crystals.
const LABEL_NAMES: [&str; 2] = ["id_prop.csv", "labels.csv"];
/// A label table is held in memory while it is joined; the largest published one, of 800,000 rows, takes a
/// quarter of this.
const MAX_LABEL_BYTES: u64 = 256 << 20;
/// Endings of a tar archive's name, compressed or not.
const TAR_ENDINGS: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.zstd", ".tzst"];

/// Which files a source reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileRule {
    /// What the files are called in messages.
    pub what: &'static str,
    /// Identifier of the file of that name (its folders before it, separated by `/`), `None` where
    /// it is no file of the source.
    pub identifier: fn(&str) -> Option<&str>,
}

/// Last part of a member's or file's name.
pub(crate) fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// `name` without an ending, whatever the ending's case.
pub(super) fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let (rest, last) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    last.eq_ignore_ascii_case(ending).then_some(rest)
}

fn is_tar(path: &Path) -> bool {
    let name = path.to_string_lossy();
    TAR_ENDINGS.iter().any(|ending| strip_ending(&name, ending).is_some())
}

fn is_label_table(name: &str) -> bool {
    LABEL_NAMES.contains(&base_name(name)) && !is_litter(name)
}

/// Where files come from.
pub(super) enum Files {
    Folder(FolderWalk),
    Tar(Box<TarArchive>),
    Zip(Box<ZipArchive>),
    One(Option<PathBuf>),
}

/// Opens one input.
pub(super) fn open_files(path: &Path, rule: &FileRule, progress: &Progress) -> Result<Files, SourceError> {
    let shown = path.to_string_lossy();
    let kind = fs::metadata(path).map_err(|source| SourceError::open(path, source))?;
    if kind.is_dir() {
        return Ok(Files::Folder(FolderWalk::new(path)?));
    }
    if is_tar(path) {
        return Ok(Files::Tar(Box::new(TarArchive::new(open_stream(path, progress)?, &shown))));
    }
    if Packing::of_file(path)? == Packing::Zip {
        return Ok(Files::Zip(Box::new(ZipArchive::open(path, progress)?)));
    }
    if (rule.identifier)(&shown).is_some() {
        return Ok(Files::One(Some(path.to_path_buf())));
    }
    let message = format!("is neither a folder nor a tar or zip archive of {}, nor one of them", rule.what);
    Err(SourceError::layout(&shown, message))
}

/// Bytes of the inputs on disk.
///
/// # Errors
/// [`SourceError`] where one cannot be opened.
pub(super) fn total_bytes(inputs: &[PathBuf]) -> Result<u64, SourceError> {
    let mut total = 0;
    for path in inputs {
        let kind = fs::metadata(path).map_err(|source| SourceError::open(path, source))?;
        if !kind.is_dir() {
            total += kind.len();
            continue;
        }
        let mut walk = FolderWalk::new(path)?;
        while let Some(file) = walk.next_file()? {
            // A file that vanishes meanwhile is met again when it is to be read.
            total += fs::metadata(&file.path).map_or(0, |file| file.len());
        }
    }
    Ok(total)
}

/// Finds the label tables in the inputs: in the folders themselves, anywhere in archives. A tar
/// archive is read through for them.
///
/// # Errors
/// [`SourceError`] where an input cannot be read, or a table is too large to be one.
pub(super) fn embedded_labels(
    inputs: &[PathBuf],
    rule: &FileRule,
) -> Result<Vec<EmbeddedLabels>, SourceError> {
    let mut tables = Vec::new();
    let progress = Progress::default();
    for path in inputs {
        let shown = path.to_string_lossy();
        let member = |name: &str| format!("{shown}!{name}");
        match open_files(path, rule, &progress)? {
            Files::One(_) => {}
            Files::Folder(_) => {
                for name in LABEL_NAMES {
                    let table = path.join(name);
                    match File::open(&table) {
                        Ok(file) => tables.push(read_table(file, table.to_string_lossy().into_owned())?),
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        Err(source) => return Err(SourceError::open(&table, source)),
                    }
                }
            }
            Files::Tar(mut archive) => {
                while let Some(found) = archive.next_member()? {
                    let name = String::from_utf8_lossy(&found.name);
                    if found.kind == TarKind::File && is_label_table(&name) {
                        check_table_size(found.size, &member(&name))?;
                        let mut csv = Vec::new();
                        archive.read_body(&mut csv)?;
                        tables.push(EmbeddedLabels { file: member(&name), csv });
                    }
                }
            }
            Files::Zip(mut archive) => {
                while let Some(found) = archive.next_member()? {
                    let name = String::from_utf8_lossy(&found.name);
                    if is_label_table(&name) {
                        let file = member(&name);
                        check_table_size(found.size, &file)?;
                        let mut csv = Vec::new();
                        let read = archive.read_member(&found, MAX_LABEL_BYTES, &mut csv);
                        read.map_err(|source| SourceError::read(&file, source))?;
                        check_table_size(csv.len() as u64, &file)?;
                        tables.push(EmbeddedLabels { file, csv });
                    }
                }
            }
        }
    }
    Ok(tables)
}

fn check_table_size(size: u64, file: &str) -> Result<(), SourceError> {
    if size > MAX_LABEL_BYTES {
        return Err(SourceError::layout(file, format!("is larger than {MAX_LABEL_BYTES} bytes")));
    }
    Ok(())
}

fn read_table(reader: impl Read, file: String) -> Result<EmbeddedLabels, SourceError> {
    let mut csv = Vec::new();
    let read = reader.take(MAX_LABEL_BYTES + 1).read_to_end(&mut csv);
    read.map_err(|source| SourceError::read(&file, source))?;
    check_table_size(csv.len() as u64, &file)?;
    Ok(EmbeddedLabels { file, csv })
}

/// Reads file after file.
pub(super) struct FilesReader {
    rule: FileRule,
    inputs: VecDeque<PathBuf>,
    current: Option<(PathBuf, Files)>,
    /// Files of the source in the current input.
    record: u64,
    progress: Progress,
}

impl FilesReader {
    /// Stands before the first file of the first input.
    pub(super) fn new(inputs: &[PathBuf], rule: FileRule) -> Self {
        Self {
            rule,
            inputs: inputs.iter().cloned().collect(),
            current: None,
            record: 0,
            progress: Progress::default(),
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
                self.current = Some((path, files));
            }
            let Some((path, files)) = &mut self.current else { break };
            let mut slot = Slot { rule: &self.rule, record: &mut self.record, block: &mut *block };
            let more = match files {
                Files::Folder(walk) => match walk.next_file()? {
                    Some(file) => slot.file(&file, &self.progress),
                    None => false,
                },
                Files::One(file) => match file.take() {
                    Some(path) => slot.file(&WalkedFile { path, regular: true }, &self.progress),
                    None => false,
                },
                Files::Tar(archive) => slot.tar_member(path, archive)?,
                Files::Zip(archive) => slot.zip_member(path, archive)?,
            };
            if !more {
                if self.record == 0 {
                    let file = path.to_string_lossy().into_owned();
                    return Err(SourceError::Empty { file, what: self.rule.what });
                }
                self.current = None;
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.progress.bytes()
    }
}

/// Where the next file of an input goes.
struct Slot<'a> {
    rule: &'a FileRule,
    record: &'a mut u64,
    block: &'a mut RawBlock,
}

impl Slot<'_> {
    /// Takes a file of the disk; always true: there may be another one.
    fn file(&mut self, file: &WalkedFile, progress: &Progress) -> bool {
        let shown = file.path.to_string_lossy();
        self.record(&shown, shown.len(), |block| {
            if !file.regular {
                return Err(RecordError::Unreadable("not a regular file".to_owned()));
            }
            let read = File::open(&file.path)
                .and_then(|file| file.take(MAX_RECORD_BYTES as u64 + 1).read_to_end(&mut block.bytes));
            progress.add(*read.as_ref().unwrap_or(&0) as u64);
            read.map(|_| ()).map_err(|error| RecordError::Unreadable(error.to_string()))
        });
        true
    }

    /// Takes the next member of a tar archive; false at its end.
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
        // Nothing can be read behind a break in a stream.
        broken.map_or(Ok(true), Err)
    }

    /// Takes the next member of a zip archive; false at its end.
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
        if is_litter(&name) {
            return;
        }
        let shown = format!("{}!{name}", archive.to_string_lossy());
        self.record(&shown, name.len(), read);
    }

    /// Appends the record of one file, whose own name is the last `name_bytes` of `shown`, if the
    /// source reads files of that name.
    fn record(
        &mut self,
        shown: &str,
        name_bytes: usize,
        read: impl FnOnce(&mut RawBlock) -> Result<(), RecordError>,
    ) {
        let name = &shown[shown.len() - name_bytes..];
        let Some(identifier) = (self.rule.identifier)(name) else { return };
        *self.record += 1;
        let origin = Origin { file: Arc::from(shown), record: *self.record, line: None };
        let start = self.block.bytes.len();
        self.block.bytes.extend_from_slice(identifier.as_bytes());
        let middle = self.block.bytes.len();
        let unpack = |block: &mut RawBlock| match strip_ending(name, ".gz") {
            Some(_) => unpack_tail(&mut block.bytes, middle),
            None => Ok(()),
        };
        let fits = |block: &mut RawBlock| match block.bytes.len() - middle > MAX_RECORD_BYTES {
            true => Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES }),
            false => Ok(()),
        };
        let checked = check_name(identifier)
            .and_then(|()| read(self.block))
            .and_then(|()| fits(self.block))
            .and_then(|()| unpack(self.block))
            .and_then(|()| fits(self.block));
        match checked {
            Ok(()) => {
                let end = self.block.bytes.len();
                self.block.push_range(origin, start..middle, middle..end);
            }
            Err(error) => {
                self.block.bytes.truncate(start);
                let material_id = check_name(identifier).is_ok().then(|| identifier.to_owned());
                self.block.push_reject(error.reject(material_id, origin));
            }
        }
    }
}

/// A file's identifier is its name, if that was UTF-8.
fn check_name(identifier: &str) -> Result<(), RecordError> {
    if identifier.contains(char::REPLACEMENT_CHARACTER) {
        return Err(RecordError::Identifier("the name is not UTF-8".to_owned()));
    }
    check_identifier(identifier)
}

/// Replaces the gzip data in `bytes[start..]` by what is packed in it.
fn unpack_tail(bytes: &mut Vec<u8>, start: usize) -> Result<(), RecordError> {
    let packed = bytes.split_off(start);
    let read = MultiGzDecoder::new(&packed[..]).take(MAX_RECORD_BYTES as u64 + 1).read_to_end(bytes);
    read.map(|_| ()).map_err(|error| RecordError::Unreadable(error.to_string()))
}
