//! Lines of a POSCAR and their fields.

use super::PoscarError;

/// Longest value quoted in a message, bytes.
const EXCERPT_BYTES: usize = 60;
/// Byte order mark that some editors leave in front of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The start of a value, to be quoted in a message. In a damaged file one line may be the whole file.
pub(super) fn excerpt(value: &[u8]) -> String {
    String::from_utf8_lossy(&value[..value.len().min(EXCERPT_BYTES)]).into_owned()
}

/// Iterates over the lines of a text and counts them.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: Option<&'a [u8]>,
    /// Number of the line read last, counted from 1.
    pub(super) number: u32,
}

impl<'a> Lines<'a> {
    /// Before the first line.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)), number: 0 }
    }

    /// The next line, trimmed.
    ///
    /// # Errors
    /// [`PoscarError::TooShort`], which names what is `missing`.
    pub(super) fn next(&mut self, missing: &'static str) -> Result<&'a [u8], PoscarError> {
        let Some(rest) = self.rest.filter(|rest| !rest.is_empty()) else {
            return Err(PoscarError::TooShort { line: self.number + 1, missing });
        };
        self.number = self.number.saturating_add(1);
        let (line, rest) = match memchr::memchr(b'\n', rest) {
            Some(at) => (&rest[..at], rest.get(at + 1..)),
            None => (rest, None),
        };
        self.rest = rest;
        Ok(line.trim_ascii())
    }

    /// The next line if it meets a condition; it is not consumed otherwise.
    pub(super) fn next_if(&mut self, condition: impl FnOnce(&[u8]) -> bool) -> Option<&'a [u8]> {
        let mut ahead = self.clone();
        let line = ahead.next("").ok().filter(|line| condition(line))?;
        *self = ahead;
        Some(line)
    }
}

/// Fields of a line.
pub(super) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

/// A finite number, possibly with Fortran's exponent letter `d`.
pub(super) fn number(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field).ok()?;
    // The standard library also knows the words `inf` and `nan`, which are not finite.
    let number = text.parse::<f64>().ok().or_else(|| text.replace(['d', 'D'], "e").parse().ok())?;
    number.is_finite().then_some(number)
}

/// Three numbers at the start of a line.
///
/// # Errors
/// [`PoscarError::BadNumber`], which names `field`.
pub(super) fn triple(line: &[u8], number_of_line: u32, field: &'static str) -> Result<[f64; 3], PoscarError> {
    let mut found = fields(line);
    let mut triple = [0.0; 3];
    for value in &mut triple {
        let text = found.next().unwrap_or_default();
        *value = number(text).ok_or_else(|| PoscarError::BadNumber {
            line: number_of_line,
            field,
            value: excerpt(text),
        })?;
    }
    Ok(triple)
}
