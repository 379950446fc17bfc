//! Documents: text files, compressed or not, or the only suitable member of a zip archive.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::SourceError;
use super::input::{Progress, Stream, open_stream};
use super::packing::{Packing, strip_ending};
use super::zip_archive::{ZipArchive, is_litter};

/// UTF-8 byte order mark, which some editors and spreadsheets write at the start of a text.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Number of bytes that determine the encoding of a text.
const START_BYTES: usize = 4;

/// Returns the name of a multi-byte encoding, or `None` if the text is encoded in single bytes. Every valid document
/// begins with an ASCII character or a byte order mark, or is empty.
fn wide_encoding(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xff, 0xfe, 0, 0] | [0, 0, 0xfe, 0xff] | [_, 0, 0, 0] | [0, 0, 0, _] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=u8::MAX, 0, ..] | [0, 1..=u8::MAX, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// Checks by its first bytes that a text is not in a multi-byte encoding.
///
/// # Errors
/// Returns [`SourceError::Layout`] if it is.
pub(crate) fn check_encoding(file: &str, start: &[u8]) -> Result<(), SourceError> {
    match wide_encoding(start.get(..START_BYTES).unwrap_or(start)) {
        Some(encoding) => Err(SourceError::layout(file, format!("is {encoding} text; save it as UTF-8"))),
        None => Ok(()),
    }
}

/// A document, extracted from its zip archive if it is in one.
pub(crate) struct Document {
    /// The bytes of the document.
    pub(crate) stream: Stream,
    /// Name of the file in messages: the path, or `path!member` for a member of a zip archive.
    pub(crate) file: Arc<str>,
    /// Name of the document: that of the file or of the archive's member.
    pub(crate) name: String,
}

impl Document {
    /// Creates a document without its byte order mark.
    fn new(mut stream: Stream, file: Arc<str>, name: String) -> Result<Self, SourceError> {
        let mut start = Vec::with_capacity(START_BYTES);
        let read = (&mut stream).take(START_BYTES as u64).read_to_end(&mut start);
        read.map_err(|source| SourceError::read(&file, source))?;
        check_encoding(&file, &start)?;
        if start.starts_with(&BYTE_ORDER_MARK) {
            start.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Self { stream: Box::new(io::Cursor::new(start).chain(stream)), file, name })
    }
}

/// Opens a document (`.json`, `.csv`, ...): a file, compressed or not, or the only member of a zip archive whose name
/// has one of the `endings`.
///
/// # Errors
/// Returns a [`SourceError`] if the file cannot be opened, the archive is damaged, or it does not have exactly one
/// such member.
pub(crate) fn open_document(
    path: &Path,
    endings: &[&str],
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
        if !endings.iter().any(|ending| strip_ending(&name, ending).is_some()) || is_litter(&name) {
            continue;
        }
        if let Some(earlier) = found.replace(member.clone()) {
            let earlier = String::from_utf8_lossy(&earlier.name).into_owned();
            let endings = endings.join(" or ");
            let message = format!("holds several {endings} files ({earlier}, {name}); one is needed");
            return Err(SourceError::layout(&shown, message));
        }
    }
    let Some(member) = found else {
        return Err(SourceError::layout(&shown, format!("holds no {} file", endings.join(" or "))));
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
        let mut document = open_document(path, &[".json"], &Progress::default()).map_err(io::Error::other)?;
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
    fn wide_characters_are_named() {
        for (bytes, encoding) in [
            (b"\xff\xfe[\0]\0".as_slice(), "UTF-16"),
            (b"\xfe\xff\0[\0]", "UTF-16"),
            (b"[\0]\0", "UTF-16"),
            (b"\0[\0]", "UTF-16"),
            (b"\xff\xfe\0\0[\0\0\0", "UTF-32"),
            (b"[\0\0\0]\0\0\0", "UTF-32"),
        ] {
            let (_folder, path) = written("a.json", bytes);
            let error = read_all(&path).expect_err(encoding).to_string();
            assert!(error.contains(encoding) && error.contains("a.json"), "{error}");
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
}
