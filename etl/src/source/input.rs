//! Input files as streams of bytes: what is compressed is decompressed, what is read is counted.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::SourceError;
use super::zip_archive::{ZipArchive, is_litter};

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

/// Byte order mark that some editors and spreadsheets leave in front of a text.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

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

/// A single document, taken out of its zip archive where it is in one.
pub(crate) struct Document {
    /// The document's bytes.
    pub(crate) stream: Stream,
    /// The file as messages name it: the path, `path!member` for a member of a zip archive.
    pub(crate) file: Arc<str>,
    /// Name of the document itself: of the file, or of the archive's member.
    pub(crate) name: String,
}

impl Document {
    /// A document without its byte order mark.
    fn new(mut stream: Stream, file: Arc<str>, name: String) -> Result<Self, SourceError> {
        let mut start = Vec::with_capacity(BYTE_ORDER_MARK.len());
        let read = (&mut stream).take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start);
        read.map_err(|source| SourceError::read(&file, source))?;
        if start == BYTE_ORDER_MARK {
            start.clear();
        }
        Ok(Self { stream: Box::new(io::Cursor::new(start).chain(stream)), file, name })
    }
}

/// Opens a document (`.json`, `.csv`, ...): a plain, gzip or zstd file, or the only member of a
/// zip archive whose name ends in `extension`.
///
/// # Errors
/// [`SourceError`] where the file cannot be opened, the archive is damaged, or it does not hold
/// exactly one such member.
pub(crate) fn open_document(
    path: &Path,
    extension: &str,
    progress: &Progress,
) -> Result<Document, SourceError> {
    let shown = path.to_string_lossy();
    if Packing::of_file(path)? != Packing::Zip {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Document::new(open_stream(path, progress)?, Arc::from(&*shown), name);
    }
    let mut archive = ZipArchive::open(path, progress)?;
    let mut found = None;
    while let Some(member) = archive.next_member()? {
        let name = String::from_utf8_lossy(&member.name);
        if !name.to_ascii_lowercase().ends_with(extension) || is_litter(&name) {
            continue;
        }
        if let Some(earlier) = found.replace(member.clone()) {
            let earlier = String::from_utf8_lossy(&earlier.name).into_owned();
            let message = format!("holds several {extension} files ({earlier}, {name}); one is needed");
            return Err(SourceError::layout(&shown, message));
        }
    }
    let Some(member) = found else {
        return Err(SourceError::layout(&shown, format!("holds no {extension} file")));
    };
    let name = String::from_utf8_lossy(&member.name).into_owned();
    let file: Arc<str> = Arc::from(format!("{shown}!{name}"));
    let stream = archive.into_stream(&member).map_err(|source| SourceError::read(&file, source))?;
    Document::new(stream, file, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        (folder, path)
    }

    fn read_all(path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut document = open_document(path, ".json", &Progress::default()).map_err(io::Error::other)?;
        document.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn the_packing_is_told_by_the_bytes() {
        let text = b"[1, 2, 3]".repeat(1000);
        let zstd = zstd::encode_all(&text[..], 3).expect("in memory");
        for (name, bytes) in [("a.json", text.clone()), ("b.json", gzip(&text)), ("c.json.gz", zstd)] {
            let (_folder, path) = written(name, &bytes);
            assert_eq!(read_all(&path).expect("readable"), text, "{name}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_left_out_and_nothing_else_is() {
        for (bytes, expected) in [("\u{feff}[]", "[]"), ("\u{f000}[]", "\u{f000}[]"), ("", ""), ("[", "[")] {
            let (_folder, path) = written("a.json", bytes.as_bytes());
            assert_eq!(read_all(&path).expect("readable"), expected.as_bytes());
        }
    }

    #[test]
    fn truncated_compression_is_an_error() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let zstd = zstd::encode_all(&text[..], 3).expect("in memory");
        for bytes in [gzip(&text), zstd] {
            for cut in [bytes.len() / 2, bytes.len() - 1] {
                let (_folder, path) = written("a.json", &bytes[..cut]);
                assert!(read_all(&path).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn every_byte_on_disk_is_counted() {
        let packed = gzip(&b"[1, 2, 3]".repeat(1000));
        let (_folder, path) = written("a.json.gz", &packed);
        let progress = Progress::default();
        let mut stream = open_stream(&path, &progress).expect("a stream");
        io::copy(&mut stream, &mut io::sink()).expect("readable");
        assert_eq!(progress.bytes(), packed.len() as u64);
    }
}
