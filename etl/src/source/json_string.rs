//! JSON strings, as written and as text.

use std::borrow::Cow;

/// A JSON string as written between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonString<'a> {
    /// The bytes between the quotes, with escapes.
    pub(crate) raw: &'a [u8],
    /// Whether there are escapes.
    pub(crate) escaped: bool,
}

impl<'a> JsonString<'a> {
    /// Returns the text. It is borrowed unless it has escapes. Invalid UTF-8 and lone surrogates become U+FFFD.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        if !self.escaped {
            return String::from_utf8_lossy(self.raw);
        }
        let mut text = Vec::with_capacity(self.raw.len());
        unescape(self.raw, &mut text);
        Cow::Owned(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Appends the text of a string with escapes. Lone surrogates become U+FFFD.
pub(super) fn unescape(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied();
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            Some(b'n') => text.push(b'\n'),
            Some(b't') => text.push(b'\t'),
            Some(b'r') => text.push(b'\r'),
            Some(b'b') => text.push(8),
            Some(b'f') => text.push(12),
            Some(b'u') => {
                let (character, length) = unicode_escape(rest);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = rest.get(length..).unwrap_or_default();
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text.extend_from_slice(rest);
}

/// Returns the character of an escape `XXXX` (and of a following low surrogate `\uXXXX`), and the number of its
/// bytes.
fn unicode_escape(rest: &[u8]) -> (char, usize) {
    let unit = |from: usize| {
        let digits = std::str::from_utf8(rest.get(from..from + 4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(high) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if (0xd800..0xdc00).contains(&high)
        && rest.get(4..6) == Some(b"\\u")
        && let Some(low) = unit(6).filter(|low| (0xdc00..0xe000).contains(low))
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_resolved() {
        let text = |raw: &'static str| JsonString { raw: raw.as_bytes(), escaped: true }.text().into_owned();
        assert_eq!(text(r"\u00e9\n\\n\/\ud83d\ude00 \ud800x"), "é\n\\n/😀 \u{fffd}x");
        assert_eq!(text("plain"), "plain");
        assert_eq!(text(r"cut\"), "cut");
        assert_eq!(text(r"cut\u00"), "cut\u{fffd}00");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let json = serde_json::to_vec(&text).expect("in memory");
            let raw = &json[1..json.len() - 1];
            prop_assert_eq!(JsonString { raw, escaped: true }.text(), text.as_str());
        }

        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            unescape(&bytes, &mut Vec::new());
        }
    }
}
