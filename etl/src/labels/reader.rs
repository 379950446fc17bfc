//! Rows of a CSV, every fault with its file.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::LabelError;

/// A CSV that is being read.
pub(super) struct LabelCsv<'a> {
    /// The file as messages name it.
    pub(super) file: &'a str,
    reader: Reader<Box<dyn Read + 'a>>,
    /// The row read last.
    pub(super) record: ByteRecord,
}

impl<'a> LabelCsv<'a> {
    /// A CSV of which nothing is read.
    pub(super) fn new(file: &'a str, stream: Box<dyn Read + 'a>) -> Self {
        let reader = ReaderBuilder::new().has_headers(false).from_reader(stream);
        Self { file, reader, record: ByteRecord::new() }
    }

    /// Next row; every row must have as many fields as the first.
    pub(super) fn row(&mut self) -> Result<Option<&ByteRecord>, LabelError> {
        let more = self.reader.read_byte_record(&mut self.record);
        match more {
            Ok(true) => Ok(Some(&self.record)),
            Ok(false) => Ok(None),
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
