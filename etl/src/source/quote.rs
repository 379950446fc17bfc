//! Quotations of values in messages.

/// Largest number of characters of a value that a message quotes.
const SHOWN_CHARACTERS: usize = 60;

/// Returns the beginning of a value for a message.
pub(crate) fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().take(SHOWN_CHARACTERS).collect()
}

/// Returns the message about a value that counts as missing because it is no `wanted`, such as a number.
pub(super) fn odd_message(key: &str, value: &[u8], wanted: &str) -> String {
    let text = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
    format!("{key} is {:?}, no {wanted}: taken as missing", shown(text.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_the_value_without_its_quotes() {
        let message = odd_message("gap", b"\"n.d.\"", "number");
        assert_eq!(message, "gap is \"n.d.\", no number: taken as missing");
        assert!(odd_message("gap", &[b'x'; 4096], "number").len() < 200);
    }
}
