//! Values of numeric properties.

use super::RecordError;
use super::json::{Scalar, excerpt, parse_number};
use super::json_string::JsonString;
use super::odd_values::odd_message;

/// Words for a missing value, in any case. An empty text is missing too.
const MISSING_WORDS: [&[u8]; 8] = [b"na", b"n/a", b"nan", b"none", b"null", b"n.a.", b"#n/a", b"<na>"];
/// Placeholders for a missing value. They are worth a remark, because they may have another meaning.
const PLACEHOLDERS: [&str; 9] = ["-", "--", "\u{2013}", "\u{2014}", "?", ".", "n.d.", "tbd", "unknown"];

/// Whether a text denotes a missing value: an empty text, `na`, `n/a`, `n.a.`, `nan`, `none`, `null`, or the `#N/A`
/// and `<NA>` of spreadsheets and pandas.
pub fn is_missing(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.is_empty() || MISSING_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The value of a property in a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PropertyValue {
    /// An empty text or a word for a missing value.
    Missing,
    /// A placeholder such as a dash, `?` or `n.d.`. It counts as missing, but is worth a remark.
    Placeholder,
    /// A finite number.
    Number(f64),
    /// A text, an array, an object or an infinity.
    Other,
}

impl PropertyValue {
    /// Parses a text, such as a field of a table or a JSON string.
    pub fn of_text(text: &[u8]) -> Self {
        if let Some(number) = parse_number(text.trim_ascii()) {
            return Self::of_number(number);
        }
        if is_missing(text) {
            return Self::Missing;
        }
        let is_placeholder =
            PLACEHOLDERS.iter().any(|word| text.trim_ascii().eq_ignore_ascii_case(word.as_bytes()));
        if is_placeholder { Self::Placeholder } else { Self::Other }
    }

    /// Classifies a number. NaN is missing.
    pub fn of_number(number: f64) -> Self {
        if number.is_finite() {
            Self::Number(number)
        } else if number.is_nan() {
            Self::Missing
        } else {
            Self::Other
        }
    }

    /// Classifies a JSON value. A number in quotes is a number; a boolean is not.
    pub(super) fn of_scalar(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Missing,
            Scalar::Number(number) => Self::of_number(number),
            Scalar::String(JsonString { raw, escaped: false }) => Self::of_text(raw),
            Scalar::String(_) | Scalar::Bool(_) | Scalar::Container => Self::Other,
        }
    }

    /// Returns the number, or `None` if it is missing. Any other value counts as missing and adds a message to `odd`,
    /// unless the column is strict.
    ///
    /// # Errors
    /// Returns [`RecordError::PropertyValue`] for any other value in a strict column, with the `key` and the value as
    /// written.
    pub(super) fn number(
        self,
        key: &str,
        raw: &[u8],
        is_strict: bool,
        odd: &mut Vec<String>,
    ) -> Result<Option<f64>, RecordError> {
        match self {
            Self::Missing => Ok(None),
            Self::Number(number) => Ok(Some(number)),
            Self::Other if is_strict => {
                Err(RecordError::PropertyValue { key: key.to_owned(), value: excerpt(raw) })
            }
            Self::Placeholder | Self::Other => {
                odd.push(odd_message(key, raw));
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing_are_missing() {
        for text in ["", "  ", "na", "NaN", "None", "NULL", "n/a", "#N/A", "<NA>"] {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Missing, "{text:?}");
        }
        assert_eq!(PropertyValue::of_text(b" -1.5e3 "), PropertyValue::Number(-1500.0));
        for text in ["-", "\u{2013}", "N.D.", " ? "] {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Placeholder, "{text:?}");
        }
        for text in ["inf", "1.5 eV", "x", "1e999", "1,234", ">5"] {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Other, "{text:?}");
        }
    }

    #[test]
    fn an_odd_value_is_missing_with_a_message_or_a_fault() {
        let take = |text: &str, is_strict| {
            let mut odd = Vec::new();
            let raw = text.as_bytes();
            let number = PropertyValue::of_text(raw).number("gap", raw, is_strict, &mut odd);
            (number.map_err(|error| error.reason_code()), odd.len())
        };
        for is_strict in [false, true] {
            assert_eq!(take("1.5", is_strict), (Ok(Some(1.5)), 0));
            assert_eq!(take("NaN", is_strict), (Ok(None), 0));
            assert_eq!(take("-", is_strict), (Ok(None), 1));
        }
        assert_eq!(take(">5", false), (Ok(None), 1));
        assert_eq!(take(">5", true), (Err("bad_property_value"), 0));
    }
}
