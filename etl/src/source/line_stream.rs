//! Lines of a document, of which none is in memory beyond a limit.

use std::io::{BufRead, BufReader, ErrorKind};
use std::sync::Arc;

use super::SourceError;
use super::document::Document;
use super::input::Stream;

/// Size of the buffer in bytes.
const BUFFER_BYTES: usize = 128 << 10;

/// A document and the position in it.
pub(super) struct LineStream {
    stream: BufReader<Stream>,
    file: Arc<str>,
    /// Number of lines so far.
    count: u64,
}

impl LineStream {
    /// Creates a stream at the start of a document.
    pub(super) fn new(document: Document) -> Self {
        let stream = BufReader::with_capacity(BUFFER_BYTES, document.stream);
        Self { stream, file: document.file, count: 0 }
    }

    /// Returns the name of the document in messages.
    pub(super) fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Returns the number of the line that was read last, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.count
    }

    /// Appends the next line with its line feed to `bytes`. Of a line of more than `limit` bytes only the beginning is
    /// appended. Returns the number of bytes of the line, 0 at the end of the document.
    ///
    /// # Errors
    /// Returns [`SourceError::Read`] if the stream cannot be read.
    pub(super) fn next(&mut self, bytes: &mut Vec<u8>, limit: usize) -> Result<usize, SourceError> {
        let mut size = 0usize;
        loop {
            let chunk = match self.stream.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(source) => return Err(SourceError::read(&self.file, source)),
            };
            let end = memchr::memchr(b'\n', chunk);
            let count = end.map_or(chunk.len(), |at| at + 1);
            let kept = count.min(limit.saturating_sub(size));
            bytes.extend_from_slice(chunk.get(..kept).unwrap_or_default());
            self.stream.consume(count);
            size += count;
            if end.is_some() || count == 0 {
                self.count += u64::from(size > 0);
                return Ok(size);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_counted_whole() {
        let text = format!("{}\n\nlast", "x".repeat(BUFFER_BYTES + 9));
        let stream: Stream = Box::new(std::io::Cursor::new(text.into_bytes()));
        let mut lines = LineStream::new(Document { stream, file: Arc::from("a"), name: "a".to_owned() });
        let mut next = || {
            let mut bytes = Vec::new();
            let size = lines.next(&mut bytes, 4).expect("readable");
            (size, String::from_utf8_lossy(&bytes).into_owned(), lines.line())
        };
        assert_eq!(next(), (BUFFER_BYTES + 10, "xxxx".to_owned(), 1));
        assert_eq!(next(), (1, "\n".to_owned(), 2));
        assert_eq!(next(), (4, "last".to_owned(), 3));
        assert_eq!(next(), (0, String::new(), 3));
    }
}
