//! What the pages of a Parquet column hold, by their headers: counts and sizes before anything is unpacked.
//!
//! A footer may say what it likes, and a dictionary repeats a text for two bytes a row. The headers of the
//! pages are what a decoder goes by, so they are read first, some hundred bytes a page.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use parquet::file::metadata::ColumnChunkMetaData;

/// Bytes read at once: most headers are shorter.
const HEADER_BYTES: usize = 256;
/// Deepest structure of a header, and more than any has.
const MAX_DEPTH: usize = 8;

/// Kinds of pages (`PageType` of the format).
const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;
/// Encodings whose data pages hold places in the dictionary (`Encoding` of the format).
const DICTIONARY_ENCODINGS: [i64; 2] = [2, 8];

/// Types of fields in the compact protocol of Thrift.
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

/// Content of one column in one row group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChunkContent {
    /// Number of values, empty ones included; of a list, of its items.
    pub values: u64,
    /// Bytes of the largest page, unpacked.
    pub largest_page: u64,
    /// Bytes that one text of the column may have.
    pub longest_text: u64,
}

impl ChunkContent {
    /// Reads the headers of all pages of a column chunk in `file`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] where a header is none or pages do not fill the chunk; an error of the system
    /// where the file cannot be read.
    pub fn of(file: &File, chunk: &ColumnChunkMetaData) -> io::Result<Self> {
        let begin = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let begin = u64::try_from(begin).map_err(|_| damaged("a column begins before the file"))?;
        let packed =
            u64::try_from(chunk.compressed_size()).map_err(|_| damaged("a column of negative size"))?;
        let end = begin.checked_add(packed).ok_or_else(|| damaged("a column ends beyond the file"))?;
        let mut reader = BufReader::with_capacity(HEADER_BYTES, file.try_clone()?);
        let mut content = Self::default();
        let mut at = begin;
        while at < end {
            reader.seek(SeekFrom::Start(at))?;
            let mut fields = Fields { reader: &mut reader, read: 0 };
            let header = PageHeader::read(&mut fields)?;
            at = fields
                .read
                .checked_add(header.packed)
                .and_then(|length| at.checked_add(length))
                .unwrap_or(u64::MAX);
            if at > end {
                return Err(damaged("a page ends beyond its column"));
            }
            content.add(&header);
        }
        Ok(content)
    }

    fn add(&mut self, header: &PageHeader) {
        self.largest_page = self.largest_page.max(header.unpacked);
        let is_data = matches!(header.kind, DATA_PAGE | DATA_PAGE_V2);
        if is_data {
            self.values = self.values.saturating_add(header.values);
        }
        if header.kind == DICTIONARY_PAGE || is_data && !DICTIONARY_ENCODINGS.contains(&header.encoding) {
            self.longest_text = self.longest_text.max(header.unpacked);
        }
    }
}

/// What a header says of its page.
#[derive(Debug, Default)]
struct PageHeader {
    kind: i64,
    unpacked: u64,
    packed: u64,
    values: u64,
    encoding: i64,
}

impl PageHeader {
    /// `PageHeader` of the format: 1 the kind, 2 and 3 the sizes, 5 and 8 what data pages have besides.
    fn read(fields: &mut Fields<'_>) -> io::Result<Self> {
        let size = |size: i64| u64::try_from(size).map_err(|_| damaged("a page of negative size"));
        let mut header = Self::default();
        let mut last = 0;
        while let Some((number, kind)) = fields.next(&mut last)? {
            match (number, kind) {
                (1, SMALL..=LONG) => header.kind = fields.integer()?,
                (2, SMALL..=LONG) => header.unpacked = size(fields.integer()?)?,
                (3, SMALL..=LONG) => header.packed = size(fields.integer()?)?,
                // The values come first in both; the encoding second, or fourth in version 2.
                (5, STRUCT) => header.read_data(fields, 2)?,
                (8, STRUCT) => header.read_data(fields, 4)?,
                _ => fields.skip(kind, 0)?,
            }
        }
        Ok(header)
    }

    fn read_data(&mut self, fields: &mut Fields<'_>, encoding: i64) -> io::Result<()> {
        let mut last = 0;
        while let Some((number, kind)) = fields.next(&mut last)? {
            match (number, kind) {
                (1, SMALL..=LONG) => {
                    let values = fields.integer()?;
                    self.values = u64::try_from(values).map_err(|_| damaged("a page of negative length"))?;
                }
                (number, SMALL..=LONG) if number == encoding => self.encoding = fields.integer()?,
                _ => fields.skip(kind, 0)?,
            }
        }
        Ok(())
    }
}

/// Fields in the compact protocol of Thrift.
struct Fields<'a> {
    reader: &'a mut BufReader<File>,
    /// Bytes read so far.
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

    /// Number and type of the next field; `None` at the end of the structure.
    fn next(&mut self, last: &mut i64) -> io::Result<Option<(i64, u8)>> {
        let byte = self.byte()?;
        let (step, kind) = (byte >> 4, byte & 0xf);
        if kind == STOP {
            return Ok(None);
        }
        *last = if step == 0 { self.integer()? } else { last.saturating_add(i64::from(step)) };
        Ok(Some((*last, kind)))
    }

    /// Passes over a value.
    fn skip(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(damaged("a page header is nested too deeply"));
        }
        match kind {
            TRUE | FALSE => {}
            BYTE => drop(self.byte()?),
            SMALL..=LONG => drop(self.unsigned()?),
            DOUBLE => self.pass(size_of::<f64>() as u64)?,
            BINARY => {
                let length = self.unsigned()?;
                self.pass(length)?;
            }
            LIST | SET => {
                let byte = self.byte()?;
                let (short, kind) = (byte >> 4, byte & 0xf);
                let length = if short == 0xf { self.unsigned()? } else { u64::from(short) };
                for _ in 0..length {
                    // Each item takes a byte at least, or the loop would not end with the file.
                    match kind {
                        TRUE | FALSE => drop(self.byte()?),
                        kind => self.skip(kind, depth + 1)?,
                    }
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
        let step = i64::try_from(bytes).map_err(|_| damaged("a text without an end"))?;
        self.reader.seek_relative(step)?;
        self.read = self.read.saturating_add(bytes);
        Ok(())
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
