//! The lines of a POSCAR and their fields.

use super::PoscarError;

/// Longest value quoted in a message, in bytes.
const EXCERPT_BYTES: usize = 60;
/// UTF-8 byte order mark, which some editors write at the start of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns the beginning of a value for a message. In a damaged file one line may be the whole file.
pub(super) fn excerpt(value: &[u8]) -> String {
    String::from_utf8_lossy(&value[..value.len().min(EXCERPT_BYTES)]).into_owned()
}

/// An iterator over the lines of a text that counts them.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: Option<&'a [u8]>,
    /// Byte at the end of every line.
    end: u8,
    /// Number of the last line read, counted from 1.
    pub(super) number: u32,
}

impl<'a> Lines<'a> {
    /// Creates an iterator at the first line.
    pub(super) fn new(text: &'a [u8]) -> Self {
        // Old Macintosh programs end lines with a carriage return alone.
        let end = if memchr::memchr(b'\n', text).is_none() { b'\r' } else { b'\n' };
        Self { rest: Some(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)), end, number: 0 }
    }

    /// Returns the next line, trimmed.
    ///
    /// # Errors
    /// Returns [`PoscarError::TooShort`], which names the `missing` part, at the end of the text.
    pub(super) fn next(&mut self, missing: &'static str) -> Result<&'a [u8], PoscarError> {
        let Some(rest) = self.rest.filter(|rest| !rest.is_empty()) else {
            return Err(PoscarError::TooShort { line: self.number + 1, missing });
        };
        self.number = self.number.saturating_add(1);
        let (line, rest) = match memchr::memchr(self.end, rest) {
            Some(at) => (&rest[..at], rest.get(at + 1..)),
            None => (rest, None),
        };
        self.rest = rest;
        Ok(line.trim_ascii())
    }

    /// Returns the next line if it meets the condition. Otherwise the line is not consumed.
    pub(super) fn next_if(&mut self, condition: impl FnOnce(&[u8]) -> bool) -> Option<&'a [u8]> {
        let mut ahead = self.clone();
        let line = ahead.next("").ok().filter(|line| condition(line))?;
        *self = ahead;
        Some(line)
    }
}

/// Returns the fields of a line, separated by blanks.
pub(super) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

/// Parses a finite number. The exponent letter may be Fortran's `d`.
pub(super) fn number(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field).ok()?;
    // The standard library also parses `inf` and `nan`, which are not finite.
    let number = text.parse::<f64>().ok().or_else(|| text.replace(['d', 'D'], "e").parse().ok())?;
    number.is_finite().then_some(number)
}

/// Parses the three numbers at the start of a line.
///
/// # Errors
/// Returns [`PoscarError::BadNumber`], which names `field`, if one is missing or invalid.
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
