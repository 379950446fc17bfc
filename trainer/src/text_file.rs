//! Reading of text files that users write: configurations, tasks and grids.

use std::io::{self, ErrorKind};
use std::path::Path;

use schemas::bounded;

/// Maximum number of bytes of a text.
const MAX_BYTES: u64 = 16 << 20;
/// Byte order mark of UTF-8, which some programs write at the beginning of a text.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Reads a text in UTF-8 and removes a byte order mark.
///
/// # Errors
/// Those of the file system, and [`ErrorKind::InvalidData`] for a file that is too large, is UTF-16, or has a line
/// that is not UTF-8.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    decode(bounded::read(path, MAX_BYTES)?)
}

/// Returns the text of bytes in UTF-8, without a byte order mark.
///
/// # Errors
/// [`ErrorKind::InvalidData`] for UTF-16, and for the first line that is not UTF-8.
pub(crate) fn decode(mut bytes: Vec<u8>) -> io::Result<String> {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    let refuse = |problem: String| io::Error::new(ErrorKind::InvalidData, problem);
    // UTF-16 begins with a byte order mark or, without one, with a character of ASCII and its zero byte.
    // PowerShell's `>` writes such files.
    if matches!(*bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]) {
        return Err(refuse("the text is UTF-16: save it as UTF-8".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        refuse(format!("line {line} is not UTF-8: save the text as UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        decode(bytes.to_vec()).expect_err("no UTF-8").to_string()
    }

    #[test]
    fn other_encodings_are_named() {
        let little: Vec<u8> = "seed = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "seed = 1".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in
            [&little, &big, &[&[0xff, 0xfe], &little[..]].concat(), &[&[0xfe, 0xff], &big[..]].concat()]
        {
            assert_eq!(refusal(bytes), "the text is UTF-16: save it as UTF-8");
        }
        assert_eq!(refusal(b"a = 1\nb = \"\xe9\""), "line 2 is not UTF-8: save the text as UTF-8");
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        for text in ["\u{feff}seed = 1", "seed = 1"] {
            assert_eq!(decode(text.into()).expect("UTF-8"), "seed = 1");
        }
        assert_eq!(decode("Å".into()).expect("UTF-8"), "Å");
        assert_eq!(decode(Vec::new()).expect("UTF-8"), "");
    }
}
