//! Determination of the numeric keys of a source, in a first pass over its values.

use std::collections::HashMap;

use super::odd_values::Tally;
use super::property_value::PropertyValue;
use super::units::documented;

/// Largest number of property keys of a source, and largest number of numeric columns of all label tables.
pub(crate) const MAX_PROPERTY_KEYS: usize = 4096;

/// Index of keys. If the keys of all records are in the same order, a look-up takes about one comparison.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyIndex {
    keys: Vec<Vec<u8>>,
    places: HashMap<Vec<u8>, usize>,
    next: usize,
}

impl KeyIndex {
    /// Creates an index of `keys` in their order.
    pub(super) fn new(keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut index = Self::default();
        keys.into_iter().for_each(|key| index.push(key));
        index
    }

    /// Appends a key. Look-ups find the first of several equal keys.
    fn push(&mut self, key: Vec<u8>) {
        self.places.entry(key.clone()).or_insert(self.keys.len());
        self.keys.push(key);
    }

    /// Removes all but the first `length` keys, which must be distinct.
    fn truncate(&mut self, length: usize) {
        for key in self.keys.drain(length..) {
            self.places.remove(&key);
        }
        self.next = 0;
    }

    /// Returns the index of a key. The key after the one found last is tried first.
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

/// A key with numeric values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumericKey {
    /// The key as written in the source.
    pub key: Vec<u8>,
    /// Whether any other value is an error. That is so for a documented key with few numeric values.
    pub is_strict: bool,
    /// Number of numeric values.
    pub numbers: u64,
}

/// Statistics of the values of a source's keys, gathered before its records are read.
#[derive(Debug, Default)]
pub(super) struct KeyScan {
    index: KeyIndex,
    seen: Vec<Tally>,
    /// The first key beyond the limit.
    beyond: Option<Vec<u8>>,
}

/// The result of scanning a source.
#[derive(Debug, Default)]
pub(super) struct ScannedKeys {
    /// Keys that are properties, in the order of their first occurrence: all documented keys, and other keys with
    /// mostly numeric values.
    pub numeric: Vec<NumericKey>,
    /// The other keys.
    pub left_out: Vec<(String, Tally)>,
    /// The first key beyond [`MAX_PROPERTY_KEYS`]. Such keys were not examined.
    pub beyond: Option<String>,
}

impl KeyScan {
    /// Adds the value of a key in another record; `raw` is its text. Returns `false` if the source has too many keys.
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

    /// Returns the number of keys so far.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Removes all but the first `length` keys.
    pub(super) fn truncate(&mut self, length: usize) {
        self.index.truncate(length);
        self.seen.truncate(length);
    }

    /// Determines which keys are properties.
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
