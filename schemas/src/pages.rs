//! Sizes of the pages of a Parquet column, read from the page headers before anything is decompressed.
//!
//! The sizes in a file's footer may be wrong, and with dictionary encoding a text of megabytes is repeated at two
//! bytes per row. The decoder relies on the page headers, so they are read and checked first. A header takes about
//! 100 bytes.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use flate2::read::MultiGzDecoder;
use parquet::arrow::ProjectionMask;
use parquet::basic::{Compression, Type as PhysicalType};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use thiserror::Error;

use crate::limits::{MAX_GROUP_VALUES, MAX_PAGE_BYTES};

/// Largest number of values of one list column in a batch. A batch has fewer rows if their lists are long.
const BATCH_VALUES: u64 = 1 << 20;
/// Largest decompressed size of one text column in a batch: 32 MiB. A batch has fewer rows if their texts may be
/// long.
const BATCH_TEXT_BYTES: u64 = 1 << 25;
/// Largest decompressed size of the text lists in a row group: 256 MiB.
const GROUP_TEXT_BYTES: u64 = 1 << 28;

/// Size of the read buffer in bytes. Most headers are shorter.
const HEADER_BYTES: usize = 256;
/// Number of bytes decompressed at a time to count them.
const UNPACKED_BYTES: usize = 1 << 16;
/// Deepest nesting accepted in a header. Valid headers are nested less deeply.
const MAX_DEPTH: usize = 8;

/// Kinds of pages (`PageType` in the Parquet format).
const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;
/// Encodings whose data pages hold indices into the dictionary (`Encoding` in the Parquet format).
const DICTIONARY_ENCODINGS: [i64; 2] = [2, 8];
/// The encoding in which a text shares a prefix with the previous one.
const DELTA_BYTE_ARRAY: i64 = 7;

/// Types of fields in Thrift's compact protocol.
const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const SMALL: u8 = 4;
const LONG: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// An error of a column that must not be decompressed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PageError {
    /// The page headers cannot be read.
    #[error("column '{column}': {source}")]
    Unreadable {
        /// Name of the column.
        column: String,
        /// The error of the operating system, or what is wrong with the header.
        source: io::Error,
    },
    /// The column is too large for memory.
    #[error("column '{column}' {problem}")]
    TooMuch {
        /// Name of the column.
        column: String,
        /// The quantity, its value, its limit and the row group.
        problem: String,
    },
}

/// Checks the pages of the columns in `mask` in the given row groups of `file` before any page is decompressed.
/// Returns the number of rows, 1 to `most_rows`, for which a batch takes at most some tens of MiB per column.
///
/// Row groups that do not exist are ignored.
///
/// # Errors
/// Returns a [`PageError`] for the first column that has too many list values, a page that is too large, a header
/// that cannot be read, or bytes that belong to another column.
pub fn batch_rows(
    file: &File,
    metadata: &ParquetMetaData,
    row_groups: impl IntoIterator<Item = usize>,
    mask: &ProjectionMask,
    most_rows: usize,
) -> Result<usize, PageError> {
    let mut batch_rows = most_rows as u64;
    // No two columns may share bytes. Otherwise a footer could list the same chunk many times and take hours to
    // check.
    let mut unclaimed = file.metadata().map_or(u64::MAX, |metadata| metadata.len());
    for number in row_groups {
        let Some(group) = metadata.row_groups().get(number) else { continue };
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let chunks = group.columns().iter().enumerate();
        for (_, chunk) in chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)) {
            let column = || chunk.column_path().parts().first().cloned().unwrap_or_default();
            let content = claim(&mut unclaimed, chunk)
                .and_then(|()| ChunkContent::of(file, chunk))
                .map_err(|source| PageError::Unreadable { column: column(), source })?;
            let require = |count: u64, what: &str, limit: u64| match count > limit {
                true => {
                    let problem = format!("has {count} {what} in row group {number}, {limit} at most");
                    Err(PageError::TooMuch { column: column(), problem })
                }
                false => Ok(()),
            };
            let ChunkContent { values, largest_page, repeated_text, plain_bytes, densest } = content;
            require(largest_page, "bytes in a page", MAX_PAGE_BYTES)?;
            let is_list = chunk.column_descr().max_rep_level() > 0;
            let is_text = chunk.column_type() == PhysicalType::BYTE_ARRAY;
            if is_list {
                require(values, "values", MAX_GROUP_VALUES)?;
                batch_rows = batch_rows.min(rows.saturating_mul(BATCH_VALUES) / values.max(1));
            }
            if is_list && is_text {
                let bytes = values.saturating_mul(repeated_text).saturating_add(plain_bytes);
                require(bytes, "bytes of texts", GROUP_TEXT_BYTES)?;
            } else if is_text {
                batch_rows = batch_rows.min(BATCH_TEXT_BYTES / repeated_text.max(densest).max(1));
            }
        }
    }
    Ok(usize::try_from(batch_rows).unwrap_or(most_rows).max(1))
}

/// Subtracts the compressed bytes of a column from those that no column has claimed yet.
fn claim(unclaimed: &mut u64, chunk: &ColumnChunkMetaData) -> io::Result<()> {
    *unclaimed = unclaimed
        .checked_sub(packed_size(chunk)?)
        .ok_or_else(|| damaged("columns take more bytes than the file has"))?;
    Ok(())
}

fn packed_size(chunk: &ColumnChunkMetaData) -> io::Result<u64> {
    u64::try_from(chunk.compressed_size()).map_err(|_| damaged("a column of negative size"))
}

/// The content of one column in one row group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ChunkContent {
    /// Number of values, nulls included. For a list column, the number of items.
    values: u64,
    /// Size of the largest page in bytes, decompressed.
    largest_page: u64,
    /// Size of the longest text that may be stored in fewer bytes, because of a dictionary or a shared prefix.
    repeated_text: u64,
    /// Total size in bytes of the data pages that store their values in full.
    plain_bytes: u64,
    /// Largest mean size of a value among these pages, in bytes.
    densest: u64,
}

impl ChunkContent {
    /// Reads the headers of all pages of a column chunk in `file`.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidData`] if a header is malformed or the pages do not fill the chunk, and the errors
    /// of reading the file.
    fn of(file: &File, chunk: &ColumnChunkMetaData) -> io::Result<Self> {
        let begin = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let begin = u64::try_from(begin).map_err(|_| damaged("a column begins before the file"))?;
        let end =
            begin.checked_add(packed_size(chunk)?).ok_or_else(|| damaged("a column ends beyond the file"))?;
        let is_gzip = matches!(chunk.compression(), Compression::GZIP(_));
        let mut reader = BufReader::with_capacity(HEADER_BYTES, file.try_clone()?);
        reader.seek(SeekFrom::Start(begin))?;
        let mut content = Self::default();
        let mut at = begin;
        while at < end {
            let mut fields = Fields { reader: &mut reader, read: 0 };
            let header = PageHeader::read(&mut fields)?;
            let body = at.saturating_add(fields.read);
            at = body.saturating_add(header.packed);
            if at > end {
                return Err(damaged("a page ends beyond its column"));
            }
            // Larger pages are refused on the size in their header.
            if is_gzip && header.unpacked <= MAX_PAGE_BYTES {
                reader.seek_relative(offset(header.levels)?)?;
                let packed = (&mut reader).take(header.packed.saturating_sub(header.levels));
                require_unpacked(packed, header.unpacked.saturating_sub(header.levels))?;
                reader.seek(SeekFrom::Start(at))?;
            } else {
                reader.seek_relative(offset(header.packed)?)?;
            }
            content.add(&header);
        }
        Ok(content)
    }

    fn add(&mut self, header: &PageHeader) {
        let &PageHeader { kind, unpacked, values, encoding, .. } = header;
        self.largest_page = self.largest_page.max(unpacked);
        let is_data = matches!(kind, DATA_PAGE | DATA_PAGE_V2);
        if is_data {
            self.values = self.values.saturating_add(values);
        }
        if kind == DICTIONARY_PAGE || is_data && encoding == DELTA_BYTE_ARRAY {
            self.repeated_text = self.repeated_text.max(unpacked);
        } else if is_data && !DICTIONARY_ENCODINGS.contains(&encoding) {
            self.plain_bytes = self.plain_bytes.saturating_add(unpacked);
            self.densest = self.densest.max(unpacked.div_ceil(values.max(1)));
        }
    }
}

/// The relevant fields of a page header.
#[derive(Debug, Default)]
struct PageHeader {
    kind: i64,
    unpacked: u64,
    packed: u64,
    values: u64,
    encoding: i64,
    /// Size in bytes of the uncompressed levels before the values (data page version 2).
    levels: u64,
}

impl PageHeader {
    /// Reads `PageHeader` of the format: field 1 is the kind, 2 and 3 are the sizes, 5 and 8 are the data page
    /// headers.
    fn read(fields: &mut Fields<'_>) -> io::Result<Self> {
        let (mut kind, mut unpacked, mut packed) = (None, None, None);
        let mut header = Self::default();
        let mut last = 0;
        while let Some((number, field)) = fields.next(&mut last)? {
            match (number, field) {
                (1, SMALL..=LONG) => kind = Some(fields.integer()?),
                (2, SMALL..=LONG) => unpacked = Some(fields.size()?),
                (3, SMALL..=LONG) => packed = Some(fields.size()?),
                // In both versions the number of values is the first field. The encoding is the second field, or the
                // fourth in version 2.
                (5, STRUCT) => header.read_data(fields, 2)?,
                (8, STRUCT) => header.read_data(fields, 4)?,
                _ => fields.skip(field, 0)?,
            }
        }
        match (kind, unpacked, packed) {
            (Some(kind), Some(unpacked), Some(packed)) => Ok(Self { kind, unpacked, packed, ..header }),
            _ => Err(damaged("a page header without kind or size")),
        }
    }

    fn read_data(&mut self, fields: &mut Fields<'_>, encoding: i64) -> io::Result<()> {
        let mut last = 0;
        while let Some((number, field)) = fields.next(&mut last)? {
            match (number, field) {
                (1, SMALL..=LONG) => self.values = fields.size()?,
                (number, SMALL..=LONG) if number == encoding => self.encoding = fields.integer()?,
                // Only version 2 has lengths of levels.
                (5 | 6, SMALL..=LONG) => self.levels = self.levels.saturating_add(fields.size()?),
                _ => fields.skip(field, 0)?,
            }
        }
        Ok(())
    }
}

/// Fields in Thrift's compact protocol.
struct Fields<'a> {
    reader: &'a mut BufReader<File>,
    /// Number of bytes read so far.
    read: u64,
}

impl Fields<'_> {
    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn unsigned(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged("a number without an end"))
    }

    fn integer(&mut self) -> io::Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads a non-negative integer.
    fn size(&mut self) -> io::Result<u64> {
        u64::try_from(self.integer()?).map_err(|_| damaged("a page of negative size"))
    }

    /// Reads the number and type of the next field. Returns `None` at the end of the structure.
    fn next(&mut self, last: &mut i64) -> io::Result<Option<(i64, u8)>> {
        let byte = self.byte()?;
        let (step, kind) = (byte >> 4, byte & 0xf);
        if kind == STOP {
            return Ok(None);
        }
        *last = if step == 0 { self.integer()? } else { last.saturating_add(i64::from(step)) };
        Ok(Some((*last, kind)))
    }

    /// Skips a value.
    fn skip(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(damaged("a page header is nested too deeply"));
        }
        match kind {
            TRUE | FALSE => {}
            BYTE => {
                self.byte()?;
            }
            SMALL..=LONG => {
                self.unsigned()?;
            }
            DOUBLE => {
                for _ in 0..size_of::<f64>() {
                    self.byte()?;
                }
            }
            BINARY => {
                let length = self.unsigned()?;
                self.pass(length)?;
            }
            LIST | SET => {
                let byte = self.byte()?;
                let (short, kind) = (byte >> 4, byte & 0xf);
                // A boolean takes one byte in a list, but none as a field.
                let kind = if matches!(kind, TRUE | FALSE) { BYTE } else { kind };
                let length = if short == 0xf { self.unsigned()? } else { u64::from(short) };
                // Every item takes at least one byte, so a wrong length is noticed at the end of the file.
                for _ in 0..length {
                    self.skip(kind, depth + 1)?;
                }
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.next(&mut last)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return Err(damaged("a page header that cannot be understood")),
        }
        Ok(())
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        self.reader.seek_relative(offset(bytes)?)?;
        self.read = self.read.saturating_add(bytes);
        Ok(())
    }
}

/// Checks that a page compressed with gzip is not larger than its header states. The decoder itself compares the
/// sizes only after decompression, and reports all other faults.
fn require_unpacked(packed: impl Read, unpacked: u64) -> io::Result<()> {
    let mut decoder = MultiGzDecoder::new(packed);
    let (mut buffer, mut count) = (vec![0; UNPACKED_BYTES], 0);
    while let Ok(read @ 1..) = decoder.read(&mut buffer) {
        count += read as u64;
        if count > unpacked {
            return Err(damaged("a page unpacks to more than its header says"));
        }
    }
    Ok(())
}

fn offset(bytes: u64) -> io::Result<i64> {
    i64::try_from(bytes).map_err(|_| damaged("a length beyond any file"))
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
