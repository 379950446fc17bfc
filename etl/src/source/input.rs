//! Input files as byte streams that are decompressed and counted.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use schemas::regular::refuse_hollow;

use super::SourceError;
use super::hashes::{FileHash, FolderHash, Hashes};
use super::packing::Packing;

/// Size in bytes of the buffer between a file and its decompressor.
const FILE_BUFFER_BYTES: usize = 64 << 10;

/// The progress of reading the input files, shared by all their readers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicU64,
    /// Set once the hashes are requested.
    hashes: OnceLock<Mutex<Hashes>>,
}

impl Progress {
    /// Adds a number of bytes as stored on disk.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the number of bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Requests hashes of all files that are opened from now on.
    pub(crate) fn hash(&self) {
        self.0.hashes.get_or_init(Mutex::default);
    }

    /// Whether hashes are requested.
    pub(super) fn hashes(&self) -> bool {
        self.0.hashes.get().is_some()
    }

    fn hashed(&self) -> Option<MutexGuard<'_, Hashes>> {
        Some(self.0.hashes.get()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records a file that was read up to some position.
    pub(super) fn hashed_file(&self, path: PathBuf, hash: FileHash) {
        if let Some(mut hashes) = self.hashed() {
            hashes.file(path, hash);
        }
    }

    /// Records a folder that was read completely.
    pub(super) fn hashed_folder(&self, path: PathBuf, hash: FolderHash) {
        if let Some(mut hashes) = self.hashed() {
            hashes.folder(path, hash);
        }
    }

    /// Returns the SHA-256 and size of an input. The unread rest is read for that.
    ///
    /// # Errors
    /// Returns [`SourceError::Open`] if it cannot be read.
    pub(crate) fn finish(&self, path: &Path) -> Result<(String, u64), SourceError> {
        self.hashed().as_deref().unwrap_or(&Hashes::default()).finish(path)
    }
}

/// A file whose bytes are counted, and hashed if requested, while they are read.
#[derive(Debug)]
pub(super) struct CountingFile {
    file: File,
    progress: Progress,
    /// Path and hash, as long as the file is read sequentially from its start.
    hash: Option<(PathBuf, FileHash)>,
}

impl Read for CountingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.progress.add(count as u64);
        if let Some((_, hash)) = &mut self.hash {
            hash.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

impl Seek for CountingFile {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.hash = None;
        self.file.seek(position)
    }
}

impl Drop for CountingFile {
    fn drop(&mut self) {
        if let Some((path, hash)) = self.hash.take() {
            self.progress.hashed_file(path, hash);
        }
    }
}

/// A buffered file with counting.
pub(super) type InputFile = BufReader<CountingFile>;

/// A stream of decompressed bytes.
pub(crate) type Stream = Box<dyn Read + Send>;

/// Opens a file for reading with counting.
///
/// # Errors
/// Returns [`SourceError::Open`] if it cannot be opened.
pub(super) fn open_file(path: &Path, progress: &Progress) -> Result<InputFile, SourceError> {
    let fault = |source| SourceError::open(path, source);
    let file = File::open(path).map_err(fault)?;
    refuse_hollow(&file).map_err(fault)?;
    let hash = progress.hashes().then(|| (path.to_path_buf(), FileHash::default()));
    let file = CountingFile { file, progress: progress.clone(), hash };
    Ok(BufReader::with_capacity(FILE_BUFFER_BYTES, file))
}

/// Opens a file as a decompressed stream. An archive is an error.
///
/// # Errors
/// Returns a [`SourceError`] if the file cannot be opened, is an archive, or is compressed in an unsupported way.
pub(super) fn open_stream(path: &Path, progress: &Progress) -> Result<Stream, SourceError> {
    let packing = Packing::of_file(path)?;
    if matches!(packing, Packing::Zip | Packing::Unread(_)) {
        return Err(SourceError::layout(&path.to_string_lossy(), packing.refusal()));
    }
    packing.unpack(open_file(path, progress)?).map_err(|source| SourceError::open(path, source))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_byte_on_disk_is_counted() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&b"[1, 2, 3]".repeat(1000)).expect("in memory");
        let packed = encoder.finish().expect("in memory");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json.gz");
        std::fs::write(&path, &packed).expect("a file");
        let progress = Progress::default();
        let mut stream = open_stream(&path, &progress).expect("a stream");
        io::copy(&mut stream, &mut io::sink()).expect("readable");
        assert_eq!(progress.bytes(), packed.len() as u64);
    }

    #[test]
    fn what_is_read_is_hashed_and_what_is_not_read_too() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), b"0123456789".repeat(100_000)).expect("a file");
        let expected = Progress::default().finish(file.path()).expect("readable");
        for bytes in [0, 10, 1_000_000] {
            let progress = Progress::default();
            progress.hash();
            let stream = open_stream(file.path(), &progress).expect("a stream");
            io::copy(&mut stream.take(bytes), &mut io::sink()).expect("readable");
            assert_eq!(progress.finish(file.path()).expect("readable"), expected);
        }
    }
}
