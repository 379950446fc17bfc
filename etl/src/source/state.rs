//! The state of inputs, by which changes are noticed.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemas::hash::hex;
use sha2::{Digest, Sha256};

use super::SourceError;
use super::folder::FolderWalk;
use super::packing::Packing;

/// The state of an input: its files with sizes and modification times. No file is opened for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputState {
    /// Number of files; 1 unless the input is a folder.
    pub files: u64,
    /// Total size in bytes.
    pub bytes: u64,
    /// SHA-256 of a list of all files, with the path relative to the input, the size and the modification time.
    pub list: String,
    /// Whether the input is read sequentially, so that it can be hashed at the same time.
    pub in_order: bool,
}

/// The state of an input while its files are listed.
#[derive(Debug, Default)]
pub(super) struct StateScan {
    files: u64,
    bytes: u64,
    list: Sha256,
}

impl StateScan {
    /// Adds the next file.
    pub(super) fn add(&mut self, name: &str, metadata: &Metadata) {
        let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |time| time.as_nanos());
        self.files += 1;
        self.bytes += metadata.len();
        self.list.update(name.as_bytes());
        self.list.update([0]);
        self.list.update(metadata.len().to_le_bytes());
        self.list.update(changed.to_le_bytes());
    }

    /// Returns the state after all files were added.
    pub(super) fn finish(self, in_order: bool) -> InputState {
        let Self { files, bytes, list } = self;
        InputState { files, bytes, list: hex(&list.finalize()), in_order }
    }
}

/// Returns the states of inputs that are single files.
///
/// # Errors
/// Returns [`SourceError::Open`] if the metadata of one cannot be read.
pub(super) fn file_states(inputs: &[PathBuf]) -> Result<Vec<InputState>, SourceError> {
    inputs.iter().map(|path| file_state(path)).collect()
}

/// Returns the state of an input that is a single file.
///
/// # Errors
/// Returns [`SourceError::Open`] if its metadata cannot be read.
pub(crate) fn file_state(path: &Path) -> Result<InputState, SourceError> {
    let metadata = fs::metadata(path).map_err(|source| SourceError::open(path, source))?;
    let mut scan = StateScan::default();
    scan.add("", &metadata);
    // Members of a zip archive and parts of a Parquet table are not read sequentially.
    let in_order = !metadata.is_dir() && Packing::of_file(path)? != Packing::Zip;
    Ok(scan.finish(in_order))
}

/// Returns the names of files in an input that were changed, renamed or created after `time`.
///
/// # Errors
/// Returns [`SourceError::Open`] if the metadata of the input cannot be read.
pub(crate) fn changed_since(path: &Path, time: SystemTime) -> Result<Vec<String>, SourceError> {
    let is_newer = |metadata: &Metadata| {
        // A file that was written earlier, but moved or copied here later, has an old modification time.
        let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
        let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
        UNIX_EPOCH + Duration::new(seconds, nanoseconds) > time
            || metadata.modified().is_ok_and(|modified| modified > time)
    };
    let metadata = fs::metadata(path).map_err(|source| SourceError::open(path, source))?;
    if !metadata.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(if is_newer(&metadata) { vec![name] } else { Vec::new() });
    }
    let mut newer = Vec::new();
    let mut walk = FolderWalk::new(path)?;
    while let Some(file) = walk.next_file()? {
        if file.regular && fs::metadata(&file.path).is_ok_and(|metadata| is_newer(&metadata)) {
            newer.push(file.name);
        }
    }
    Ok(newer)
}
