//! Reading of tar archives member by member from any stream.
//!
//! The formats are POSIX ustar with pax and GNU long names. The headers are parsed by the `tar` crate. Unlike its
//! iterator, this reader does not borrow the stream between members, and it is strict: an archive without its end
//! mark is truncated.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use tar::{EntryType, Header};

use super::SourceError;
use super::input::Stream;

/// Size in bytes of the blocks that headers and bodies are padded to.
const BLOCK_BYTES: u64 = 512;
/// The checksum field of a header, which counts as blanks in the sum.
const CHECKSUM_FIELD: std::ops::Range<usize> = 148..156;
/// Largest size of an extended header in bytes. It holds names and a few numbers.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;
/// Largest size of a member in bytes. A larger one is invalid and would overflow when padded.
const MAX_MEMBER_BYTES: u64 = 1 << 62;
/// Size in bytes of the buffer after the decompressor.
const STREAM_BUFFER_BYTES: usize = 256 << 10;

/// The kind of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TarKind {
    /// A file with content.
    File,
    /// A hard link, symbolic link or sparse file, whose content is not read.
    Other,
}

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TarMember {
    /// Name as stored. It is never used as a path.
    pub name: Vec<u8>,
    /// Size of the content in bytes.
    pub size: u64,
    /// Kind of the member.
    pub kind: TarKind,
}

/// An archive and the position in it.
pub(super) struct TarArchive {
    stream: BufReader<Stream>,
    file: String,
    byte: u64,
    /// Number of unread bytes of the current member and of its padding.
    body: u64,
    padding: u64,
}

impl TarArchive {
    /// Creates a reader at the first member of `stream`. `file` is the name of the archive in errors.
    pub(super) fn new(stream: Stream, file: &str) -> Self {
        let stream = BufReader::with_capacity(STREAM_BUFFER_BYTES, stream);
        Self { stream, file: file.to_owned(), byte: 0, body: 0, padding: 0 }
    }

    /// Skips the rest of the current member and reads the header of the next one. Directories are left out. Returns
    /// `None` at the end.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if the stream or a header is damaged or truncated.
    pub(super) fn next_member(&mut self) -> Result<Option<TarMember>, SourceError> {
        let mut long_name = None;
        let mut pax_size = None;
        loop {
            self.skip(self.body + self.padding)?;
            self.body = 0;
            self.padding = 0;
            let mut block = [0; BLOCK_BYTES as usize];
            self.read_exact(&mut block)?;
            if block.iter().all(|&byte| byte == 0) {
                return self.end().map(|()| None);
            }
            let header = Header::from_byte_slice(&block);
            if header.cksum().ok() != Some(checksum(&block)) {
                return Err(self.damaged("the header's checksum is wrong"));
            }
            let size = header.entry_size().map_err(|error| self.damaged(&error.to_string()))?;
            let kind = header.entry_type();
            let size = pax_size.take_if(|_| !is_extension(kind)).unwrap_or(size);
            if size > MAX_MEMBER_BYTES {
                return Err(self.damaged("a member is larger than any file"));
            }
            self.body = size;
            self.padding = size.next_multiple_of(BLOCK_BYTES) - size;
            match kind {
                EntryType::GNULongName => {
                    let mut name = self.extension()?;
                    name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
                    long_name = Some(name);
                }
                EntryType::XHeader => {
                    let extension = self.extension()?;
                    let mut records = extension.as_slice();
                    while records.iter().any(|&byte| byte != 0) {
                        let Some((key, value)) = split_pax(&mut records) else {
                            return Err(self.damaged("a malformed record in an extended header"));
                        };
                        match key {
                            b"path" => long_name = Some(value.to_vec()),
                            b"size" => match parsed(value) {
                                Some(size) => pax_size = Some(size),
                                None => return Err(self.damaged("a size in an extended header is no number")),
                            },
                            _ => {}
                        }
                    }
                }
                _ if is_extension(kind) || kind == EntryType::Directory => {}
                _ => {
                    let name = long_name.take().map_or_else(|| header.path_bytes(), Cow::Owned).into_owned();
                    let file = matches!(kind, EntryType::Regular | EntryType::Continuous);
                    return Ok(Some(TarMember {
                        name,
                        size,
                        kind: if file { TarKind::File } else { TarKind::Other },
                    }));
                }
            }
            if !is_extension(kind) {
                long_name = None;
            }
        }
    }

    /// Appends the content of the current member to `bytes`.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if the stream is truncated or cannot be decompressed.
    pub(super) fn read_body(&mut self, bytes: &mut Vec<u8>) -> Result<(), SourceError> {
        let size = std::mem::take(&mut self.body);
        let read = (&mut self.stream).take(size).read_to_end(bytes);
        let read = read.map_err(|source| SourceError::read(&self.file, source))? as u64;
        self.byte += read;
        if read < size { Err(self.damaged("the archive ends early")) } else { Ok(()) }
    }

    /// Returns the content of an extended header.
    fn extension(&mut self) -> Result<Vec<u8>, SourceError> {
        if self.body > MAX_EXTENSION_BYTES {
            return Err(self.damaged("an extended header is too large"));
        }
        let mut bytes = Vec::new();
        self.read_body(&mut bytes)?;
        Ok(bytes)
    }

    fn damaged(&self, message: &str) -> SourceError {
        SourceError::Archive { file: self.file.clone(), byte: self.byte, message: message.to_owned() }
    }

    fn read_exact(&mut self, block: &mut [u8]) -> Result<(), SourceError> {
        match self.stream.read_exact(block) {
            Ok(()) => {
                self.byte += block.len() as u64;
                Ok(())
            }
            Err(error) => Err(self.ends(error)),
        }
    }

    fn ends(&self, error: io::Error) -> SourceError {
        // The error of the decompressor is more informative than the number of missing bytes.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            self.damaged("the archive ends early")
        } else {
            SourceError::read(&self.file, error)
        }
    }

    fn skip(&mut self, mut bytes: u64) -> Result<(), SourceError> {
        while bytes > 0 {
            let available = match self.stream.fill_buf() {
                Ok([]) => return Err(self.damaged("the archive ends early")),
                Ok(buffer) => buffer.len() as u64,
                Err(error) => return Err(self.ends(error)),
            };
            let step = available.min(bytes);
            self.stream.consume(step as usize);
            self.byte += step;
            bytes -= step;
        }
        Ok(())
    }

    /// Checks that only zeros follow the end mark. Reading them verifies the compression to its end.
    fn end(&mut self) -> Result<(), SourceError> {
        loop {
            let count = match self.stream.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(buffer) if buffer.iter().all(|&byte| byte == 0) => buffer.len(),
                Ok(_) => return Err(self.damaged("data after the end mark")),
                Err(error) => return Err(self.ends(error)),
            };
            self.stream.consume(count);
            self.byte += count as u64;
        }
    }
}

/// Splits a record `<length> <key>=<value>` and its line end off the front of an extended header. The length is that of
/// the whole record, so that a value may have line ends of its own.
fn split_pax<'a>(records: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let all: &'a [u8] = records;
    let blank = memchr::memchr(b' ', all)?;
    let length = usize::try_from(parsed(all.get(..blank)?)?).ok()?;
    let (record, rest) = all.split_at_checked(length)?;
    let pair = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', pair)?;
    *records = rest;
    Some((pair.get(..equals)?, pair.get(equals + 1..)?))
}

/// Returns the number that is written in decimal digits.
fn parsed(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether a header describes the following member instead of one of its own.
fn is_extension(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader | EntryType::XGlobalHeader
    )
}

/// Returns the sum of a header's bytes, with its checksum field as blanks.
fn checksum(block: &[u8]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let field = block.get(CHECKSUM_FIELD).unwrap_or_default();
    sum(block) - sum(field) + field.len() as u32 * u32::from(b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, body) in members {
            let mut header = Header::new_gnu();
            header.set_size(body.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *body).expect("in memory");
        }
        builder.into_inner().expect("in memory")
    }

    fn members(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut archive = TarArchive::new(Box::new(io::Cursor::new(bytes.to_vec())), "a.tar");
        let mut found = Vec::new();
        while let Some(member) = archive.next_member().map_err(|error| error.to_string())? {
            let mut body = Vec::new();
            // Every other body is skipped, so that both ways over a member are walked.
            if found.len() % 2 == 0 {
                archive.read_body(&mut body).map_err(|error| error.to_string())?;
            }
            found.push((String::from_utf8_lossy(&member.name).into_owned(), body));
        }
        Ok(found)
    }

    #[test]
    fn members_come_in_order_with_long_names() {
        let long = format!("{}/a.cif", "folder".repeat(40));
        let found = members(&archive(&[("a.cif", b"first"), ("b.cif", b"second"), (&long, b"third")]));
        let expected = [("a.cif", "first"), ("b.cif", ""), (long.as_str(), "third")]
            .map(|(name, body)| (name.to_owned(), body.as_bytes().to_vec()));
        assert_eq!(found, Ok(expected.to_vec()));
    }

    #[test]
    fn pax_names_and_sizes_hold() {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions([("path", "söme/näme.cif".as_bytes())]).expect("in memory");
        let mut header = Header::new_ustar();
        header.set_size(3);
        builder.append_data(&mut header, "short", &b"abc"[..]).expect("in memory");
        let found = members(&builder.into_inner().expect("in memory"));
        assert_eq!(found, Ok(vec![("söme/näme.cif".to_owned(), b"abc".to_vec())]));
    }

    #[test]
    fn malformed_pax_records_are_damage() {
        let named = |records: &[u8]| {
            let mut builder = tar::Builder::new(Vec::new());
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::XHeader);
            header.set_size(records.len() as u64);
            header.set_cksum();
            builder.append(&header, records).expect("in memory");
            let mut header = Header::new_ustar();
            header.set_size(3);
            builder.append_data(&mut header, "short", &b"abc"[..]).expect("in memory");
            let found = members(&builder.into_inner().expect("in memory"));
            found.map(|members| members.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        for records in ["10 path=a\n", "11 x=1\n2=3\n10 path=a\n", "10 path=a\n\0\0"] {
            assert_eq!(named(records.as_bytes()), Ok(vec!["a".to_owned()]), "{records:?}");
        }
        for (records, message) in [
            ("11 path=a\n", "a malformed record"),
            ("10 path-a\n", "a malformed record"),
            ("path=a\n", "a malformed record"),
            ("10 path=a\nx", "a malformed record"),
            ("9 size=x\n", "a size in an extended header is no number"),
        ] {
            let error = named(records.as_bytes()).expect_err(records);
            assert!(error.contains(message), "{records:?}: {error}");
        }
    }

    #[test]
    fn every_truncation_is_noticed() {
        let bytes = archive(&[("a.cif", &[b'x'; 600]), ("b.cif", b"y")]);
        for cut in 0..bytes.len() - 1024 {
            assert!(members(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert!(members(&bytes).is_ok());
    }

    #[test]
    fn any_damage_ends_without_panic() {
        let bytes = archive(&[("a.cif", &[b'x'; 100])]);
        for at in 0..512 {
            for value in [0, b'7', 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let _ = members(&damaged);
            }
        }
    }

    #[test]
    fn links_are_no_files() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "a.cif", "/etc/passwd").expect("in memory");
        let bytes = builder.into_inner().expect("in memory");
        let mut archive = TarArchive::new(Box::new(io::Cursor::new(bytes)), "a.tar");
        let member = archive.next_member().expect("readable").expect("a member");
        assert_eq!((member.kind, member.name.as_slice()), (TarKind::Other, b"a.cif".as_slice()));
    }
}
