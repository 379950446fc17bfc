//! Rows of a CSV, every fault with its file.

use std::cell::Cell;
use std::io::{self, Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::LabelError;
use crate::source::{Progress, SourceError};

/// Bytes of a table by which its separator is told.
const START_BYTES: u64 = 64 << 10;
/// Lines of a table by which its separator is told.
const START_LINES: usize = 20;
/// Separators of fields that are looked for before the comma: whoever uses them may write decimals with
/// a comma.
const OTHER_SEPARATORS: [u8; 2] = [b'\t', b';'];

/// Longest row. A row of as many numbers as a table may have takes a tenth of this.
const MAX_ROW_BYTES: usize = 4 << 20;

/// Most fields of a table of any size. As numbers they take 64 MiB.
const MAX_FIELDS: u64 = 1 << 23;
/// Most fields of a larger table for each of its bytes on disk. A packed number of several digits takes at least a
/// byte.
const PACKED_FIELDS_PER_BYTE: u64 = 8;
/// Bytes for each field of a larger table that is held in memory.
const BYTES_PER_HELD_FIELD: u64 = 8;

/// Size of a table, by which it may have more than [`MAX_FIELDS`] fields: a few bytes must not become gigabytes.
pub(super) enum Size {
    /// The bytes read from the disk so far.
    OnDisk(Progress),
    /// Its bytes, unpacked.
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

/// A stream that ends in an error once a row has taken all the bytes it may have.
struct RowBound<R> {
    stream: R,
    /// Bytes that the row being read may still take.
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for RowBound<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other("the row is too long"));
        }
        let count = self.stream.read(buffer)?;
        self.left.set(left.saturating_sub(count));
        Ok(count)
    }
}

/// A CSV that is being read.
pub(super) struct LabelCsv<'a> {
    /// The file as messages name it.
    pub(super) file: &'a str,
    reader: Reader<RowBound<Box<dyn Read + 'a>>>,
    /// Bytes that the row being read may still take.
    left: Rc<Cell<usize>>,
    size: Size,
    /// Fields of all rows so far.
    fields: u64,
    /// The row read last.
    pub(super) record: ByteRecord,
}

/// What stands between the fields of a table: the tab or semicolon where each of its first lines has as
/// many of them, the comma otherwise.
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
    OTHER_SEPARATORS.into_iter().find(divides).unwrap_or(b',')
}

impl<'a> LabelCsv<'a> {
    /// A CSV of which no row is read.
    ///
    /// # Errors
    /// [`LabelError::Source`] where it cannot be read.
    pub(super) fn new(file: &'a str, mut stream: Box<dyn Read + 'a>, size: Size) -> Result<Self, LabelError> {
        let mut start = Vec::new();
        let read = (&mut stream).take(START_BYTES).read_to_end(&mut start);
        read.map_err(|source| SourceError::Read { file: file.to_owned(), source })?;
        // The last line may be cut.
        let whole = memchr::memrchr(b'\n', &start).filter(|_| start.len() as u64 == START_BYTES);
        let separator = separator(whole.map_or(&start[..], |end| &start[..end]));
        let stream: Box<dyn Read + 'a> = Box::new(Cursor::new(start).chain(stream));
        let left = Rc::new(Cell::new(MAX_ROW_BYTES));
        let stream = RowBound { stream, left: Rc::clone(&left) };
        let reader = ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(stream);
        Ok(Self { file, reader, left, size, fields: 0, record: ByteRecord::new() })
    }

    /// Next row; every row must have as many fields as the first.
    ///
    /// # Errors
    /// [`LabelError::Layout`] for a row of more than 4 MiB and for more fields than a table of that size may have,
    /// [`LabelError::Csv`] for other faults.
    pub(super) fn row(&mut self) -> Result<Option<&ByteRecord>, LabelError> {
        self.left.set(MAX_ROW_BYTES);
        let more = self.reader.read_byte_record(&mut self.record);
        match more {
            Ok(true) => {
                self.fields += self.record.len() as u64;
                if self.fields > MAX_FIELDS && self.fields > self.size.most_fields() {
                    let message = format!(
                        "line {}: more than {} fields for so few bytes; unpack it if they are meant to be, and \
                         give it by --labels",
                        self.line(),
                        self.size.most_fields()
                    );
                    return Err(self.layout(&message));
                }
                Ok(Some(&self.record))
            }
            Ok(false) => Ok(None),
            Err(_) if self.left.get() == 0 => {
                let message = format!("line {}: a row of more than {MAX_ROW_BYTES} bytes", self.line());
                Err(self.layout(&message))
            }
            Err(source) => Err(LabelError::Csv { file: self.file.to_owned(), source }),
        }
    }

    /// Line of the row read last.
    pub(super) fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// The error for a file that is laid out otherwise.
    pub(super) fn layout(&self, message: &str) -> LabelError {
        LabelError::Layout { file: self.file.to_owned(), message: message.to_owned() }
    }
}

/// A file's name up to its first point, without what it lies in.
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
}
