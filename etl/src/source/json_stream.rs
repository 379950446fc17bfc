//! Splitting of a JSON stream into values.
//!
//! The document is never in memory as a whole: values are copied out one at a time. An array or object ends where
//! brackets of its kind are balanced. That takes a counter and no stack, so any depth of nesting is possible. The
//! content is validated by the reader of the value.

use std::io::Read;
use std::sync::Arc;

use memchr::{memchr_iter, memrchr};

use super::SourceError;
use super::document::Document;
use super::input::Stream;
use super::json::excerpt;
use super::json_scan::ValueScan;

/// Number of bytes read from the stream at a time.
const CHUNK_BYTES: usize = 128 << 10;

/// The result of reading a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The value was appended completely.
    Whole,
    /// The value is larger than the limit. It was skipped, and nothing was appended.
    TooLarge,
}

/// A JSON stream and the position in it.
pub(crate) struct JsonStream {
    stream: Stream,
    file: Arc<str>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Number of bytes of the document before the buffer.
    before: u64,
    /// Number of bytes of the buffer whose line feeds were counted, the number of line feeds so far, and the byte
    /// offset after the last one.
    counted: usize,
    lines: u64,
    line_start: u64,
}

impl JsonStream {
    /// Creates a stream at the start of a document.
    pub(crate) fn new(document: Document) -> Self {
        Self::with_chunk(document.stream, document.file, CHUNK_BYTES)
    }

    fn with_chunk(stream: Stream, file: Arc<str>, chunk: usize) -> Self {
        let buffer = vec![0; chunk].into_boxed_slice();
        let (start, end, before) = (0, 0, 0);
        let (counted, lines, line_start) = (0, 0, 0);
        Self { stream, file, buffer, start, end, before, counted, lines, line_start }
    }

    /// Returns the name of the document in messages.
    pub(crate) fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Returns the line of the position, counted from 1.
    pub(crate) fn line(&mut self) -> u64 {
        let fresh = &self.buffer[self.counted..self.start];
        self.lines += memchr_iter(b'\n', fresh).count() as u64;
        if let Some(at) = memrchr(b'\n', fresh) {
            self.line_start = self.before + (self.counted + at) as u64 + 1;
        }
        self.counted = self.start;
        self.lines + 1
    }

    /// Reads the next chunk if the buffer is used up. Returns `false` at the end of the document.
    fn fill(&mut self) -> Result<bool, SourceError> {
        if self.start < self.end {
            return Ok(true);
        }
        self.line();
        self.before += self.end as u64;
        self.counted = 0;
        self.start = 0;
        self.end = 0;
        loop {
            match self.stream.read(&mut self.buffer) {
                Ok(count) => {
                    self.end = count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(SourceError::read(&self.file, source)),
            }
        }
    }

    /// Returns an error at the position.
    pub(crate) fn error(&mut self, expected: &'static str) -> SourceError {
        let line = self.line();
        let byte = self.before + self.start as u64;
        SourceError::Json {
            file: self.file.to_string(),
            line,
            column: byte - self.line_start + 1,
            byte,
            expected,
            found: excerpt(&self.buffer[self.start..self.end]),
        }
    }

    /// Moves to the next byte that is not white space and returns it without consuming it, or `None` at the end.
    ///
    /// # Errors
    /// Returns [`SourceError::Read`] if the stream cannot be read.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, SourceError> {
        while self.fill()? {
            match self.buffer[self.start] {
                b' ' | b'\n' | b'\r' | b'\t' => self.start += 1,
                other => return Ok(Some(other)),
            }
        }
        Ok(None)
    }

    /// Consumes `byte`.
    ///
    /// # Errors
    /// Returns [`SourceError::Json`] if another byte follows.
    pub(crate) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), SourceError> {
        if self.peek()? != Some(byte) {
            return Err(self.error(expected));
        }
        self.start += 1;
        Ok(())
    }

    /// Moves to the next element of an array that was entered by `expect(b'[', ..)` and returns true, or consumes its
    /// `]` and returns false.
    ///
    /// # Errors
    /// Returns [`SourceError::Json`] if neither a comma nor the end follows.
    pub(crate) fn next_element(&mut self, first: &mut bool) -> Result<bool, SourceError> {
        match self.peek()? {
            Some(b']') => {
                self.start += 1;
                Ok(false)
            }
            Some(b',') if !*first => {
                self.start += 1;
                Ok(true)
            }
            Some(_) if std::mem::take(first) => Ok(true),
            _ => Err(self.error("',' or ']'")),
        }
    }

    /// Reads the next key, without quotes, of an object that was entered by `expect(b'{', ..)`, and consumes its
    /// colon. Returns `false` at the end of the object.
    ///
    /// # Errors
    /// Returns [`SourceError::Json`] if no key follows or it is longer than `limit`.
    pub(crate) fn next_key(
        &mut self,
        first: &mut bool,
        key: &mut Vec<u8>,
        limit: usize,
    ) -> Result<bool, SourceError> {
        match self.peek()? {
            Some(b'}') => {
                self.start += 1;
                return Ok(false);
            }
            Some(b',') if !*first => self.start += 1,
            Some(_) if *first => {}
            _ => return Err(self.error("',' or '}'")),
        }
        *first = false;
        key.clear();
        if self.peek()? != Some(b'"') {
            return Err(self.error("a key"));
        }
        if self.value(key, limit)? == Cut::TooLarge {
            return Err(self.error("a shorter key before"));
        }
        key.pop();
        key.drain(..key.len().min(1));
        self.expect(b':', "':'")?;
        Ok(true)
    }

    /// Appends the text of the next value to `bytes`.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if no value follows or the document ends within it.
    pub(crate) fn value(&mut self, bytes: &mut Vec<u8>, limit: usize) -> Result<Cut, SourceError> {
        let from = bytes.len();
        let Some(first) = self.peek()? else { return Err(self.error("a value")) };
        let Some(mut scan) = ValueScan::of(first) else { return Err(self.error("a value")) };
        let mut kept = true;
        loop {
            if !self.fill()? {
                // Only a number or a word may end where the document does.
                return if scan.is_word() { Ok(cut(kept)) } else { Err(self.error("the rest of a value")) };
            }
            let chunk = &self.buffer[self.start..self.end];
            let (count, done) = scan.advance(chunk);
            if kept && bytes.len() - from + count > limit {
                kept = false;
                bytes.truncate(from);
            }
            if kept {
                bytes.extend_from_slice(&chunk[..count]);
            }
            self.start += count;
            if done {
                return Ok(cut(kept));
            }
        }
    }

    /// Skips the next value.
    ///
    /// # Errors
    /// Returns the errors of [`JsonStream::value`].
    pub(crate) fn skip(&mut self) -> Result<(), SourceError> {
        self.value(&mut Vec::new(), 0).map(|_| ())
    }

    /// Checks that the document ends here. Reading to the end also verifies the compression.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if anything but white space follows or the compressed data is damaged.
    pub(crate) fn end(&mut self) -> Result<(), SourceError> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.error("the end of the file")),
        }
    }
}

fn cut(kept: bool) -> Cut {
    if kept { Cut::Whole } else { Cut::TooLarge }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Slow;
    use proptest::prelude::*;
    use serde_json::Value;

    fn stream(text: &[u8], most: usize, chunk: usize) -> JsonStream {
        let slow = Slow { bytes: text.to_vec(), at: 0, most };
        JsonStream::with_chunk(Box::new(slow), Arc::from("a.json"), chunk)
    }

    fn elements(mut json: JsonStream, limit: usize) -> Result<Vec<Option<Vec<u8>>>, SourceError> {
        let mut found = Vec::new();
        json.expect(b'[', "an array")?;
        let mut first = true;
        while json.next_element(&mut first)? {
            let mut bytes = Vec::new();
            found.push((json.value(&mut bytes, limit)? == Cut::Whole).then_some(bytes));
        }
        json.end()?;
        Ok(found)
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\[\\]{}\"\\\\,:]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|pairs| pairs.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_array_is_cut_alike_at_any_buffer_size(
            values in proptest::collection::vec(any_json(), 0..6),
            most in 1usize..50,
            chunk in 1usize..50,
            pretty in any::<bool>(),
        ) {
            let array = Value::from(values.clone());
            let text = if pretty { serde_json::to_vec_pretty(&array) } else { serde_json::to_vec(&array) };
            let found = elements(stream(&text.expect("in memory"), most, chunk), usize::MAX).expect("well-formed");
            let found: Vec<Value> = found
                .into_iter()
                .map(|bytes| serde_json::from_slice(&bytes.expect("whole")).expect("a value"))
                .collect();
            prop_assert_eq!(found, values);
        }

        #[test]
        fn a_cut_array_is_never_whole(values in proptest::collection::vec(any_json(), 1..4), at in any::<prop::sample::Index>()) {
            let text = serde_json::to_vec(&Value::from(values)).expect("in memory");
            prop_assert!(elements(stream(&text[..at.index(text.len())], 7, 16), usize::MAX).is_err());
        }

        #[test]
        fn any_bytes_end_without_panic(text in "[\\[\\]{}\",:\\\\a1 \n]{0,60}", chunk in 1usize..20) {
            let _ = elements(stream(text.as_bytes(), 9, chunk), 10);
        }
    }

    #[test]
    fn a_large_value_is_stepped_over() {
        let text = format!(r#"[{{"a": "{}"}}, 2, "{}"]"#, "x".repeat(500), "y".repeat(500));
        let found = elements(stream(text.as_bytes(), 64, 64), 100).expect("well-formed");
        assert_eq!(found, [None, Some(b"2".to_vec()), None]);
    }

    #[test]
    fn depth_is_no_matter() {
        let text = format!("[{}{}, 1]", "[".repeat(100_000), "]".repeat(100_000));
        let found = elements(stream(text.as_bytes(), 1000, 4096), usize::MAX).expect("well-formed");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn errors_name_line_column_and_byte() {
        let error = elements(stream(b"[1,\n 2\n 3]", 2, 3), 10).expect_err("a comma is missing");
        let SourceError::Json { line, column, byte, expected, .. } = error else { panic!("{error}") };
        assert_eq!((line, column, byte, expected), (3, 2, 8, "',' or ']'"));
    }

    #[test]
    fn keys_are_read() {
        let mut json = stream(b"{\"a\": 1, \"b\\\"\" : [2]}", 3, 4);
        json.expect(b'{', "an object").expect("an object");
        let (mut first, mut key, mut keys) = (true, Vec::new(), Vec::new());
        while json.next_key(&mut first, &mut key, 100).expect("a key") {
            keys.push(key.clone());
            json.skip().expect("a value");
        }
        json.end().expect("the end");
        assert_eq!(keys, [b"a".to_vec(), b"b\\\"".to_vec()]);
    }
}
