//! Determination of the properties of a source, in a first pass over its values.

use std::borrow::Cow;
use std::collections::HashMap;

use super::odd_values::{Content, Tally};
use super::property_value::{PropertyValue, Reading};
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

/// A key of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PropertyKey {
    /// The key as written in the source.
    pub key: Vec<u8>,
    /// How its values are read. A documented key with few numbers is strict.
    pub reading: Reading,
    /// Number of values that are read so.
    pub values: u64,
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
    /// mostly numeric values, booleans alone, classes or mostly lists of numbers.
    pub properties: Vec<PropertyKey>,
    /// The other keys.
    pub left_out: Vec<(String, Tally)>,
    /// The first key beyond [`MAX_PROPERTY_KEYS`]. Such keys were not examined.
    pub beyond: Option<String>,
}

impl KeyScan {
    /// Adds the value of a key in another record. `raw` is the value as written, and `text` returns its text, or `None`
    /// for a list or an object. Returns `false` if the source has too many keys.
    pub(super) fn see<'t>(
        &mut self,
        key: &[u8],
        value: PropertyValue,
        raw: &[u8],
        text: impl FnOnce() -> Option<Cow<'t, str>>,
    ) -> bool {
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
            seen.see(value, raw, text);
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
            let reading = match seen.content() {
                Content::Numbers => Some(Reading::Numbers),
                _ if is_documented(&key) => Some(Reading::StrictNumbers),
                Content::Booleans => Some(Reading::Booleans),
                Content::SiteNumbers => Some(Reading::SiteNumbers),
                Content::Classes(names) => Some(Reading::Classes(names.into())),
                Content::Other(_) | Content::Nothing => None,
            };
            let values = match reading {
                Some(Reading::Numbers | Reading::StrictNumbers) => seen.numbers,
                _ => seen.values(),
            };
            match reading {
                Some(reading) => keys.properties.push(PropertyKey { key, reading, values }),
                None => keys.left_out.push((text(&key), seen)),
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_most_of_its_values_are() {
        let mut scan = KeyScan::default();
        for (key, text) in [
            ("metal", "true"),
            ("metal", "na"),
            ("metal", "False"),
            ("phase", "fcc"),
            ("phase", "bcc"),
            ("phase", "fcc"),
            ("phase", "bcc"),
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
            let value = PropertyValue::of_text(text.as_bytes());
            assert!(scan.see(key.as_bytes(), value, text.as_bytes(), || Some(text.into())));
        }
        let ScannedKeys { properties, left_out, beyond } = scan.finish("jarvis");
        assert_eq!(beyond, None);
        let found: Vec<_> =
            properties.iter().map(|key| (key.key.as_slice(), key.reading.clone(), key.values)).collect();
        let classes = Reading::Classes(["fcc", "bcc"].map(str::to_owned).into());
        let expected: [(&[u8], Reading, u64); 6] = [
            (b"metal", Reading::Booleans, 2),
            (b"phase", classes, 4),
            (b"number", Reading::Numbers, 1),
            (b"odd", Reading::Numbers, 2),
            (b"dashes", Reading::Numbers, 1),
            (b"ehull", Reading::StrictNumbers, 0),
        ];
        assert_eq!(found, expected);
        let left_out: Vec<_> = left_out.iter().map(|(key, tally)| (key.as_str(), tally.numbers)).collect();
        assert_eq!(left_out, [("text", 1), ("never", 0)]);
    }

    #[test]
    fn keys_beyond_the_limit_are_told() {
        let mut scan = KeyScan::default();
        let one = PropertyValue::Number(1.0);
        let mut see = |at: usize| scan.see(format!("k{at}").as_bytes(), one, b"1", || None);
        assert!((0..MAX_PROPERTY_KEYS).all(&mut see));
        assert!(!see(MAX_PROPERTY_KEYS) && !see(MAX_PROPERTY_KEYS + 1) && see(7));
        scan.truncate(9);
        assert!(scan.see(b"again", one, b"1", || None));
        let keys = scan.finish("jarvis");
        assert_eq!((keys.properties.len(), keys.beyond.as_deref()), (10, Some("k4096")));
    }

    #[test]
    fn keys_are_found_in_any_order() {
        let mut index = KeyIndex::new(["a", "b", "c"].map(|key| key.as_bytes().to_vec()));
        let found: Vec<_> = [b"a", b"b", b"c", b"a", b"c", b"b", b"d"].map(|key| index.find(key)).into();
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(0), Some(2), Some(1), None]);
    }
}
