//! Inputs with one file per crystal: folders, tar and zip archives, and single files.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::SourceError;
use super::folder::FolderWalk;
use super::input::{Progress, open_stream};
use super::packing::{Packing, strip_ending, strip_packing};
use super::tar_archive::TarArchive;
use super::zip_archive::ZipArchive;

/// Extensions of a tar archive's name. That of a compression may follow.
const TAR_ENDINGS: [&str; 7] = [".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tzstd"];
/// Extension of a zip archive's name.
const ZIP_ENDING: &str = ".zip";

/// Offset and content of the signature in a tar header.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

/// The files that a source reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileRule {
    /// Name of the files in messages.
    pub what: &'static str,
    /// Returns the identifier of a file from its name, which may include folders separated by `/`, or `None` if the
    /// file does not belong to the source.
    pub identifier: fn(&str) -> Option<&str>,
}

/// Returns the last component of a member's or file's name.
pub(crate) fn base_name(name: &str) -> &str {
    let folders = memchr::memrchr2(b'/', b'\\', name.as_bytes()).map_or(0, |at| at + 1);
    name.get(folders..).unwrap_or(name)
}

/// Removes the extension of an archive and of its compression from a name. Returns `None` if it is not the name of an
/// archive.
pub(super) fn strip_archive(name: &str) -> Option<&str> {
    let name = strip_packing(name);
    TAR_ENDINGS.iter().chain([&ZIP_ENDING]).find_map(|ending| strip_ending(name, ending))
}

fn is_tar(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let name = strip_packing(&name);
    TAR_ENDINGS.iter().any(|ending| strip_ending(name, ending).is_some())
}

/// A place that contains files.
pub(super) enum Files {
    Folder(FolderWalk),
    Tar(Box<TarArchive>),
    Zip(Box<ZipArchive>),
    One(Option<PathBuf>),
}

/// Opens an input.
///
/// # Errors
/// Returns a [`SourceError`] if it cannot be opened or cannot contain such files.
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
