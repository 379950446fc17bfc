//! Numeric properties of a source: which keys are numeric, which column each fills, and what
//! counts as a value.

use std::collections::HashMap;

use schemas::property::{by_column, passthrough_column};
use schemas::store::{SPLIT_PREFIX, column_by_name};

use super::json::{Scalar, excerpt, parse_number};
use super::json_string::JsonString;
use super::odd_values::{Tally, odd_message};
use super::units::documented;
use super::{PropertyColumn, RecordError, SourceError};

/// Most property keys a source may have, and most columns of numbers of all label tables.
pub(crate) const MAX_PROPERTY_KEYS: usize = 4096;
/// Most columns of a table: those of properties, and as many of other things.
pub(crate) const MAX_TABLE_COLUMNS: usize = 2 * MAX_PROPERTY_KEYS;
/// Most keys of one entry of a JSON array.
pub(super) const MAX_ENTRY_KEYS: usize = 1024;
/// Prefix of a property whose plain name is a column that every store has.
const CLASH_PREFIX: &str = "property_";
/// Words that stand for a missing value, whatever their case; so does nothing at all.
const MISSING_WORDS: [&[u8]; 8] = [b"na", b"n/a", b"nan", b"none", b"null", b"n.a.", b"#n/a", b"<na>"];
/// What people write where they have no value, worth a remark since it may mean something else.
const PLACEHOLDERS: [&str; 9] = ["-", "--", "\u{2013}", "\u{2014}", "?", ".", "n.d.", "tbd", "unknown"];

/// Whether a text stands for a missing value: nothing, `na`, `n/a`, `n.a.`, `nan`, `none`, `null`, or
/// the `#N/A` and `<NA>` of spreadsheets and pandas.
pub fn is_missing(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.is_empty() || MISSING_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A property's value as a source gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PropertyValue {
    /// Nothing, or a word for it.
    Missing,
    /// A dash, `?`, `n.d.` and the like: nothing, but worth a remark.
    Placeholder,
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
        if is_missing(text) {
            return Self::Missing;
        }
        let is_placeholder =
            PLACEHOLDERS.iter().any(|word| text.trim_ascii().eq_ignore_ascii_case(word.as_bytes()));
        if is_placeholder { Self::Placeholder } else { Self::Other }
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

    /// The number, `None` where it is missing. What is neither is missing as well, with a message for
    /// `odd`, unless the column is a strict one.
    ///
    /// # Errors
    /// [`RecordError::PropertyValue`] for a text in a strict column, naming `key` and the value as it
    /// stands.
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
    let mut places: HashMap<String, usize> = HashMap::new();
    for key in keys {
        let column = column_of(qualifier, prefix, &key, |column| places.contains_key(column));
        if let Some(other) = places.get(&column).and_then(|at| columns.get(*at)) {
            let (file, first) = (file.to_owned(), other.key.clone());
            return Err(SourceError::DuplicateColumn { file, first, second: key, column });
        }
        places.insert(column.clone(), columns.len());
        columns.push(PropertyColumn { column, key });
    }
    Ok(columns)
}

/// Gives the keys of a source's entries columns as [`assign_columns`] does. Of two that would be one column the
/// key with more numbers is kept, and a line for `notes` says so: one odd entry does not end a build.
pub(super) fn assign_numeric(
    file: &str,
    qualifier: &str,
    prefix: &str,
    keys: Vec<NumericKey>,
    notes: &mut Vec<String>,
) -> (Vec<PropertyColumn>, Vec<NumericKey>) {
    let mut columns: Vec<PropertyColumn> = Vec::with_capacity(keys.len());
    let mut kept: Vec<NumericKey> = Vec::with_capacity(keys.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for numeric in keys {
        let key = JsonString { raw: &numeric.key, escaped: true }.text().into_owned();
        let column = column_of(qualifier, prefix, &key, |column| places.contains_key(column));
        let Some(&at) = places.get(&column) else {
            places.insert(column.clone(), columns.len());
            columns.push(PropertyColumn { column, key });
            kept.push(numeric);
            continue;
        };
        let mut dropped = key;
        if let (Some(other), Some(property)) = (kept.get_mut(at), columns.get_mut(at)) {
            if numeric.numbers > other.numbers {
                std::mem::swap(&mut property.key, &mut dropped);
                *other = numeric;
            }
            let kept = &property.key;
            notes.push(format!(
                "{file}: key {dropped:?} is left out: its column {column} is that of {kept:?}"
            ));
        }
    }
    (columns, kept)
}

/// Column of a key where the columns `taken` are those of others.
fn column_of(qualifier: &str, prefix: &str, key: &str, taken: impl Fn(&str) -> bool) -> String {
    let known = documented(qualifier, key).map(|property| property.column);
    match known.filter(|column| !taken(column)) {
        Some(column) => column.to_owned(),
        None => plain_column(prefix, key),
    }
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

/// Position of a key, in about one comparison where the records' keys come in one order.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyIndex {
    keys: Vec<Vec<u8>>,
    places: HashMap<Vec<u8>, usize>,
    next: usize,
}

impl KeyIndex {
    /// Index of `keys`, in their order.
    pub(super) fn new(keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut index = Self::default();
        keys.into_iter().for_each(|key| index.push(key));
        index
    }

    /// Appends a key; the first of equal ones is found.
    fn push(&mut self, key: Vec<u8>) {
        self.places.entry(key.clone()).or_insert(self.keys.len());
        self.keys.push(key);
    }

    /// Removes the keys behind the first `length` ones, which differ.
    fn truncate(&mut self, length: usize) {
        for key in self.keys.drain(length..) {
            self.places.remove(&key);
        }
        self.next = 0;
    }

    /// Position of a key; the key after the one found last is tried first.
    #[inline]
    pub(super) fn find(&mut self, key: &[u8]) -> Option<usize> {
        let at = match self.keys.get(self.next) {
            Some(expected) if expected == key => self.next,
            _ => *self.places.get(key)?,
        };
        self.next = (at + 1) % self.keys.len();
        Some(at)
    }
}

/// A key whose values are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumericKey {
    /// The key as it stands in the source.
    pub key: Vec<u8>,
    /// Whether any other value is a fault: the key is documented, but few of its values are numbers.
    pub is_strict: bool,
    /// How many of its values are numbers.
    pub numbers: u64,
}

/// What the values of a source's keys are, gathered before its records are read.
#[derive(Debug, Default)]
pub(super) struct KeyScan {
    index: KeyIndex,
    seen: Vec<Tally>,
    /// The first key beyond the limit.
    beyond: Option<Vec<u8>>,
}

/// The keys of a source.
#[derive(Debug, Default)]
pub(super) struct ScannedKeys {
    /// Keys that are properties, in the order in which they were first seen: a documented key always,
    /// any other where most of its values are numbers.
    pub numeric: Vec<NumericKey>,
    /// The others.
    pub left_out: Vec<(String, Tally)>,
    /// The first key beyond [`MAX_PROPERTY_KEYS`], none of which were looked at.
    pub beyond: Option<String>,
}

impl KeyScan {
    /// Takes a key's value in one more record, `raw` as it stands; `false` where the source has too
    /// many keys.
    pub(super) fn see(&mut self, key: &[u8], value: PropertyValue, raw: &[u8]) -> bool {
        let at = match self.index.find(key) {
            Some(at) => at,
            None if self.seen.len() == MAX_PROPERTY_KEYS => {
                self.beyond.get_or_insert_with(|| key.to_vec());
                return false;
            }
            None => {
                self.index.push(key.to_vec());
                self.seen.push(Tally::default());
                self.seen.len() - 1
            }
        };
        if let Some(seen) = self.seen.get_mut(at) {
            match value {
                PropertyValue::Number(_) => seen.numbers += 1,
                PropertyValue::Other => seen.see_text(raw),
                PropertyValue::Missing | PropertyValue::Placeholder => {}
            }
        }
        true
    }

    /// Number of keys so far.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Forgets the keys behind the first `length` ones.
    pub(super) fn truncate(&mut self, length: usize) {
        self.index.truncate(length);
        self.seen.truncate(length);
    }

    /// Which keys are properties.
    pub(super) fn finish(self, qualifier: &str) -> ScannedKeys {
        let is_documented =
            |key: &[u8]| std::str::from_utf8(key).is_ok_and(|key| documented(qualifier, key).is_some());
        let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        let mut keys = ScannedKeys { beyond: self.beyond.as_deref().map(text), ..ScannedKeys::default() };
        for (key, seen) in self.index.keys.into_iter().zip(self.seen) {
            if seen.is_numeric() || is_documented(&key) {
                let (is_strict, numbers) = (!seen.is_numeric(), seen.numbers);
                keys.numeric.push(NumericKey { key, is_strict, numbers });
            } else {
                keys.left_out.push((text(&key), seen));
            }
        }
        keys
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
    fn a_key_is_numeric_when_most_of_its_values_are() {
        let mut scan = KeyScan::default();
        for (key, text) in [
            ("number", "1"),
            ("number", ""),
            ("odd", "1"),
            ("odd", "2"),
            ("odd", "1,234"),
            ("dashes", "1"),
            ("dashes", "-"),
            ("dashes", "n.d."),
            ("text", "1"),
            ("text", "x"),
            ("never", "na"),
            ("ehull", "x"),
        ] {
            assert!(scan.see(key.as_bytes(), PropertyValue::of_text(text.as_bytes()), text.as_bytes()));
        }
        let ScannedKeys { numeric, left_out, beyond } = scan.finish("jarvis");
        assert_eq!(beyond, None);
        let numeric: Vec<_> = numeric.iter().map(|key| (key.key.as_slice(), key.is_strict)).collect();
        let expected: [(&[u8], bool); 4] =
            [(b"number", false), (b"odd", false), (b"dashes", false), (b"ehull", true)];
        assert_eq!(numeric, expected);
        let left_out: Vec<_> = left_out.iter().map(|(key, tally)| (key.as_str(), tally.numbers)).collect();
        assert_eq!(left_out, [("text", 1), ("never", 0)]);
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

    #[test]
    fn of_two_keys_of_one_column_the_one_with_more_numbers_stays() {
        let key = |key: &str, numbers| NumericKey { key: key.as_bytes().to_vec(), is_strict: false, numbers };
        let keys = vec![key("a b", 1), key("d", 3), key("a-b", 5), key("a.b", 2)];
        let mut notes = Vec::new();
        let (columns, kept) = assign_numeric("f.json", "jarvis", "", keys, &mut notes);
        let columns: Vec<_> = columns.iter().map(|column| (&*column.column, &*column.key)).collect();
        assert_eq!(columns, [("a_b", "a-b"), ("d", "d")]);
        assert_eq!(kept.iter().map(|key| key.numbers).collect::<Vec<_>>(), [5, 3]);
        assert_eq!(
            notes,
            [
                "f.json: key \"a b\" is left out: its column a_b is that of \"a-b\"",
                "f.json: key \"a.b\" is left out: its column a_b is that of \"a-b\"",
            ]
        );
    }

    #[test]
    fn keys_beyond_the_limit_are_told() {
        let mut scan = KeyScan::default();
        let mut see = |at: usize| scan.see(format!("k{at}").as_bytes(), PropertyValue::Number(1.0), b"1");
        assert!((0..MAX_PROPERTY_KEYS).all(&mut see));
        assert!(!see(MAX_PROPERTY_KEYS) && !see(MAX_PROPERTY_KEYS + 1) && see(7));
        scan.truncate(9);
        assert!(scan.see(b"again", PropertyValue::Number(1.0), b"1"));
        let keys = scan.finish("jarvis");
        assert_eq!((keys.numeric.len(), keys.beyond.as_deref()), (10, Some("k4096")));
    }

    #[test]
    fn keys_are_found_in_any_order() {
        let mut index = KeyIndex::new(["a", "b", "c"].map(|key| key.as_bytes().to_vec()));
        let found: Vec<_> = [b"a", b"b", b"c", b"a", b"c", b"b", b"d"].map(|key| index.find(key)).into();
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(0), Some(2), Some(1), None]);
    }
}
