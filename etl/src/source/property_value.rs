//! Values of properties.

use std::borrow::Cow;
use std::sync::Arc;

use schemas::property::PropertyKind;

use super::RecordError;
use super::json::{Scalar, excerpt, parse_number};
use super::json_string::JsonString;
use super::quote::odd_message;

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
    /// `true` or `false`.
    Boolean(bool),
    /// A text with a list of finite numbers, one at least; see `list_of_text`.
    List,
    /// Any other text, an array, an object or an infinity.
    Other,
}

/// How the values of a property are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As numbers. Any other value counts as missing, with a remark.
    Numbers,
    /// As numbers. Any other value is an error of its entry.
    StrictNumbers,
    /// As booleans, stored as 1 and 0. Any other value is an error of its entry.
    Booleans,
    /// As texts among these, stored as their indices.
    Classes(Arc<[String]>),
    /// As lists with a number of every site, stored as their indices; see [`Reading::list`]. Any other value counts as
    /// missing, with a remark.
    SiteNumbers,
}

impl Reading {
    /// Returns the kind of the column in a store.
    pub(crate) fn kind(&self) -> PropertyKind {
        match self {
            Self::Numbers | Self::StrictNumbers => PropertyKind::Number,
            Self::Booleans => PropertyKind::Boolean,
            Self::Classes(_) => PropertyKind::Class,
            Self::SiteNumbers => PropertyKind::SiteNumbers,
        }
    }

    /// Returns the names of the classes; empty for other properties.
    pub(crate) fn classes(&self) -> Arc<[String]> {
        match self {
            Self::Classes(names) => Arc::clone(names),
            Self::Numbers | Self::StrictNumbers | Self::Booleans | Self::SiteNumbers => Arc::new([]),
        }
    }

    /// Returns what a message calls a value.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Numbers | Self::StrictNumbers => "number",
            Self::Booleans => "boolean",
            Self::Classes(_) => "class",
            Self::SiteNumbers => "list of numbers",
        }
    }

    /// Returns the numbers in a text, if lists are wanted and it is one.
    pub(super) fn list(&self, text: &[u8]) -> Option<Vec<f64>> {
        if *self == Self::SiteNumbers { list_of_text(text) } else { None }
    }

    /// Returns the value of a property as a number, or `None` if it is missing. `raw` is the value as written, and
    /// `text` returns its text.
    ///
    /// A placeholder counts as missing, and so does a value that is of another kind or a word for a missing value
    /// among names of classes. Each adds a message to `odd`.
    ///
    /// # Errors
    /// Returns [`RecordError::PropertyValue`] for a value of another kind where it is an error, with the `key` and the
    /// value as written.
    pub(super) fn read<'t>(
        &self,
        value: PropertyValue,
        key: &str,
        raw: &[u8],
        text: impl FnOnce() -> Option<Cow<'t, str>>,
        odd: &mut Vec<String>,
    ) -> Result<Option<f64>, RecordError> {
        use PropertyValue::{Boolean, List, Missing, Number, Other, Placeholder};
        let found = match (self, value) {
            (Self::Classes(_), Missing) => {
                if !text().is_none_or(|text| text.trim().is_empty()) {
                    odd.push(odd_message(key, raw, self.noun()));
                }
                return Ok(None);
            }
            (_, Missing) => return Ok(None),
            (_, Placeholder) | (Self::Numbers, Boolean(_) | List | Other) | (Self::SiteNumbers, _) => {
                odd.push(odd_message(key, raw, self.noun()));
                return Ok(None);
            }
            (Self::Numbers | Self::StrictNumbers, Number(number)) => Some(number),
            (Self::Booleans, Boolean(truth)) => Some(f64::from(u8::from(truth))),
            (Self::Classes(names), Number(_) | Boolean(_) | List | Other) => text().and_then(|text| {
                let at = names.iter().position(|name| name == text.trim())?;
                Some(at as f64)
            }),
            (Self::StrictNumbers, Boolean(_) | List | Other) | (Self::Booleans, Number(_) | List | Other) => {
                None
            }
        };
        found.map(Some).ok_or_else(|| RecordError::PropertyValue {
            key: key.to_owned(),
            value: excerpt(raw),
            wanted: self.noun(),
        })
    }
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
        let is_word = |word: &str| text.trim_ascii().eq_ignore_ascii_case(word.as_bytes());
        if let Some(truth) = [false, true].into_iter().find(|truth| is_word(word_of(*truth))) {
            return Self::Boolean(truth);
        }
        if PLACEHOLDERS.iter().any(|word| is_word(word)) {
            return Self::Placeholder;
        }
        if list_of_text(text).is_some() { Self::List } else { Self::Other }
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

    /// Classifies a JSON value. A number or boolean in quotes is one, a list is none.
    pub(super) fn of_scalar(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Missing,
            Scalar::Number(number) => Self::of_number(number),
            Scalar::String(JsonString { raw, escaped: false }) => match Self::of_text(raw) {
                Self::List => Self::Other,
                value => value,
            },
            Scalar::Bool(truth) => Self::Boolean(truth),
            Scalar::String(_) | Scalar::Container => Self::Other,
        }
    }
}

/// Returns the numbers of a text such as `[0.4, -0.2, -0.2]`, as JSON and Python write lists, or `[ 0.4 -0.2 -0.2]`, as
/// NumPy does. Returns `None` for an empty list, and for one that holds anything but finite numbers.
pub(crate) fn list_of_text(text: &[u8]) -> Option<Vec<f64>> {
    let inner = text.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?.trim_ascii();
    let number = |text: &[u8]| parse_number(text.trim_ascii()).filter(|number| number.is_finite());
    if inner.contains(&b',') {
        return inner.split(|byte| *byte == b',').map(number).collect();
    }
    let words = inner.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let numbers: Vec<f64> = words.map(number).collect::<Option<_>>()?;
    (!numbers.is_empty()).then_some(numbers)
}

/// Returns the word for a truth value.
fn word_of(truth: bool) -> &'static str {
    if truth { "true" } else { "false" }
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
    fn only_true_and_false_are_booleans() {
        for (text, truth) in [("true", true), ("True", true), (" FALSE ", false), ("false", false)] {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Boolean(truth), "{text:?}");
        }
        for text in ["yes", "no", "t", "f", "truee", "1.0.0"] {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Other, "{text:?}");
        }
        assert_eq!(PropertyValue::of_text(b"1"), PropertyValue::Number(1.0));
        assert_eq!(PropertyValue::of_scalar(Scalar::Bool(true)), PropertyValue::Boolean(true));
    }

    #[test]
    fn lists_are_those_of_finite_numbers() {
        for text in ["[1, -0.5]", " [1,-0.5] ", "[ 1. -.5]", "[1e0\n -0.5]"] {
            assert_eq!(list_of_text(text.as_bytes()), Some(vec![1.0, -0.5]), "{text:?}");
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::List, "{text:?}");
        }
        assert_eq!(list_of_text(b"[2]"), Some(vec![2.0]));
        for text in
            ["[]", "[ ]", "[1, ]", "[1, NaN]", "[1, inf]", "[1, x]", "[[1, 2]]", "1, 2", "[1, 2", "[1 2, 3]"]
        {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Other, "{text:?}");
        }
        let mut odd = Vec::new();
        assert_eq!(Reading::SiteNumbers.list(b"[1, 2]"), Some(vec![1.0, 2.0]));
        assert_eq!(Reading::Numbers.list(b"[1, 2]"), None);
        for text in ["[1, x]", "1.5", "-", ""] {
            let value = PropertyValue::of_text(text.as_bytes());
            let read = Reading::SiteNumbers.read(value, "q", text.as_bytes(), || None, &mut odd);
            assert!(matches!(read, Ok(None)), "{text:?}");
        }
        assert_eq!(odd.len(), 3, "{odd:?}");
    }

    #[test]
    fn an_odd_value_is_missing_with_a_message_or_a_fault() {
        let take = |text: &'static str, reading: &Reading| {
            let mut odd = Vec::new();
            let raw = text.as_bytes();
            let value = PropertyValue::of_text(raw);
            let read = reading.read(value, "gap", raw, || Some(text.into()), &mut odd);
            (read.map_err(|error| error.reason_code()), odd.len())
        };
        let fault = (Err("bad_property_value"), 0);
        for reading in &[Reading::Numbers, Reading::StrictNumbers] {
            assert_eq!(take("1.5", reading), (Ok(Some(1.5)), 0));
            assert_eq!(take("NaN", reading), (Ok(None), 0));
            assert_eq!(take("-", reading), (Ok(None), 1));
        }
        for text in [">5", "true"] {
            assert_eq!(take(text, &Reading::Numbers), (Ok(None), 1));
            assert_eq!(take(text, &Reading::StrictNumbers), fault);
        }
        assert_eq!(take("true", &Reading::Booleans), (Ok(Some(1.0)), 0));
        assert_eq!(take("False", &Reading::Booleans), (Ok(Some(0.0)), 0));
        assert_eq!(take("none", &Reading::Booleans), (Ok(None), 0));
        assert_eq!(take("?", &Reading::Booleans), (Ok(None), 1));
        assert_eq!(take("1", &Reading::Booleans), fault);
        let classes = Reading::Classes(["FM", "1"].map(str::to_owned).into());
        assert_eq!(take(" FM ", &classes), (Ok(Some(0.0)), 0));
        assert_eq!(take("1", &classes), (Ok(Some(1.0)), 0));
        assert_eq!(take(" ", &classes), (Ok(None), 0));
        for text in ["none", "unknown"] {
            assert_eq!(take(text, &classes), (Ok(None), 1));
        }
        assert_eq!(take("fm", &classes), fault);
    }
}
