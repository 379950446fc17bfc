//! Input files as streams of bytes: what is compressed is decompressed, what is read is counted.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::SourceError;

/// Buffer between a file and its decompressor.
const FILE_BUFFER_BYTES: usize = 64 << 10;

/// Bytes of the input files read so far, shared by everything that reads them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Adds bytes as stored on disk.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file that counts what is read from it.
#[derive(Debug)]
pub(super) struct CountingFile {
    file: File,
    progress: Progress,
}

impl Read for CountingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.progress.add(count as u64);
        Ok(count)
    }
}

impl Seek for CountingFile {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// A buffered, counted file.
pub(super) type InputFile = BufReader<CountingFile>;

/// A stream of decompressed bytes.
pub(crate) type Stream = Box<dyn Read + Send>;

/// Opens a file for counted reading.
///
/// # Errors
/// [`SourceError::Open`].
pub(super) fn open_file(path: &Path, progress: &Progress) -> Result<InputFile, SourceError> {
    let file = File::open(path).map_err(|source| SourceError::open(path, source))?;
    let file = CountingFile { file, progress: progress.clone() };
    Ok(BufReader::with_capacity(FILE_BUFFER_BYTES, file))
}

/// How a file is packed, told by its first bytes: names lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// As it is.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstandard,
    /// A zip archive.
    Zip,
}

impl Packing {
    /// Packing of a file that starts with `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstandard,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            _ => Self::Plain,
        }
    }

    /// Packing of a file.
    ///
    /// # Errors
    /// [`SourceError::Open`] where the file cannot be opened or read.
    pub(super) fn of_file(path: &Path) -> Result<Self, SourceError> {
        let mut magic = Vec::with_capacity(4);
        File::open(path)
            .and_then(|file| file.take(4).read_to_end(&mut magic))
            .map_err(|source| SourceError::open(path, source))?;
        Ok(Self::of(&magic))
    }
}

/// Opens a file and decompresses gzip and zstd on the way; a zip archive is an error here.
///
/// # Errors
/// [`SourceError`] where the file cannot be opened or is a zip archive.
pub(super) fn open_stream(path: &Path, progress: &Progress) -> Result<Stream, SourceError> {
    let packing = Packing::of_file(path)?;
    let file = open_file(path, progress)?;
    Ok(match packing {
        Packing::Plain => Box::new(file),
        Packing::Gzip => Box::new(MultiGzDecoder::new(file)),
        Packing::Zstandard => {
            Box::new(zstd::Decoder::with_buffer(file).map_err(|source| SourceError::open(path, source))?)
        }
        Packing::Zip => {
            return Err(SourceError::layout(&path.to_string_lossy(), "a zip archive is not read here"));
        }
    })
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
}
