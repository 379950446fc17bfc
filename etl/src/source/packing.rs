//! Detection of the compression of a file by its first bytes. Names are not reliable.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::SourceError;

/// Number of bytes that are examined.
const MAGIC_BYTES: usize = 10;
/// Extensions that a compressed file's name has after its own extension.
pub(super) const PACKED_ENDINGS: [&str; 5] = [".gz", ".bz2", ".xz", ".zst", ".zstd"];
/// Extensions of JSON documents and JSON lines.
pub(super) const JSON_ENDINGS: [&str; 3] = [".json", ".jsonl", ".ndjson"];
/// Memory limit for the dictionary of an xz stream, in KiB. `xz -9` takes 65 MiB. A stream that needs more is
/// refused.
const XZ_MEMORY_KIB: u32 = 128 << 10;

/// The compression of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not compressed.
    Plain,
    /// Gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstandard,
    /// `bzip2`.
    Bzip2,
    /// `xz`.
    Xz,
    /// A zip archive.
    Zip,
    /// An unsupported archive or compression, by name.
    Unread(&'static str),
}

impl Packing {
    /// Returns the compression of data that starts with `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstandard,
            // The signature of a block or of the end of an empty stream. A text may also begin with "BZh1".
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::Unread("7z"),
            [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Self::Unread("RAR"),
            [b'L', b'Z', b'I', b'P', 0 | 1, ..] => Self::Unread("lzip"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Unread("LZ4"),
            [0x5d, 0, 0, ..] => Self::Unread("LZMA"),
            [0x1f, 0x9d, ..] => Self::Unread("compress (.Z)"),
            _ => Self::Plain,
        }
    }

    /// Returns the compression of a file.
    ///
    /// # Errors
    /// Returns [`SourceError::Open`] if the file cannot be opened or read.
    pub(super) fn of_file(path: &Path) -> Result<Self, SourceError> {
        let mut magic = Vec::with_capacity(MAGIC_BYTES);
        File::open(path)
            .and_then(|file| file.take(MAGIC_BYTES as u64).read_to_end(&mut magic))
            .map_err(|source| SourceError::open(path, source))?;
        Ok(Self::of(&magic))
    }

    /// Decompresses `packed`. Several concatenated streams count as one, and truncated data is an error.
    ///
    /// # Errors
    /// Returns an [`io::Error`] if the data is an archive or compressed in an unsupported way.
    pub(super) fn unpack<'a>(
        self,
        packed: impl BufRead + Send + 'a,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::Plain => Box::new(packed),
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Zstandard => Box::new(zstd::Decoder::with_buffer(packed)?),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
            Self::Xz => Box::new(XzReader::new_mem_limit(packed, true, XZ_MEMORY_KIB)),
            Self::Zip | Self::Unread(_) => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, self.refusal()));
            }
        })
    }

    /// Returns the message about data in this unsupported form.
    pub(super) fn refusal(self) -> String {
        match self {
            Self::Unread(name) => {
                format!("is packed as {name}, which is not read here; .zip, .gz, .bz2, .xz and .zst are")
            }
            _ => "is a zip archive, which is not read here".to_owned(),
        }
    }
}

/// Removes the extension of a compression from a name.
pub(super) fn strip_packing(name: &str) -> &str {
    // Most names have no such extension, and every name is tested several times.
    if !matches!(name.as_bytes().last(), Some(b'z' | b'Z' | b'2' | b't' | b'T' | b'd' | b'D')) {
        return name;
    }
    PACKED_ENDINGS.iter().find_map(|ending| strip_ending(name, ending)).unwrap_or(name)
}

/// Removes an extension from `name`, regardless of its case. Returns `None` if `name` does not have it.
pub(super) fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let (rest, last) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    last.eq_ignore_ascii_case(ending).then_some(rest)
}

/// Whether a name is that of a JSON file, compressed or not.
pub(crate) fn is_json(name: &str) -> bool {
    let name = strip_packing(name);
    JSON_ENDINGS.iter().any(|ending| strip_ending(name, ending).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same text twice as `bzip2` and `xz` pack it.
    const TWICE: &[u8] = b"data_x data_x ";
    /// `printf 'data_x ' | bzip2 -9`
    const BZIP2: &[u8] = include_bytes!("tests/packed/word.bz2");
    /// `printf 'data_x ' | xz`
    const XZ: &[u8] = include_bytes!("tests/packed/word.xz");

    fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Packing::of(packed).unpack(packed)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn streams_that_follow_each_other_are_one() {
        for (stream, packing) in [(BZIP2, Packing::Bzip2), (XZ, Packing::Xz)] {
            assert_eq!(Packing::of(stream), packing);
            assert_eq!(unpacked(&stream.repeat(2)).expect("readable"), TWICE);
        }
    }

    #[test]
    fn every_truncation_is_noticed() {
        for stream in [BZIP2, XZ] {
            for cut in MAGIC_BYTES..stream.len() {
                assert!(unpacked(&stream[..cut]).is_err(), "cut at {cut} of {}", stream.len());
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        for stream in [BZIP2, XZ] {
            for at in MAGIC_BYTES..stream.len() {
                let mut damaged = stream.to_vec();
                damaged[at] ^= 4;
                let read = unpacked(&damaged);
                assert!(read.is_err() || read.is_ok_and(|bytes| bytes == TWICE[..7]), "flipped at {at}");
            }
        }
    }

    #[test]
    fn a_dictionary_beyond_the_limit_is_refused() {
        // `xz --lzma2=dict=256MiB`, which needs as much to be unpacked.
        let error = unpacked(include_bytes!("tests/packed/large-dictionary.xz")).expect_err("too large");
        assert!(error.to_string().contains("mem"), "{error}");
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (bytes, name) in [(b"7z\xbc\xaf\x27\x1c\0\x04".as_slice(), "7z"), (b"Rar!\x1a\x07\0", "RAR")] {
            let error = unpacked(bytes).expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
        }
        assert_eq!(Packing::of(b"BZh1 is a comment"), Packing::Plain);
    }
}
