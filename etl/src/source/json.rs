//! In-place parsing of a JSON record, without a tree, allocation or recursion.
//!
//! Numbers are parsed by the correctly rounding parser of the standard library, so a coordinate is the double that
//! its publisher wrote. Python's `NaN` and `Infinity` are numbers.

use std::borrow::Cow;

use memchr::memchr2;
use thiserror::Error;

use super::json_string::JsonString;

/// An error of a record that is not the expected JSON.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("byte {byte} of the record: expected {expected}, found {found}")]
pub struct JsonError {
    /// Byte offset in the record.
    pub byte: usize,
    /// What was expected.
    pub expected: &'static str,
    /// What was found, shortened.
    pub found: String,
}

/// Number of bytes of an excerpt.
const EXCERPT_BYTES: usize = 24;

/// Returns the beginning of `bytes` for a message.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    match bytes {
        [] => "the end".to_owned(),
        _ => format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(EXCERPT_BYTES)])),
    }
}

/// Returns the error of a key that an object has twice although its values are no properties. `byte` is the offset of the
/// second one, or 0 if it is not known.
pub(super) fn given_twice(key: &[u8], byte: usize) -> JsonError {
    let found = format!("a second \"{}\"", String::from_utf8_lossy(key));
    JsonError { byte, expected: "every key once", found }
}

/// A JSON value. The content of arrays and objects is not kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, `NaN` and the infinities included.
    Number(f64),
    /// A string.
    String(JsonString<'a>),
    /// An array or object, which was skipped.
    Container,
}

impl<'a> Scalar<'a> {
    /// Returns the text of a value that is written as `raw`: that of a string without quotes and escapes. Returns
    /// `None` for `null`, arrays and objects.
    pub(super) fn text(self, raw: &'a [u8]) -> Option<Cow<'a, str>> {
        match self {
            Self::String(text) => Some(text.text()),
            Self::Bool(_) | Self::Number(_) => Some(String::from_utf8_lossy(raw)),
            Self::Null | Self::Container => None,
        }
    }
}

/// A position in a record.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// Creates a cursor at the start of a record.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Returns the number of bytes before the cursor.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    fn error(&self, expected: &'static str) -> JsonError {
        JsonError { byte: self.position, expected, found: excerpt(self.rest()) }
    }

    /// Moves to the next byte that is not white space and returns it, without consuming it.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.position) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.position += 1,
                other => return other.copied(),
            }
        }
    }

    /// Consumes `byte`.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if another byte follows.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.error(expected));
        }
        self.position += 1;
        Ok(())
    }

    /// Moves to the next element of an array that was entered by `expect(b'[', ..)` and returns true, or consumes its
    /// `]` and returns false. `first` must be true before the first element, and is updated.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if neither a comma nor the end follows.
    #[inline]
    pub(super) fn next_element(&mut self, first: &mut bool) -> Result<bool, JsonError> {
        match self.peek() {
            Some(b']') => {
                self.position += 1;
                Ok(false)
            }
            Some(b',') if !*first => {
                self.position += 1;
                Ok(true)
            }
            Some(_) if std::mem::take(first) => Ok(true),
            _ => Err(self.error("',' or ']'")),
        }
    }

    /// Consumes the next key and colon of an object that was entered by `expect(b'{', ..)`, or its `}`, for which it
    /// returns `None`. `first` must be true before the first key, and is updated.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no key follows.
    #[inline]
    pub(super) fn next_key(&mut self, first: &mut bool) -> Result<Option<JsonString<'a>>, JsonError> {
        match self.peek() {
            Some(b'}') => {
                self.position += 1;
                return Ok(None);
            }
            Some(b',') if !*first => self.position += 1,
            Some(_) if *first => {}
            _ => return Err(self.error("',' or '}'")),
        }
        *first = false;
        let key = self.string()?;
        self.expect(b':', "':'")?;
        Ok(Some(key))
    }

    /// Reads a string.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no string follows or it has no end.
    #[inline]
    pub(super) fn string(&mut self) -> Result<JsonString<'a>, JsonError> {
        self.expect(b'"', "a string")?;
        let start = self.position;
        let mut escaped = false;
        loop {
            let rest = self.rest();
            let Some(at) = memchr2(b'"', b'\\', rest) else {
                self.position = self.bytes.len();
                return Err(self.error("'\"'"));
            };
            if rest.get(at) == Some(&b'"') {
                let raw = self.bytes.get(start..self.position + at).unwrap_or_default();
                self.position += at + 1;
                return Ok(JsonString { raw, escaped });
            }
            escaped = true;
            self.position += at + 2;
        }
    }

    /// Reads a number, which may be `NaN`, `Infinity` or `-Infinity`.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no number follows.
    #[inline]
    pub(super) fn number(&mut self) -> Result<f64, JsonError> {
        self.peek();
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| number_byte(**byte)).count();
        let digits = &rest[..length];
        if let Some(number) = parse_number(digits) {
            self.position += length;
            return Ok(number);
        }
        for (word, number) in [
            (b"NaN".as_slice(), f64::NAN),
            (b"Infinity".as_slice(), f64::INFINITY),
            (b"-Infinity".as_slice(), f64::NEG_INFINITY),
        ] {
            if rest.starts_with(word) {
                self.position += word.len();
                return Ok(number);
            }
        }
        Err(self.error("a number"))
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if neither follows.
    pub(super) fn boolean(&mut self) -> Result<bool, JsonError> {
        self.peek();
        for (word, value) in [(b"true".as_slice(), true), (b"false".as_slice(), false)] {
            if self.rest().starts_with(word) {
                self.position += word.len();
                return Ok(value);
            }
        }
        Err(self.error("true or false"))
    }

    /// Reads an array of three numbers, such as a position or a lattice vector.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no array of three numbers follows.
    #[inline]
    pub(super) fn triple(&mut self) -> Result<[f64; 3], JsonError> {
        let mut triple = [0.0; 3];
        self.expect(b'[', "an array of 3 numbers")?;
        for (index, number) in triple.iter_mut().enumerate() {
            if index > 0 {
                self.expect(b',', "3 numbers")?;
            }
            *number = self.number()?;
        }
        self.expect(b']', "3 numbers")?;
        Ok(triple)
    }

    /// Reads any value. Arrays and objects are skipped.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no value follows or it has no end.
    pub(super) fn scalar(&mut self) -> Result<Scalar<'a>, JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::String),
            Some(b'[' | b'{') => self.skip_container().map(|()| Scalar::Container),
            Some(b't' | b'f') => self.boolean().map(Scalar::Bool),
            Some(b'n') if self.rest().starts_with(b"null") => {
                self.position += 4;
                Ok(Scalar::Null)
            }
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number().map(Scalar::Number),
            _ => Err(self.error("a value")),
        }
    }

    /// Skips any value.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no value follows or it has no end.
    #[inline]
    pub(super) fn skip(&mut self) -> Result<(), JsonError> {
        self.scalar().map(|_| ())
    }

    /// Skips any value and returns its text.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if no value follows or it has no end.
    pub(super) fn raw(&mut self) -> Result<&'a [u8], JsonError> {
        self.peek();
        let start = self.position;
        self.skip()?;
        Ok(self.bytes.get(start..self.position).unwrap_or_default())
    }

    /// Skips an array or object by counting brackets. Its content is not examined, and any depth is possible.
    fn skip_container(&mut self) -> Result<(), JsonError> {
        let mut depth = 0usize;
        while let Some(&byte) = self.bytes.get(self.position) {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.position += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.position += 1;
        }
        Err(self.error("']' or '}'"))
    }

    /// Checks that the record ends here.
    ///
    /// # Errors
    /// Returns a [`JsonError`] if anything but white space follows.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end of the record")),
        }
    }
}

/// Whether a byte may be part of a number.
#[inline]
fn number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// Parses a decimal number as the nearest double. Returns `None` for any other text, including words such as `nan`
/// and `inf`.
#[inline]
pub(super) fn parse_number(text: &[u8]) -> Option<f64> {
    if !text.iter().all(|&byte| number_byte(byte)) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scalars_are_read() {
        let mut cursor = Cursor::new(br#" [null, true, -1.5e2, "a\"b", {"x": [1, "]"]}, NaN]"#);
        cursor.expect(b'[', "an array").expect("an array");
        let mut values = Vec::new();
        let mut first = true;
        while cursor.next_element(&mut first).expect("an element") {
            values.push(cursor.scalar().expect("a value"));
        }
        cursor.end().expect("the end");
        assert_eq!(values[..3], [Scalar::Null, Scalar::Bool(true), Scalar::Number(-150.0)]);
        assert!(matches!(values[3], Scalar::String(text) if text.text() == "a\"b"));
        assert_eq!(values[4], Scalar::Container);
        assert!(matches!(values[5], Scalar::Number(number) if number.is_nan()));
    }

    #[test]
    fn depth_is_no_matter() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Cursor::new(deep.as_bytes()).scalar(), Ok(Scalar::Container));
        let open = "{\"a\":".repeat(100_000);
        assert!(Cursor::new(open.as_bytes()).skip().is_err());
    }

    #[test]
    fn errors_say_where_and_what() {
        let mut cursor = Cursor::new(b"[1, 2 3]");
        let error = cursor.triple().expect_err("two numbers");
        assert_eq!((error.byte, error.expected), (6, "3 numbers"));
        assert_eq!(error.found, "\"3]\"");
    }

    #[test]
    fn commas_are_needed_and_may_not_lead() {
        for bad in ["[1 2]", "[,1]", "[1,]"] {
            let mut cursor = Cursor::new(bad.as_bytes());
            cursor.expect(b'[', "an array").expect("an array");
            let mut first = true;
            let result = loop {
                match cursor
                    .next_element(&mut first)
                    .and_then(|more| if more { cursor.number().map(Some) } else { Ok(None) })
                {
                    Ok(Some(_)) => {}
                    other => break other,
                }
            };
            assert!(result.is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut cursor = Cursor::new(&bytes);
            while cursor.peek().is_some() && cursor.scalar().is_ok() {}
        }

        #[test]
        fn numbers_are_exact(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
            let text = format!("{number:e}");
            prop_assert_eq!(Cursor::new(text.as_bytes()).number().map(f64::to_bits), Ok(number.to_bits()));
        }
    }
}
