//! JSON objects that end with the SHA-256 of everything before it, so that damage is noticed.
//!
//! The checksum is the last member of the object, so any JSON reader can read a sealed object. An object without a
//! checksum, written by hand or by an earlier version, is accepted. If the key of the checksum is damaged, readers
//! that accept known keys only will refuse it.

use crate::hash::sha256;

/// Text between the last member and the checksum.
const KEY: &str = ",\n  \"checksum\": \"";
/// Text after the checksum.
const END: &str = "\"\n}\n";
/// End of an unsealed object.
const OPEN_END: &str = "\n}\n";
/// Number of characters of a SHA-256 in hexadecimal.
const HEX_DIGITS: usize = 64;

/// An error of an object whose content differs from what was sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damaged: the SHA-256 of its content is {found}, its checksum {expected}")]
pub struct BrokenSeal {
    /// The SHA-256 that the object states.
    pub expected: String,
    /// The SHA-256 of the present content.
    pub found: String,
}

/// Seals an object, given as indented JSON whose last line is `}`. Any other text is returned unchanged.
pub fn seal(mut json: String) -> String {
    if !json.ends_with('\n') {
        json.push('\n');
    }
    let Some(members) = json.strip_suffix(OPEN_END) else { return json };
    let checksum = sha256(members);
    [members, KEY, &checksum, END].concat()
}

/// Returns a sealed object without its checksum. Line numbers do not change. An unsealed text is returned unchanged.
///
/// # Errors
/// Returns [`BrokenSeal`] if the content differs from what was sealed.
pub fn open(text: &str) -> Result<String, BrokenSeal> {
    let sealed = text.strip_suffix(END).and_then(|rest| {
        let (rest, checksum) = rest.split_at_checked(rest.len().checked_sub(HEX_DIGITS)?)?;
        Some((rest.strip_suffix(KEY)?, checksum))
    });
    let Some((members, expected)) = sealed else { return Ok(text.to_owned()) };
    let found = sha256(members);
    if found != expected {
        return Err(BrokenSeal { expected: expected.to_owned(), found });
    }
    Ok([members, OPEN_END].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Notes {
        count: u64,
        names: Vec<String>,
    }

    fn notes() -> (Notes, String) {
        let notes = Notes { count: 12, names: vec!["a".to_owned(), "b".to_owned()] };
        let text = serde_json::to_string_pretty(&notes).expect("plain data");
        (notes, text)
    }

    /// What a reader makes of some text.
    fn read(text: &str) -> Option<Notes> {
        serde_json::from_str(&open(text).ok()?).ok()
    }

    #[test]
    fn a_sealed_object_is_json_and_opens_to_what_was_sealed() {
        let (notes, text) = notes();
        let sealed = seal(text.clone());
        let value: serde_json::Value = serde_json::from_str(&sealed).expect("JSON");
        assert_eq!(value["count"], 12);
        assert_eq!(value["checksum"].as_str().map(str::len), Some(HEX_DIGITS));
        assert_eq!(open(&sealed).expect("whole"), format!("{text}\n"));
        assert_eq!(read(&sealed), Some(notes.clone()));
        assert_eq!(read(&text), Some(notes), "without a seal it is taken as it is");
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        assert_eq!(seal("[1, 2]\n".to_owned()), "[1, 2]\n");
        assert_eq!(open("").expect("not sealed"), "");
    }

    proptest! {
        #[test]
        fn no_damage_reads_as_something_else(at in any::<prop::sample::Index>(), bit in 0_u32..8, cut in any::<bool>()) {
            let (notes, text) = notes();
            let mut bytes = seal(text).into_bytes();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << bit;
            }
            if let Some(read) = std::str::from_utf8(&bytes).ok().and_then(read) {
                prop_assert_eq!(read, notes);
            }
        }
    }
}
