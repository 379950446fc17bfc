//! Splitting of a CSV stream into rows, and of rows into fields.
//!
//! Rows are those of RFC 4180: a quote opens a field only at its start, and a quoted field may contain line ends.
//! Finding the end of a row in a table of CIFs takes two byte searches. The fields are split later by the reader of
//! the row, on any thread.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memchr2};

use super::SourceError;
use super::document::Document;
use super::input::Stream;
use super::json_stream::Cut;

/// Number of bytes read from the stream at a time.
const CHUNK_BYTES: usize = 128 << 10;
/// The separator of fields.
const DELIMITER: u8 = b',';

/// A CSV stream and the position in it.
pub(super) struct CsvStream {
    stream: Stream,
    file: Arc<str>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Line of the position, counted from 1.
    line: u64,
}

/// State of scanning a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a field.
    Start,
    /// In an unquoted field, or after a closing quote.
    Plain,
    /// In a quoted field.
    Quoted,
    /// After a quote that closes the field, unless another quote follows.
    Quote,
}

impl CsvStream {
    /// Creates a stream at the start of a table.
    pub(super) fn new(document: Document) -> Self {
        Self::with_chunk(document.stream, document.file, CHUNK_BYTES)
    }

    fn with_chunk(stream: Stream, file: Arc<str>, chunk: usize) -> Self {
        let buffer = vec![0; chunk].into_boxed_slice();
        Self { stream, file, buffer, start: 0, end: 0, line: 1 }
    }

    /// Returns the name of the table in messages.
    pub(super) fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Returns the line on which the next row begins, counted from 1, once [`CsvStream::has_row`] has skipped empty
    /// lines.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    fn fill(&mut self) -> Result<bool, SourceError> {
        while self.start == self.end {
            match self.stream.read(&mut self.buffer) {
                Ok(count) => {
                    self.start = 0;
                    self.end = count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(SourceError::read(&self.file, source)),
            }
        }
        Ok(true)
    }

    /// Skips empty lines. Returns `false` at the end of the table.
    ///
    /// # Errors
    /// Returns [`SourceError::Read`] if the stream cannot be read.
    pub(super) fn has_row(&mut self) -> Result<bool, SourceError> {
        while self.fill()? {
            match self.buffer.get(self.start) {
                Some(b'\n') => self.line += 1,
                Some(b'\r') => {}
                _ => return Ok(true),
            }
            self.start += 1;
        }
        Ok(false)
    }

    /// Appends the next row, without its line end, to `bytes`. Call [`CsvStream::has_row`] first.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if a quoted field has no end or the stream cannot be read.
    pub(super) fn row(&mut self, bytes: &mut Vec<u8>, limit: usize) -> Result<Cut, SourceError> {
        let from = bytes.len();
        let first_line = self.line;
        let (mut state, mut kept, mut done) = (State::Start, true, false);
        while !done {
            if !self.fill()? {
                if state == State::Quoted {
                    let message = format!("line {first_line}: a quoted field does not end");
                    return Err(SourceError::layout(&self.file, message));
                }
                break;
            }
            let chunk = &self.buffer[self.start..self.end];
            let count;
            (state, count) = scan(state, chunk);
            let text = &chunk[..count];
            done = state != State::Quoted && text.last() == Some(&b'\n');
            self.line += memchr_iter(b'\n', text).count() as u64;
            if kept && bytes.len() - from + count > limit {
                kept = false;
                bytes.truncate(from);
            }
            if kept {
                bytes.extend_from_slice(text);
            }
            self.start += count;
        }
        if !kept {
            return Ok(Cut::TooLarge);
        }
        for end in [b'\n', b'\r'] {
            if bytes.len() > from && bytes.last() == Some(&end) {
                bytes.pop();
            }
        }
        Ok(Cut::Whole)
    }
}

/// Scans up to the end of the row or of the chunk. Returns the state there and the number of bytes.
fn scan(mut state: State, chunk: &[u8]) -> (State, usize) {
    let mut at = 0;
    while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty()) {
        match state {
            State::Quoted => match memchr(b'"', rest) {
                Some(found) => {
                    at += found + 1;
                    state = State::Quote;
                }
                None => return (State::Quoted, chunk.len()),
            },
            State::Quote | State::Start if rest.first() == Some(&b'"') => {
                at += 1;
                state = State::Quoted;
            }
            _ => match memchr2(b'\n', b'"', rest) {
                Some(found) if rest.get(found) == Some(&b'\n') => return (State::Plain, at + found + 1),
                Some(found) => {
                    let opens = match found.checked_sub(1) {
                        Some(before) => rest.get(before) == Some(&DELIMITER),
                        None => false,
                    };
                    at += found + 1;
                    state = if opens { State::Quoted } else { State::Plain };
                }
                None => {
                    let starts = rest.last() == Some(&DELIMITER);
                    return (if starts { State::Start } else { State::Plain }, chunk.len());
                }
            },
        }
    }
    (state, at)
}

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// The bytes of the field, without the surrounding quotes but with doubled quotes.
    pub raw: &'a [u8],
    /// Whether there are doubled quotes.
    pub doubled: bool,
    /// Byte offset of the field in the row.
    pub start: usize,
}

impl<'a> Field<'a> {
    /// Returns the text of the field. It is borrowed unless it has doubled quotes.
    pub(super) fn bytes(&self) -> Cow<'a, [u8]> {
        if !self.doubled {
            return Cow::Borrowed(self.raw);
        }
        let mut text = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some(at) = memchr(b'"', rest) {
            text.extend_from_slice(&rest[..=at]);
            // The second quote of a pair. There is none after the closing quote of a field.
            let second = usize::from(rest.get(at + 1) == Some(&b'"'));
            rest = rest.get(at + 1 + second..).unwrap_or_default();
        }
        text.extend_from_slice(rest);
        Cow::Owned(text)
    }
}

/// An iterator over the fields of a row.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    row: &'a [u8],
    at: Option<usize>,
}

impl<'a> Fields<'a> {
    /// Creates an iterator at the first field.
    pub(super) fn new(row: &'a [u8]) -> Self {
        Self { row, at: Some(0) }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let start = self.at?;
        let rest = self.row.get(start..)?;
        let Some(quoted) = rest.strip_prefix(b"\"") else {
            let length = memchr(DELIMITER, rest);
            self.at = length.map(|length| start + length + 1);
            return Some(Field { raw: &rest[..length.unwrap_or(rest.len())], doubled: false, start });
        };
        let (mut end, mut doubled) = (0, false);
        while let Some(found) = quoted.get(end..).and_then(|rest| memchr(b'"', rest)) {
            end += found;
            if quoted.get(end + 1) != Some(&b'"') {
                let behind = quoted.get(end + 1..).unwrap_or_default();
                let length = memchr(DELIMITER, behind);
                self.at = length.map(|length| start + 1 + end + 1 + length + 1);
                return Some(Field { raw: &quoted[..end], doubled, start: start + 1 });
            }
            doubled = true;
            end += 2;
        }
        self.at = None;
        Some(Field { raw: quoted, doubled, start: start + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Slow;
    use proptest::prelude::*;

    fn stream(text: &[u8], most: usize, chunk: usize) -> CsvStream {
        let slow = Slow { bytes: text.to_vec(), at: 0, most };
        CsvStream::with_chunk(Box::new(slow), Arc::from("a.csv"), chunk)
    }

    type Table = Vec<(u64, Vec<Vec<u8>>)>;

    fn rows(mut csv: CsvStream) -> Result<Table, SourceError> {
        let mut found = Vec::new();
        while csv.has_row()? {
            let (line, mut row) = (csv.line(), Vec::new());
            csv.row(&mut row, usize::MAX)?;
            found.push((line, Fields::new(&row).map(|field| field.bytes().into_owned()).collect()));
        }
        Ok(found)
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_csv_crate_at_any_buffer_size(
            table in proptest::collection::vec(proptest::collection::vec("[a,\"\r\n ]{0,8}|[^\r\n]{0,5}", 2..5), 1..6),
            crlf in any::<bool>(), most in 1usize..40, chunk in 1usize..40,
        ) {
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
                .from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).expect("in memory");
            }
            let text = writer.into_inner().expect("in memory");
            let found: Vec<_> =
                rows(stream(&text, most, chunk)).expect("well-formed").into_iter().map(|(_, row)| row).collect();
            let expected: Vec<Vec<Vec<u8>>> =
                table.iter().map(|row| row.iter().map(|field| field.as_bytes().to_vec()).collect()).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_text_ends_without_panic(text in "[a,\"\r\n]{0,60}", chunk in 1usize..20) {
            let _ = rows(stream(text.as_bytes(), 7, chunk));
        }
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let text = "id,cif\r\n\r\na,\"x\ny \"\"z\"\"\"\nb,5\" pipe\n";
        let found = rows(stream(text.as_bytes(), 5, 6)).expect("well-formed");
        let expected = [(1, ["id", "cif"]), (3, ["a", "x\ny \"z\""]), (5, ["b", "5\" pipe"])]
            .map(|(line, row)| (line, row.map(|field| field.as_bytes().to_vec()).to_vec()));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_quote_without_end_is_named() {
        let error = rows(stream(b"a\nb,\"x\n", 5, 6)).expect_err("no closing quote");
        assert_eq!(error.to_string(), "a.csv: line 2: a quoted field does not end");
    }

    #[test]
    fn a_large_row_is_stepped_over() {
        let mut csv = stream(b"\"0123\n456789\"\nb\n", 5, 6);
        let mut row = Vec::new();
        assert_eq!(csv.row(&mut row, 8).expect("readable"), Cut::TooLarge);
        assert!(row.is_empty());
        assert_eq!(csv.row(&mut row, 8).expect("readable"), Cut::Whole);
        assert_eq!(row, b"b");
    }
}
