//! Lines on which the rows of a CSV begin, and quotes that the lenient CSV reader passes over.

use std::collections::VecDeque;

use thiserror::Error;

/// A quoted field that is not one by RFC 4180. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum QuoteFault {
    /// The table ends in a quoted field.
    #[error("line {line}: a quoted field does not end")]
    Open {
        /// Line of the quote that opens the field.
        line: u64,
    },
    /// A quoted field has text between its closing quote and the next separator.
    #[error("line {line}: a quoted field has text behind its closing quote in line {end}")]
    Behind {
        /// Line of the quote that opens the field.
        line: u64,
        /// Line of the closing quote.
        end: u64,
    },
}

/// State of scanning a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a row, where empty lines are skipped.
    Between,
    /// At the start of a field that is not the first of its row.
    Start,
    /// In an unquoted field.
    Plain,
    /// In a quoted field.
    Quoted,
    /// After a quote that closes the field, unless another quote follows.
    Quote,
    /// After blanks behind a closing quote.
    Closed,
}

/// A scan of a table, in pieces of any size. Its rows are those of the `csv` crate.
#[derive(Debug)]
pub(super) struct RowScan {
    separator: u8,
    state: State,
    /// Line of the position.
    line: u64,
    /// Line of the last quote that opened a field.
    opened: u64,
    /// First lines of the rows that were scanned and not yet taken.
    rows: VecDeque<u64>,
}

impl RowScan {
    /// Creates a scan at the start of a row on a line, counted from 1.
    pub(super) fn new(separator: u8, line: u64) -> Self {
        Self { separator, state: State::Between, line, opened: line, rows: VecDeque::new() }
    }

    /// Returns the first line of the next row that was scanned, or the line of the position if there is none.
    pub(super) fn take_row(&mut self) -> u64 {
        self.rows.pop_front().unwrap_or(self.line)
    }

    /// Scans the next bytes.
    ///
    /// # Errors
    /// Returns [`QuoteFault::Behind`] if text follows a closing quote.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<(), QuoteFault> {
        for &byte in bytes {
            self.state = self.step(byte)?;
            self.line += u64::from(byte == b'\n');
        }
        Ok(())
    }

    /// Ends the scan at the end of the table.
    ///
    /// # Errors
    /// Returns [`QuoteFault::Open`] if it is in a quoted field.
    pub(super) fn end(&self) -> Result<(), QuoteFault> {
        if self.state == State::Quoted { Err(QuoteFault::Open { line: self.opened }) } else { Ok(()) }
    }

    /// Returns the state behind a byte.
    fn step(&mut self, byte: u8) -> Result<State, QuoteFault> {
        let ends_row = byte == b'\n' || byte == b'\r';
        if self.state == State::Between && !ends_row {
            self.rows.push_back(self.line);
        }
        let state = match self.state {
            State::Quoted if byte == b'"' => State::Quote,
            State::Quoted => State::Quoted,
            State::Quote if byte == b'"' => State::Quoted,
            _ if ends_row => State::Between,
            _ if byte == self.separator => State::Start,
            State::Between | State::Start if byte == b'"' => {
                self.opened = self.line;
                State::Quoted
            }
            State::Between | State::Start | State::Plain => State::Plain,
            State::Quote | State::Closed if byte == b' ' || byte == b'\t' => State::Closed,
            State::Quote | State::Closed => {
                return Err(QuoteFault::Behind { line: self.opened, end: self.line });
            }
        };
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scanned(text: &str, chunk: usize) -> Result<Vec<u64>, QuoteFault> {
        let mut scan = RowScan::new(b',', 1);
        for bytes in text.as_bytes().chunks(chunk) {
            scan.scan(bytes)?;
        }
        scan.end()?;
        Ok(scan.rows.into())
    }

    #[test]
    fn rows_have_the_lines_of_the_file() {
        for chunk in [1, 2, 100] {
            assert_eq!(scanned("a,b\r\n\r\n\"c\nd\",\"e\"\"\" \nf\"g\",h", chunk), Ok(vec![1, 3, 5]));
        }
        let mut scan = RowScan::new(b';', 2);
        assert_eq!(scan.scan(b"a\n"), Ok(()));
        assert_eq!([scan.take_row(), scan.take_row()], [2, 3]);
    }

    #[test]
    fn odd_quotes_are_faults() {
        for chunk in [1, 2, 100] {
            assert_eq!(scanned("a\nb,\"c\nd\n", chunk), Err(QuoteFault::Open { line: 2 }));
            assert_eq!(scanned("a,\"b\"\"\n", chunk), Err(QuoteFault::Open { line: 1 }));
            assert_eq!(scanned("a\nb,\"c\nd,\"e\"\n", chunk), Err(QuoteFault::Behind { line: 2, end: 3 }));
            assert_eq!(scanned("a,\"b\" c\n", chunk), Err(QuoteFault::Behind { line: 1, end: 1 }));
        }
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_csv_crate(text in "[a,\"\r\n ]{0,60}", chunk in 1usize..20) {
            let Ok(rows) = scanned(&text, chunk) else { return Ok(()) };
            let mut builder = csv::ReaderBuilder::new();
            let reader = builder.has_headers(false).flexible(true).from_reader(text.as_bytes());
            prop_assert_eq!(rows.len(), reader.into_byte_records().count());
        }
    }
}
