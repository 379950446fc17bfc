//! Numeric properties of a source: which keys are numeric, which column each fills, and what
//! counts as a value.

use schemas::property::{by_column, documented_column, passthrough_column};
use schemas::store::{SPLIT_PREFIX, column_by_name};

use super::json::{Scalar, excerpt, parse_number};
use super::json_string::JsonString;
use super::{PropertyColumn, RecordError, SourceError};

/// Most property keys a source may have.
pub(super) const MAX_PROPERTY_KEYS: usize = 4096;
/// Prefix of a property whose plain name is a column that every store has.
const CLASH_PREFIX: &str = "property_";
/// Words that stand for a missing value, whatever their case; so does nothing at all.
const MISSING_WORDS: [&[u8]; 5] = [b"na", b"n/a", b"nan", b"none", b"null"];

/// Whether a text stands for a missing value: nothing, `na`, `n/a`, `nan`, `none` or `null`.
pub fn is_missing(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.is_empty() || MISSING_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A property's value as a source gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PropertyValue {
    /// Nothing, or a word for it.
    Missing,
    /// A finite number.
    Number(f64),
    /// Text, a container, an infinity.
    Other,
}

impl PropertyValue {
    /// Value of a text, such as a table's field or a JSON string.
    pub fn of_text(text: &[u8]) -> Self {
        if let Some(number) = parse_number(text.trim_ascii()) {
            return Self::of_number(number);
        }
        if is_missing(text) { Self::Missing } else { Self::Other }
    }

    /// Value of a number: NaN is missing.
    pub fn of_number(number: f64) -> Self {
        if number.is_finite() {
            Self::Number(number)
        } else if number.is_nan() {
            Self::Missing
        } else {
            Self::Other
        }
    }

    /// Value of a JSON scalar; a number in quotes is a number, a truth value is none.
    pub(super) fn of_scalar(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Missing,
            Scalar::Number(number) => Self::of_number(number),
            Scalar::String(JsonString { raw, escaped: false }) => Self::of_text(raw),
            Scalar::String(_) | Scalar::Bool(_) | Scalar::Container => Self::Other,
        }
    }

    /// The number, `None` where it is missing.
    ///
    /// # Errors
    /// [`RecordError::PropertyValue`] for anything else, naming `key` and the value as it stands.
    pub(super) fn number(self, key: &str, raw: &[u8]) -> Result<Option<f64>, RecordError> {
        match self {
            Self::Missing => Ok(None),
            Self::Number(number) => Ok(Some(number)),
            Self::Other => Err(RecordError::PropertyValue { key: key.to_owned(), value: excerpt(raw) }),
        }
    }
}

/// Gives every key of a source a column of its own.
///
/// A documented key gets its documented column, or, where another key of the source took it, the
/// name it would have without documentation. A plain name that a store has for something else gets
/// `property_` in front.
///
/// # Errors
/// [`SourceError::DuplicateColumn`] where two keys still meet in one column.
pub(crate) fn assign_columns(
    file: &str,
    qualifier: &str,
    prefix: &str,
    keys: impl IntoIterator<Item = String>,
) -> Result<Vec<PropertyColumn>, SourceError> {
    let mut columns: Vec<PropertyColumn> = Vec::new();
    for key in keys {
        let taken = |column: &str| columns.iter().find(|other| other.column == column);
        let documented = documented_column(qualifier, &key).map(|property| property.column.to_owned());
        let column = match documented.filter(|column| taken(column).is_none()) {
            Some(column) => column,
            None => plain_column(prefix, &key),
        };
        if let Some(other) = taken(&column) {
            return Err(SourceError::DuplicateColumn {
                file: file.to_owned(),
                first: other.key.clone(),
                second: key,
                column,
            });
        }
        columns.push(PropertyColumn { column, key });
    }
    Ok(columns)
}

/// Column of a key without documentation, kept clear of the columns that every store has.
fn plain_column(prefix: &str, key: &str) -> String {
    let column = passthrough_column(prefix, key);
    let clash = column_by_name(&column).is_some()
        || by_column(&column).is_some()
        || column.starts_with(SPLIT_PREFIX)
        || column == "split"
        || column == "fold";
    if clash { format!("{CLASH_PREFIX}{column}") } else { column }
}

/// Position of a key among few, in about one comparison where the records' keys come in one order.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyIndex {
    keys: Vec<Vec<u8>>,
    next: usize,
}

impl KeyIndex {
    /// Index of `keys`, in their order.
    pub(super) fn new(keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { keys: keys.into_iter().collect(), next: 0 }
    }

    /// Position of a key; the key after the one found last is tried first.
    #[inline]
    pub(super) fn find(&mut self, key: &[u8]) -> Option<usize> {
        let at = match self.keys.get(self.next) {
            Some(expected) if expected == key => self.next,
            _ => self.keys.iter().position(|other| other == key)?,
        };
        self.next = (at + 1) % self.keys.len();
        Some(at)
    }
}

/// What the values of a source's keys are, gathered before its records are read.
#[derive(Debug, Default)]
pub(super) struct KeyScan {
    index: KeyIndex,
    seen: Vec<Seen>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    number: bool,
    other: bool,
}

impl KeyScan {
    /// Takes a key's value in one more record; `false` where the source has too many keys.
    pub(super) fn see(&mut self, key: &[u8], value: PropertyValue) -> bool {
        let at = match self.index.find(key) {
            Some(at) => at,
            None if self.seen.len() == MAX_PROPERTY_KEYS => return false,
            None => {
                self.index.keys.push(key.to_vec());
                self.seen.push(Seen::default());
                self.seen.len() - 1
            }
        };
        if let Some(seen) = self.seen.get_mut(at) {
            seen.number |= matches!(value, PropertyValue::Number(_));
            seen.other |= value == PropertyValue::Other;
        }
        true
    }

    /// Keys that are properties, in the order in which they were first seen: a documented key
    /// always, any other where it has a number and nothing but numbers and missing values.
    pub(super) fn into_numeric(self, qualifier: &str) -> Vec<Vec<u8>> {
        let documented = |key: &[u8]| {
            std::str::from_utf8(key).is_ok_and(|key| documented_column(qualifier, key).is_some())
        };
        let pairs = self.index.keys.into_iter().zip(self.seen);
        pairs
            .filter(|(key, seen)| documented(key) || (seen.number && !seen.other))
            .map(|(key, _)| key)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(keys: &[&str]) -> Vec<String> {
        let keys = keys.iter().map(|&key| key.to_owned());
        let columns = assign_columns("a.json", "jarvis", "jarvis", keys).expect("no clash");
        columns.into_iter().map(|column| column.column).collect()
    }

    #[test]
    fn words_for_nothing_are_missing() {
        for text in ["", "  ", "na", "NaN", "None", "NULL", "n/a"] {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Missing, "{text:?}");
        }
        assert_eq!(PropertyValue::of_text(b" -1.5e3 "), PropertyValue::Number(-1500.0));
        for text in ["inf", "1.5 eV", "x", "1e999"] {
            assert_eq!(PropertyValue::of_text(text.as_bytes()), PropertyValue::Other, "{text:?}");
        }
    }

    #[test]
    fn a_documented_column_goes_to_the_first_key() {
        assert_eq!(columns(&["optb88vdw_bandgap", "bandgap"]), ["band_gap_ev", "jarvis_bandgap"]);
    }

    #[test]
    fn a_store_s_own_columns_are_kept_clear() {
        let keys = ["volume", "nsites", "split_x", "fold"].map(str::to_owned);
        let columns = assign_columns("a.csv", "table", "", keys).expect("no clash");
        let columns: Vec<_> = columns.iter().map(|column| column.column.as_str()).collect();
        assert_eq!(columns, ["property_volume", "property_nsites", "property_split_x", "property_fold"]);
    }

    #[test]
    fn two_keys_of_one_column_are_an_error() {
        let keys = ["a b", "a-b"].map(str::to_owned);
        let error = assign_columns("a.csv", "", "", keys).expect_err("both are a_b");
        assert!(matches!(error, SourceError::DuplicateColumn { .. }));
    }

    #[test]
    fn a_key_is_numeric_when_every_value_is() {
        let mut scan = KeyScan::default();
        for (key, value) in [
            ("number", PropertyValue::Number(1.0)),
            ("number", PropertyValue::Missing),
            ("text", PropertyValue::Number(1.0)),
            ("text", PropertyValue::Other),
            ("never", PropertyValue::Missing),
            ("ehull", PropertyValue::Other),
        ] {
            assert!(scan.see(key.as_bytes(), value));
        }
        assert_eq!(scan.into_numeric("jarvis"), [b"number".to_vec(), b"ehull".to_vec()]);
    }

    #[test]
    fn keys_are_found_in_any_order() {
        let mut index = KeyIndex::new(["a", "b", "c"].map(|key| key.as_bytes().to_vec()));
        let found: Vec<_> = [b"a", b"b", b"c", b"a", b"c", b"b", b"d"].map(|key| index.find(key)).into();
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(0), Some(2), Some(1), None]);
    }
}
