//! A CSV reader for label tables. Its errors name the file.

use std::cell::{Cell, RefCell};
use std::io::{self, Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::LabelError;
use super::quotes::{QuoteFault, RowScan};
use crate::source::{PARQUET_MAGIC, Progress, SourceError};

/// UTF-8 byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Start of a line before the table that names its separator, as spreadsheets read it. The case does not matter.
const SEPARATOR_WORD: &[u8] = b"sep=";
/// Number of bytes that are examined for the separator.
const START_BYTES: u64 = 64 << 10;
/// Number of lines that are examined for the separator.
const START_LINES: usize = 20;
/// The usual separator.
pub(super) const COMMA: u8 = b',';
/// Separators that are tried before the comma, because a table that uses them may have decimal commas.
const OTHER_SEPARATORS: [u8; 2] = [b'\t', b';'];

/// Longest row in bytes. A row with the largest number of numeric columns takes a tenth of this.
const MAX_ROW_BYTES: usize = 4 << 20;

/// Largest number of fields in a table of any size. As numbers they take 64 MiB, and their texts half of that.
const MAX_FIELDS: u64 = 1 << 23;
/// Largest number of fields of a larger table for each byte on disk. A compressed number with several digits takes at
/// least one byte.
const PACKED_FIELDS_PER_BYTE: u64 = 8;
/// Size in bytes that a larger table in memory must have for each field.
const BYTES_PER_HELD_FIELD: u64 = 8;

/// The size of a table. It limits the number of fields beyond [`MAX_FIELDS`], so that a few bytes cannot expand to
/// gigabytes.
pub(super) enum Size {
    /// The bytes read from disk so far.
    OnDisk(Progress),
    /// The decompressed size of a table in memory.
    Held(usize),
}

impl Size {
    fn most_fields(&self) -> u64 {
        let by_size = match self {
            Self::OnDisk(progress) => progress.bytes().saturating_mul(PACKED_FIELDS_PER_BYTE),
            Self::Held(bytes) => *bytes as u64 / BYTES_PER_HELD_FIELD,
        };
        by_size.max(MAX_FIELDS)
    }
}

/// A stream that returns an error if a row is too long or its quotes are at fault.
struct RowBound<R> {
    stream: R,
    /// Number of bytes that the current row may still take.
    left: Rc<Cell<usize>>,
    scan: Rc<RefCell<RowScan>>,
}

impl<R: Read> Read for RowBound<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other("the row is too long"));
        }
        let count = self.stream.read(buffer)?;
        self.left.set(left.saturating_sub(count));
        let mut scan = self.scan.borrow_mut();
        let scanned =
            if count == 0 { scan.end() } else { scan.scan(buffer.get(..count).unwrap_or_default()) };
        scanned.map_err(io::Error::other)?;
        Ok(count)
    }
}

/// A CSV reader.
pub(super) struct LabelCsv<'a> {
    /// Name of the file in messages.
    pub(super) file: &'a str,
    reader: Reader<RowBound<Box<dyn Read + 'a>>>,
    /// Number of bytes that the current row may still take.
    left: Rc<Cell<usize>>,
    scan: Rc<RefCell<RowScan>>,
    /// The separator of fields.
    pub(super) separator: u8,
    size: Size,
    /// Number of fields in all rows so far, each number of a list counted as one.
    fields: u64,
    /// Line on which the last row begins.
    line: u64,
    /// The last row read.
    pub(super) record: ByteRecord,
}

/// Returns the separator that the first line names, and the length of that line, if it is such a line.
fn named_separator(start: &[u8]) -> Option<(u8, usize)> {
    let (word, rest) = start.split_at_checked(SEPARATOR_WORD.len())?;
    let (&separator, rest) = rest.split_first()?;
    let is_separator =
        matches!(separator, b'\t' | b' ') || (separator.is_ascii_punctuation() && separator != b'"');
    let line_end = match rest {
        [] => 0,
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    let is_named = word.eq_ignore_ascii_case(SEPARATOR_WORD) && is_separator;
    is_named.then_some((separator, SEPARATOR_WORD.len() + 1 + line_end))
}

/// Returns the separator of a table: the tab or semicolon, if each of the first lines contains the same number of
/// them, or else the comma.
fn separator(start: &[u8]) -> u8 {
    let lines = || start.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let count = |line: &[u8], separator: u8| {
        let mut is_quoted = false;
        let outside = line.iter().filter(|&&byte| {
            is_quoted ^= byte == b'"';
            byte == separator && !is_quoted
        });
        outside.count()
    };
    let divides = |separator: &u8| {
        let mut counts = lines().take(START_LINES).map(|line| count(line, *separator));
        let first = counts.next().unwrap_or_default();
        first > 0 && counts.all(|count| count == first)
    };
    OTHER_SEPARATORS.into_iter().find(divides).unwrap_or(COMMA)
}

impl<'a> LabelCsv<'a> {
    /// Creates a reader at the first row.
    ///
    /// # Errors
    /// Returns [`LabelError::Source`] if the stream cannot be read, and [`LabelError::Layout`] for a Parquet table.
    pub(super) fn new(file: &'a str, mut stream: Box<dyn Read + 'a>, size: Size) -> Result<Self, LabelError> {
        let mut start = Vec::new();
        let read = (&mut stream).take(START_BYTES).read_to_end(&mut start);
        read.map_err(|source| SourceError::Read { file: file.to_owned(), source })?;
        if start.starts_with(PARQUET_MAGIC) {
            let message =
                "is a Parquet table; labels are read from CSV, and splits from JSON, too".to_owned();
            return Err(LabelError::Layout { file: file.to_owned(), message });
        }
        let is_cut = start.len() as u64 == START_BYTES;
        if start.starts_with(BYTE_ORDER_MARK) {
            start.drain(..BYTE_ORDER_MARK.len());
        }
        let mut line = 1;
        let separator = match named_separator(&start) {
            Some((named, length)) => {
                line += start.drain(..length).filter(|byte| *byte == b'\n').count() as u64;
                named
            }
            None => {
                // The last line may be incomplete.
                let whole = memchr::memrchr(b'\n', &start).filter(|_| is_cut);
                separator(whole.map_or(&start[..], |end| &start[..end]))
            }
        };
        let stream: Box<dyn Read + 'a> = Box::new(Cursor::new(start).chain(stream));
        let left = Rc::new(Cell::new(MAX_ROW_BYTES));
        let scan = Rc::new(RefCell::new(RowScan::new(separator, line)));
        let stream = RowBound { stream, left: Rc::clone(&left), scan: Rc::clone(&scan) };
        let reader = ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(stream);
        Ok(Self { file, reader, left, scan, separator, size, fields: 0, line, record: ByteRecord::new() })
    }

    /// Reads the next row. Every row must have as many fields as the first.
    ///
    /// # Errors
    /// Returns [`LabelError::Layout`] for a row of more than 4 MiB, a row of another length and odd quotes,
    /// [`LabelError::TooManyFields`] for too many fields for the size of the table, and [`LabelError::Csv`] if the
    /// stream cannot be read.
    pub(super) fn row(&mut self) -> Result<Option<&ByteRecord>, LabelError> {
        self.left.set(MAX_ROW_BYTES);
        let more = self.reader.read_byte_record(&mut self.record);
        if !matches!(more, Ok(false)) {
            // The position of a record lies before empty lines and the second half of a line end.
            self.line = self.scan.borrow_mut().take_row();
        }
        match more {
            Ok(true) => {
                self.fields += self.record.len() as u64 + numbers_of_lists(&self.record);
                if self.fields > MAX_FIELDS && self.fields > self.size.most_fields() {
                    return Err(LabelError::TooManyFields {
                        file: self.file.to_owned(),
                        line: self.line(),
                        limit: self.size.most_fields(),
                    });
                }
                Ok(Some(&self.record))
            }
            Ok(false) => Ok(None),
            Err(_) if self.left.get() == 0 => {
                let message = format!("line {}: a row of more than {MAX_ROW_BYTES} bytes", self.line());
                Err(self.layout(&message))
            }
            Err(source) => Err(self.fault(source)),
        }
    }

    /// Turns an error of the CSV reader into one of this table, with the line in the file if a row has another length or a
    /// quoted field is at fault.
    fn fault(&self, source: csv::Error) -> LabelError {
        let message = match source.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Some(format!("line {}: {len} fields, where the first row has {expected_len}", self.line))
            }
            ErrorKind::Io(error) => {
                let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<QuoteFault>());
                inner.map(QuoteFault::to_string)
            }
            _ => None,
        };
        match message {
            Some(message) => self.layout(&message),
            None => LabelError::Csv { file: self.file.to_owned(), source },
        }
    }

    /// Returns the line of the file, counted from 1, on which the last row that was read begins.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the error of a file with another layout.
    pub(super) fn layout(&self, message: &str) -> LabelError {
        LabelError::Layout { file: self.file.to_owned(), message: message.to_owned() }
    }
}

/// Returns how many numbers the lists in a row have at most, by the separators in fields that begin like a list.
fn numbers_of_lists(record: &ByteRecord) -> u64 {
    let lists = record.iter().map(<[u8]>::trim_ascii_start).filter(|field| field.starts_with(b"["));
    let is_separator = |byte: &&u8| **byte == b',' || byte.is_ascii_whitespace();
    lists.map(|list| list.iter().filter(is_separator).count() as u64).sum()
}

/// Returns a file's name up to its first dot, without the archive or folders it is in.
pub(super) fn stem(file: &str) -> &str {
    let base = file.rsplit(['/', '\\', '!']).next().unwrap_or(file);
    base.split_once('.').map_or(base, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_told_by_the_first_lines() {
        for (text, expected) in [
            ("a,1\nb,2\n", b','),
            ("a\t1\nb\t2", b'\t'),
            ("a;1\r\nb;2\r\n", b';'),
            ("a;0,5\nb;1,5\n", b';'),
            ("id,gap; eV,x\na,1,2\n", b','),
            ("id,\"a;b\"\nc,\"d;e\"\n", b','),
            ("a 1\nb 2\n", b','),
            ("", b','),
        ] {
            assert_eq!(separator(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_first_line_may_name_the_separator() {
        for (text, expected) in [
            ("sep=;\r\nid;x\r\n", Some((b';', 7))),
            ("SEP=,\nid,x\n", Some((b',', 6))),
            ("sep=\t\rid\tx\r", Some((b'\t', 6))),
            ("sep=|", Some((b'|', 5))),
            ("sep=", None),
            ("sep=\n,\n", None),
            ("sep=;;\n", None),
            ("sep=x\n", None),
            ("sep=\"\n", None),
            ("sep,x\n", None),
        ] {
            assert_eq!(named_separator(text.as_bytes()), expected, "{text:?}");
        }
    }
}
