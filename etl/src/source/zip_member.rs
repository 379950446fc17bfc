//! Decompression of the members of a zip archive. Small members are decompressed at once with reused buffers, and
//! large ones as streams. Sizes and checksums are always verified.

use std::io::{self, BufRead, Read, Seek};

use flate2::bufread::DeflateDecoder;
use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::input::InputFile;
use super::packing::Packing;

/// Local file header (APPNOTE 4.3.7).
const LOCAL_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;
/// Flag of an encrypted member (APPNOTE 4.4.4).
const ENCRYPTED: u16 = 1;
/// Compression methods (APPNOTE 4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const BZIP2: u16 = 12;
const ZSTANDARD: u16 = 93;
const XZ: u16 = 95;
/// Largest size in bytes, compressed and decompressed, of a member that is decompressed at once.
const SMALL_BYTES: u64 = 1 << 20;

/// A member of an archive, as described by its central directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ZipMember {
    /// Name as stored. It is never used as a path.
    pub name: Vec<u8>,
    /// Decompressed size in bytes.
    pub size: u64,
    /// General purpose flags (APPNOTE 4.4.4).
    pub(super) flags: u16,
    /// Compression method (APPNOTE 4.4.5).
    pub(super) method: u16,
    /// CRC-32 of the decompressed content.
    pub(super) crc: u32,
    /// Compressed size in bytes.
    pub(super) compressed: u64,
    /// Offset of the local header in the archive.
    pub(super) header: u64,
}

/// Reads a little-endian field of a record. A field beyond the end is zero; lengths are checked before.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn damaged(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Moves `file` to the first byte of a member's content.
fn seek_body(file: &mut InputFile, member: &ZipMember) -> io::Result<()> {
    if member.flags & ENCRYPTED != 0 {
        return Err(damaged("the member is encrypted"));
    }
    // A relative seek keeps the buffer, and in most archives members follow each other.
    let here = file.stream_position()?;
    let step = i128::from(member.header) - i128::from(here);
    file.seek_relative(i64::try_from(step).map_err(|_| damaged("the member lies outside the archive"))?)?;
    let mut header = [0; LOCAL_BYTES];
    file.read_exact(&mut header)?;
    if !header.starts_with(&LOCAL_SIGNATURE) {
        return Err(damaged("no local header where the directory points"));
    }
    file.seek_relative(i64::from(u16_at(&header, 26)) + i64::from(u16_at(&header, 28)))
}

/// Decompresses members into memory and reuses its buffers.
#[derive(Debug)]
pub(super) struct Unpacker {
    inflater: Decompress,
    packed: Vec<u8>,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self { inflater: Decompress::new(false), packed: Vec::new() }
    }
}

impl Unpacker {
    /// Appends the content of a member to `bytes`, up to one byte more than `limit`.
    pub(super) fn unpack(
        &mut self,
        file: &mut InputFile,
        member: &ZipMember,
        limit: u64,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        let small = member.size.max(member.compressed) <= SMALL_BYTES.min(limit);
        if !small || member.method != DEFLATED {
            let stream = member_stream(&mut *file, member)?;
            return stream.take(limit.saturating_add(1)).read_to_end(bytes).map(|_| ());
        }
        seek_body(file, member)?;
        self.packed.clear();
        file.take(member.compressed).read_to_end(&mut self.packed)?;
        self.inflater.reset(false);
        let start = bytes.len();
        // The stated size is small. One more byte shows a content that is larger than stated.
        bytes.reserve(member.size as usize + 1);
        let status = self.inflater.decompress_vec(&self.packed, bytes, FlushDecompress::Finish);
        let status = status.map_err(io::Error::from)?;
        let body = bytes.get(start..).unwrap_or_default();
        if status != Status::StreamEnd || body.len() as u64 != member.size {
            return Err(damaged("the member's size is not what the directory says"));
        }
        let mut crc = Crc::new();
        crc.update(body);
        if crc.sum() != member.crc {
            return Err(damaged("the member's checksum is wrong"));
        }
        Ok(())
    }
}

/// Returns the content of a member as a stream. `F` is the archive or a reference to it.
pub(super) fn member_stream<'a, F: BufRead + AsInput + Send + 'a>(
    mut file: F,
    member: &ZipMember,
) -> io::Result<impl Read + Send + use<'a, F>> {
    seek_body(file.as_input(), member)?;
    let packed = file.take(member.compressed);
    let body: Box<dyn Read + Send + 'a> = match member.method {
        STORED => Packing::Plain.unpack(packed)?,
        DEFLATED => Box::new(DeflateDecoder::new(packed)),
        BZIP2 => Packing::Bzip2.unpack(packed)?,
        ZSTANDARD => Packing::Zstandard.unpack(packed)?,
        XZ => Packing::Xz.unpack(packed)?,
        other => return Err(damaged(format!("compression method {other} is not read here"))),
    };
    Ok(Checked { body, crc: Crc::new(), member_crc: member.crc, left: member.size })
}

/// An archive, owned or borrowed.
pub(super) trait AsInput {
    /// Returns the file of the archive.
    fn as_input(&mut self) -> &mut InputFile;
}

impl AsInput for InputFile {
    fn as_input(&mut self) -> &mut InputFile {
        self
    }
}

impl AsInput for &mut InputFile {
    fn as_input(&mut self) -> &mut InputFile {
        self
    }
}

/// A stream whose size and checksum are verified at its end.
struct Checked<R> {
    body: R,
    crc: Crc,
    member_crc: u32,
    left: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return Err(damaged("the member ends early"));
            }
            if self.crc.sum() != self.member_crc {
                return Err(damaged("the member's checksum is wrong"));
            }
            return Ok(0);
        }
        let Some(left) = self.left.checked_sub(count as u64) else {
            return Err(damaged("the member is larger than its directory says"));
        };
        self.left = left;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}
