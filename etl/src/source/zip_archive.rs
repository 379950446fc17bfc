//! Reading of zip archives member by member.
//!
//! The central directory is read as a stream, so an archive of a million small files takes no more memory than one of
//! ten, and two members may have the same name. The layout is that of PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4,
//! including zip64 but not encryption or multi-disk archives.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::SourceError;
use super::input::{InputFile, Progress, Stream, open_file};
use super::zip_member::{Unpacker, ZipMember, member_stream, u16_at};
use super::zip_spans::Spans;

/// End of central directory record: signature, and size without the comment (APPNOTE 4.3.16).
const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
/// Largest size of the comment after it, whose length has 16 bits.
const MAX_COMMENT_BYTES: u64 = 0xffff;
/// Zip64 end of central directory locator and record (APPNOTE 4.3.15, 4.3.14).
const LOCATOR_SIGNATURE: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_BYTES: u64 = 20;
const END64_SIGNATURE: [u8; 4] = *b"PK\x06\x06";
const END64_BYTES: usize = 56;
/// Central directory file header (APPNOTE 4.3.12).
const CENTRAL_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
const CENTRAL_BYTES: usize = 46;
/// Size of a local file header without the name (APPNOTE 4.3.7).
const LOCAL_BYTES: u64 = 30;
/// Extra field with 64-bit sizes (APPNOTE 4.5.3).
const ZIP64_EXTRA: u16 = 1;
/// Value of a 32-bit field whose content is in the zip64 extra field.
const IN_ZIP64: u64 = 0xffff_ffff;

/// An archive and the position in its central directory.
#[derive(Debug)]
pub(super) struct ZipArchive {
    path: PathBuf,
    directory: InputFile,
    bodies: InputFile,
    entries: u64,
    next: u64,
    unpacker: Unpacker,
    /// Byte ranges of the members that were read.
    spans: Spans,
}

impl ZipArchive {
    /// Opens an archive and finds its central directory.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if the file cannot be opened or has no central directory, because it is truncated or
    /// not a zip archive.
    pub(super) fn open(path: &Path, progress: &Progress) -> Result<Self, SourceError> {
        let mut directory = open_file(path, &Progress::default())?;
        let bodies = open_file(path, progress)?;
        let (start, entries) = find_directory(&mut directory).map_err(|fault| fault.at(path))?;
        directory.seek(SeekFrom::Start(start)).map_err(|source| SourceError::open(path, source))?;
        Ok(Self {
            path: path.to_path_buf(),
            directory,
            bodies,
            entries,
            next: 0,
            unpacker: Unpacker::default(),
            spans: Spans::default(),
        })
    }

    /// Returns the next member in the order of the central directory. Directories are left out.
    ///
    /// # Errors
    /// Returns [`SourceError::Archive`] if the central directory is damaged.
    pub(super) fn next_member(&mut self) -> Result<Option<ZipMember>, SourceError> {
        while self.next < self.entries {
            self.next += 1;
            let member = read_central(&mut self.directory).map_err(|fault| fault.at(&self.path))?;
            if !member.name.ends_with(b"/") {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }

    /// Appends the content of a member to `bytes`, up to one byte more than `limit`.
    ///
    /// # Errors
    /// Returns an [`io::Error`] if the member is damaged or encrypted, its compression is not supported, or its bytes
    /// are also those of a member that was read before.
    pub(super) fn read_member(
        &mut self,
        member: &ZipMember,
        limit: u64,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        let end = member.header.saturating_add(LOCAL_BYTES + member.name.len() as u64);
        if !self.spans.take(member.header, end.saturating_add(member.compressed)) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its bytes are those of another member, too",
            ));
        }
        self.unpacker.unpack(&mut self.bodies, member, limit, bytes)
    }

    /// Returns the content of a member as a stream that owns the archive's file.
    ///
    /// # Errors
    /// Returns the errors of [`ZipArchive::read_member`].
    pub(super) fn into_stream(self, member: &ZipMember) -> io::Result<Stream> {
        Ok(Box::new(member_stream(self.bodies, member)?))
    }
}

/// Whether a member is one that file managers leave behind.
pub(super) fn is_litter(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("__MACOSX/") || base.starts_with("._") || base == ".DS_Store"
}

/// An error in the central directory.
struct Fault {
    byte: u64,
    message: String,
}

impl Fault {
    fn at(self, path: &Path) -> SourceError {
        SourceError::Archive {
            file: path.to_string_lossy().into_owned(),
            byte: self.byte,
            message: self.message,
        }
    }
}

fn fault(byte: u64, message: impl Into<String>) -> Fault {
    Fault { byte, message: message.into() }
}

fn read_at<const N: usize>(file: &mut InputFile, byte: u64) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(byte))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(|error| fault(byte, error.to_string()))?;
    Ok(bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Returns the offset of the central directory and its number of entries.
fn find_directory(file: &mut InputFile) -> Result<(u64, u64), Fault> {
    let size = file.seek(SeekFrom::End(0)).map_err(|error| fault(0, error.to_string()))?;
    let tail_start = size.saturating_sub(END_BYTES as u64 + MAX_COMMENT_BYTES);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(tail_start))
        .and_then(|_| file.read_to_end(&mut tail))
        .map_err(|error| fault(tail_start, error.to_string()))?;
    let end = tail
        .windows(END_BYTES)
        .rposition(|window| window.starts_with(&END_SIGNATURE))
        .ok_or_else(|| fault(size, "no central directory: the file is cut short or no zip archive"))?;
    let record = &tail[end..];
    let end = tail_start + end as u64;
    let (entries, bytes, start) =
        (u64::from(u16_at(record, 10)), u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
    let (entries, bytes, start) = match zip64_directory(file, end)? {
        Some(directory) => directory,
        None => (entries, bytes, start),
    };
    match start.checked_add(bytes) {
        Some(stop) if stop <= end => Ok((start, entries)),
        _ => Err(fault(end, "the central directory lies outside the file: it is cut short")),
    }
}

/// Returns the number of entries, size and offset of the central directory from the zip64 record, if there is one.
fn zip64_directory(file: &mut InputFile, end: u64) -> Result<Option<(u64, u64, u64)>, Fault> {
    let Some(locator_at) = end.checked_sub(LOCATOR_BYTES) else { return Ok(None) };
    let locator: [u8; LOCATOR_BYTES as usize] = read_at(file, locator_at)?;
    if !locator.starts_with(&LOCATOR_SIGNATURE) {
        return Ok(None);
    }
    let record_at = u64_at(&locator, 8);
    let record: [u8; END64_BYTES] = read_at(file, record_at)?;
    if !record.starts_with(&END64_SIGNATURE) {
        return Err(fault(record_at, "no zip64 end record"));
    }
    Ok(Some((u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48))))
}

/// Reads the entry of the central directory at the position of `file`.
fn read_central(file: &mut InputFile) -> Result<ZipMember, Fault> {
    let at = file.stream_position().map_err(|error| fault(0, error.to_string()))?;
    let damaged = |error: io::Error| fault(at, error.to_string());
    let mut header = [0; CENTRAL_BYTES];
    file.read_exact(&mut header).map_err(damaged)?;
    if !header.starts_with(&CENTRAL_SIGNATURE) {
        return Err(fault(at, "no entry of the central directory"));
    }
    let mut name = vec![0; usize::from(u16_at(&header, 28))];
    let mut extra = vec![0; usize::from(u16_at(&header, 30))];
    file.read_exact(&mut name).map_err(damaged)?;
    file.read_exact(&mut extra).map_err(damaged)?;
    file.seek_relative(i64::from(u16_at(&header, 32))).map_err(damaged)?;
    let mut member = ZipMember {
        name,
        flags: u16_at(&header, 8),
        method: u16_at(&header, 10),
        crc: u32_at(&header, 16),
        compressed: u64::from(u32_at(&header, 20)),
        size: u64::from(u32_at(&header, 24)),
        header: u64::from(u32_at(&header, 42)),
    };
    let mut wide = zip64_fields(&extra);
    for field in [&mut member.size, &mut member.compressed, &mut member.header] {
        if *field == IN_ZIP64 {
            let (value, rest) = wide.split_at_checked(8).ok_or_else(|| fault(at, "no zip64 extra field"))?;
            *field = u64_at(value, 0);
            wide = rest;
        }
    }
    Ok(member)
}

/// Returns the zip64 field among the extra fields, or an empty slice if there is none.
fn zip64_fields(mut extra: &[u8]) -> &[u8] {
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let Some((field, rest)) = rest.split_at_checked(usize::from(u16_at(head, 2))) else { break };
        if u16_at(head, 0) == ZIP64_EXTRA {
            return field;
        }
        extra = rest;
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    fn archive(members: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, body) in members {
            writer.start_file(*name, options).expect("in memory");
            writer.write_all(body).expect("in memory");
        }
        writer.finish().expect("in memory").into_inner()
    }

    fn members(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        let mut archive =
            ZipArchive::open(file.path(), &Progress::default()).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        while let Some(member) = archive.next_member().map_err(|error| error.to_string())? {
            let mut body = Vec::new();
            archive.read_member(&member, u64::MAX, &mut body).map_err(|error| error.to_string())?;
            // The same through a stream, which is another way through the member.
            let again =
                ZipArchive::open(file.path(), &Progress::default()).map_err(|error| error.to_string())?;
            let mut streamed = Vec::new();
            again
                .into_stream(&member)
                .and_then(|mut stream| stream.read_to_end(&mut streamed))
                .map_err(|error| error.to_string())?;
            assert_eq!(body, streamed);
            found.push((String::from_utf8_lossy(&member.name).into_owned(), body));
        }
        Ok(found)
    }

    fn stored() -> SimpleFileOptions {
        SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)
    }

    #[test]
    fn members_come_in_order_however_packed() {
        let text = b"data_x\n_cell_length_a 1.0\n".repeat(5000);
        let files: [(&str, &[u8]); 3] = [("b.cif", &text), ("d/a.cif", b"x"), ("empty.cif", b"")];
        for options in [stored(), SimpleFileOptions::default(), stored().large_file(true)] {
            let found = members(&archive(&files, options)).expect("readable");
            let expected: Vec<_> =
                files.iter().map(|(name, body)| ((*name).to_owned(), body.to_vec())).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn two_members_of_one_name_are_two() {
        let mut bytes = archive(&[("a.cif", b"first"), ("b.cif", b"other")], stored());
        while let Some(at) = bytes.windows(5).position(|window| window == b"b.cif") {
            bytes[at] = b'a';
        }
        let found = members(&bytes).expect("readable");
        assert_eq!(found, [("a.cif".to_owned(), b"first".to_vec()), ("a.cif".to_owned(), b"other".to_vec())]);
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_of_a_body_is_noticed() {
        let files: [(&str, &[u8]); 2] = [("a.cif", &[b'x'; 400]), ("b.cif", &[b'y'; 400])];
        let bytes = archive(&files, stored());
        for cut in 0..bytes.len() {
            assert!(members(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut flipped = bytes.clone();
        flipped[100] ^= 1;
        assert_eq!(members(&flipped), Err("the member's checksum is wrong".to_owned()));
    }

    #[test]
    fn any_damage_ends_without_panic() {
        let bytes = archive(&[("a.cif", &[b'x'; 100]), ("b.cif", b"")], SimpleFileOptions::default());
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let _ = members(&damaged);
            }
        }
    }

    #[test]
    fn litter_is_known() {
        assert!(is_litter("__MACOSX/a.cif") && is_litter("d/._a.cif") && !is_litter("d/a.cif"));
    }
}
