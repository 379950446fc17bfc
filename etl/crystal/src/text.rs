//! Encodings of texts.

/// Whether a text is in UTF-16 or UTF-32, as shown by its byte order mark or its zero bytes.
pub(crate) fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.get(..4).is_some_and(|head| head.contains(&0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_texts_are_told() {
        for text in [&b"\xff\xfed\0"[..], b"\xfe\xff\0d", b"d\0a\0", b"\0d\0a"] {
            assert!(is_wide(text), "{text:?}");
        }
        for text in [&b""[..], b"d", b"\xef\xbb\xbfdata", b"data\0", "é".as_bytes()] {
            assert!(!is_wide(text), "{text:?}");
        }
    }
}
