//! Detection of the end of a JSON value, chunk by chunk.
//!
//! An array or object ends where brackets of its kind are balanced outside strings. That takes a counter and a search
//! for three bytes, whatever the content and depth.

use memchr::{memchr2, memchr3};

/// The state of scanning a value, which is carried from chunk to chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueScan {
    /// The opening bracket or quote of the value; 0 for a number or a word.
    open: u8,
    close: u8,
    /// Number of open brackets.
    depth: usize,
    in_string: bool,
    /// Whether the previous byte was a backslash in a string.
    escaping: bool,
}

impl ValueScan {
    /// Creates the state before a value that starts with `first`. Returns `None` if no value starts with it.
    pub(super) fn of(first: u8) -> Option<Self> {
        let (open, close) = match first {
            b'{' => (b'{', b'}'),
            b'[' => (b'[', b']'),
            b'"' => (b'"', b'"'),
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => (0, 0),
            _ => return None,
        };
        Some(Self { open, close, depth: 0, in_string: false, escaping: false })
    }

    /// Whether the value is a number, `true`, `false` or `null`, which has no closing character.
    pub(super) fn is_word(&self) -> bool {
        self.open == 0
    }

    /// Returns the number of bytes in `chunk` that belong to the value, and whether it ends with them.
    #[inline]
    pub(super) fn advance(&mut self, chunk: &[u8]) -> (usize, bool) {
        if self.is_word() {
            let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
            let end = chunk.iter().position(ends);
            return (end.unwrap_or(chunk.len()), end.is_some());
        }
        let mut at = 0;
        loop {
            if self.in_string {
                at += self.skip_string(&chunk[at..]);
                if self.in_string {
                    return (at, false);
                }
                if self.depth == 0 {
                    return (at, true);
                }
            }
            let Some(found) = memchr3(b'"', self.open, self.close, &chunk[at..]) else {
                return (chunk.len(), false);
            };
            at += found + 1;
            match chunk[at - 1] {
                b'"' => self.in_string = true,
                byte if byte == self.open => self.depth += 1,
                _ => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at, true);
                    }
                }
            }
        }
    }

    /// Skips a string after its opening quote. Clears `in_string` at its end.
    fn skip_string(&mut self, chunk: &[u8]) -> usize {
        let mut at = 0;
        if self.escaping && !chunk.is_empty() {
            self.escaping = false;
            at = 1;
        }
        while let Some(found) = memchr2(b'"', b'\\', &chunk[at..]) {
            at += found + 1;
            if chunk[at - 1] == b'"' {
                self.in_string = false;
                return at;
            }
            if at == chunk.len() {
                self.escaping = true;
                return at;
            }
            at += 1;
        }
        chunk.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Length of the first value of `text`, fed in chunks of `size`.
    fn length(text: &str, size: usize) -> Option<usize> {
        let mut scan = ValueScan::of(*text.as_bytes().first()?)?;
        let mut length = 0;
        for chunk in text.as_bytes().chunks(size) {
            let (count, done) = scan.advance(chunk);
            length += count;
            if done {
                return Some(length);
            }
        }
        None
    }

    #[test]
    fn a_value_ends_with_its_own_bracket() {
        for (value, rest) in [
            (r#"{"a": [1, {"}": "]"}], "b\"}": "\\"}"#, ", {}"),
            (r#"[[], "[", {"]": 1}]"#, "]"),
            (r#""a\\\"b""#, ": 1"),
            ("-1.5e3", ","),
            ("null", " "),
            ("\"\"", "\""),
        ] {
            let text = format!("{value}{rest}");
            for size in 1..=text.len() {
                assert_eq!(length(&text, size), Some(value.len()), "{text} by {size}");
            }
            assert_eq!(length(&value[..value.len() - 1], 3), None, "{value}");
        }
        assert!(ValueScan::of(b',').is_none() && ValueScan::of(b']').is_none());
    }
}
