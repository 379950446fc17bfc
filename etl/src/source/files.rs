//! Inputs that hold crystals of one file each: folders, tar and zip archives, and such files.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::SourceError;
use super::folder::FolderWalk;
use super::input::{Progress, open_stream};
use super::packing::{Packing, strip_ending, strip_packing};
use super::tar_archive::TarArchive;
use super::zip_archive::ZipArchive;

/// Endings of a tar archive's name, behind which that of its packing may stand.
const TAR_ENDINGS: [&str; 7] = [".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tzstd"];
/// Ending of a zip archive's name.
const ZIP_ENDING: &str = ".zip";

/// What a tar header has at this byte, whatever the archive is called.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

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
    let folders = memchr::memrchr2(b'/', b'\\', name.as_bytes()).map_or(0, |at| at + 1);
    name.get(folders..).unwrap_or(name)
}

/// An archive's name without its ending and that of its packing; `None` if it is no archive's.
pub(super) fn strip_archive(name: &str) -> Option<&str> {
    let name = strip_packing(name);
    TAR_ENDINGS.iter().chain([&ZIP_ENDING]).find_map(|ending| strip_ending(name, ending))
}

fn is_tar(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let name = strip_packing(&name);
    TAR_ENDINGS.iter().any(|ending| strip_ending(name, ending).is_some())
}

/// Where files come from.
pub(super) enum Files {
    Folder(FolderWalk),
    Tar(Box<TarArchive>),
    Zip(Box<ZipArchive>),
    One(Option<PathBuf>),
}

/// Opens one input.
///
/// # Errors
/// [`SourceError`] where it cannot be opened, or is nothing that holds such files.
pub(super) fn open_files(path: &Path, rule: &FileRule, progress: &Progress) -> Result<Files, SourceError> {
    let shown = path.to_string_lossy();
    let kind = fs::metadata(path).map_err(|source| SourceError::open(path, source))?;
    if kind.is_dir() {
        return Ok(Files::Folder(FolderWalk::new(path)?));
    }
    match Packing::of_file(path)? {
        Packing::Zip => return Ok(Files::Zip(Box::new(ZipArchive::open(path, progress)?))),
        packing @ Packing::Unread(_) => return Err(SourceError::layout(&shown, packing.refusal())),
        _ => {}
    }
    if is_tar(path) {
        return Ok(Files::Tar(Box::new(TarArchive::new(open_stream(path, progress)?, &shown))));
    }
    if (rule.identifier)(&shown).is_some() {
        return Ok(Files::One(Some(path.to_path_buf())));
    }
    let mut stream = open_stream(path, progress)?;
    let mut start = Vec::new();
    let (at, magic) = TAR_MAGIC;
    let read = (&mut stream).take((at + magic.len()) as u64).read_to_end(&mut start);
    read.map_err(|source| SourceError::read(&shown, source))?;
    if start.get(at..) == Some(magic) {
        let whole = Box::new(Cursor::new(start).chain(stream));
        return Ok(Files::Tar(Box::new(TarArchive::new(whole, &shown))));
    }
    let message = format!("is neither a folder nor a tar or zip archive of {}, nor one of them", rule.what);
    Err(SourceError::layout(&shown, message))
}
