//! Properties of entries with keys of their own: found in a first pass over all entries, and read from each of them in
//! the second.

use std::borrow::Cow;
use std::sync::Arc;

use super::key_scan::{KeyIndex, KeyScan, MAX_PROPERTY_KEYS, PropertyKey, ScannedKeys};
use super::odd_values::{left_out_notes, note_odd_values};
use super::properties::assign_keys;
use super::property_value::{PropertyValue, Reading};
use super::quote::{odd_message, shown};
use super::{PropertyColumn, PropertyValues, RecordError, Sink, SourceError};
use crate::reject::Origin;

/// Largest number of keys of an entry.
const MAX_ENTRY_KEYS: usize = 1024;
/// Longest key of a property in bytes.
pub(super) const MAX_KEY_BYTES: usize = 1024;
/// Largest number of properties times entries that any source may have, because a store has a place for each value.
const MAX_VALUES: u64 = 1 << 26;
/// Above that number, one in this many values must exist.
const VALUES_FOR_EACH_ONE: u64 = 100;

/// Counts a key of an entry.
///
/// # Errors
/// Returns [`RecordError::TooManyKeys`] if there are too many.
pub(super) fn count_key(keys: &mut usize) -> Result<(), RecordError> {
    *keys += 1;
    if *keys > MAX_ENTRY_KEYS { Err(RecordError::TooManyKeys { limit: MAX_ENTRY_KEYS }) } else { Ok(()) }
}

/// The properties of a source, as found in the first pass.
pub(super) struct EntryProperties {
    /// Their columns in the store.
    pub(super) columns: Vec<PropertyColumn>,
    /// Names of the classes of each; empty for other properties.
    pub(super) classes: Vec<Arc<[String]>>,
    /// The key of each, and how its values are read.
    pub(super) keys: Arc<[PropertyKey]>,
    /// Remarks about keys that are left out.
    pub(super) notes: Vec<String>,
}

impl EntryProperties {
    /// Determines the properties of `entries` entries by the values that were seen. `qualifier` and `prefix` are those
    /// of [`assign_keys`].
    ///
    /// # Errors
    /// Returns [`SourceError::Layout`] if a store of them would consist of nulls.
    pub(super) fn new(
        file: &str,
        qualifier: &str,
        prefix: &str,
        scan: KeyScan,
        entries: u64,
    ) -> Result<Self, SourceError> {
        let ScannedKeys { properties, left_out, beyond } = scan.finish(qualifier);
        check_values(file, &properties, entries)?;
        let mut notes = left_out_notes(file, &left_out);
        if let Some(key) = beyond {
            notes.push(format!("{file}: over {MAX_PROPERTY_KEYS} keys: {key:?} and others are left out"));
        }
        let (columns, keys) = assign_keys(file, qualifier, prefix, properties, &mut notes);
        let classes = keys.iter().map(|key| key.reading.classes()).collect();
        Ok(Self { columns, classes, keys: keys.into(), notes })
    }
}

/// Checks that a source with very many properties has enough values, because a store of it would otherwise consist of
/// nulls.
fn check_values(file: &str, keys: &[PropertyKey], entries: u64) -> Result<(), SourceError> {
    let values = entries.saturating_mul(keys.len() as u64);
    let present: u64 = keys.iter().map(|key| key.values).sum();
    if values <= MAX_VALUES || present.saturating_mul(VALUES_FOR_EACH_ONE) >= values {
        return Ok(());
    }
    let message = format!(
        "{} keys of properties in {entries} entries, with but {present} values: leave out those that hardly any entry \
         has",
        keys.len()
    );
    Err(SourceError::layout(file, message))
}

/// The values of the entry that is read.
pub(super) struct EntryValues {
    index: KeyIndex,
    /// How the values of each property are read.
    readings: Vec<Reading>,
    values: Vec<Option<f64>>,
    /// Numbers of the sites, by the indices in `values`.
    lists: Vec<Vec<f64>>,
    /// Messages about values that count as missing.
    odd: Vec<String>,
}

impl EntryValues {
    /// Creates the values of the properties `keys`, all of them missing.
    pub(super) fn new(keys: &[PropertyKey]) -> Self {
        Self {
            index: KeyIndex::new(keys.iter().map(|key| key.key.clone())),
            readings: keys.iter().map(|key| key.reading.clone()).collect(),
            values: vec![None; keys.len()],
            lists: Vec::new(),
            odd: Vec::new(),
        }
    }

    /// Removes the values of the entry before.
    pub(super) fn clear(&mut self) {
        self.values.fill(None);
        self.lists.clear();
        self.odd.clear();
    }

    /// Returns the index of the property with a key, given as the bytes between its quotes in the source, escapes
    /// included; `None` for a key that is no property.
    #[inline]
    pub(super) fn find(&mut self, key: &[u8]) -> Option<usize> {
        self.index.find(key)
    }

    /// Sets the value of a property. `key` is its key in messages, `raw` the value as written, and `text` returns its
    /// text. Of two values of one entry the first is kept, with a remark if they differ.
    ///
    /// # Errors
    /// Returns [`RecordError::PropertyValue`] if the value is of another kind where that is an error.
    pub(super) fn set<'t>(
        &mut self,
        at: usize,
        value: PropertyValue,
        key: &str,
        raw: &[u8],
        text: impl FnOnce() -> Option<Cow<'t, str>>,
    ) -> Result<(), RecordError> {
        if let (Some(slot), Some(reading)) = (self.values.get_mut(at), self.readings.get(at)) {
            let value = reading.read(value, key, raw, text, &mut self.odd)?;
            if slot.is_some() && value.is_some() && *slot != value {
                self.odd.push(format!("{key} is given twice: {:?} is left out", shown(raw)));
            }
            *slot = slot.or(value);
        }
        Ok(())
    }

    /// Sets the numbers of the sites. `list` is `None` if they are missing, and a message if they count as missing. Of two
    /// lists of one entry the first is kept, with a remark if they differ.
    pub(super) fn set_list(&mut self, at: usize, key: &str, list: Result<Option<Vec<f64>>, String>) {
        let list = match list {
            Ok(Some(list)) => list,
            Ok(None) => return,
            Err(message) => return self.remark(message),
        };
        let (Some(slot), Some(reading)) = (self.values.get_mut(at), self.readings.get(at)) else { return };
        let before = slot.and_then(|index| self.lists.get(index as usize));
        match before {
            _ if *reading != Reading::SiteNumbers => {
                self.odd.push(odd_message(key, format!("{list:?}").as_bytes(), reading.noun()));
            }
            Some(before) if *before != list => {
                self.odd.push(format!("{key} of the sites is given twice: the second is left out"));
            }
            Some(_) => {}
            None => {
                *slot = Some(self.lists.len() as f64);
                self.lists.push(list);
            }
        }
    }

    /// Adds a message about a value that counts as missing.
    pub(super) fn remark(&mut self, message: String) {
        self.odd.push(message);
    }

    /// Returns the values in the order of the properties. Those of lists are indices.
    pub(super) fn values(&self) -> PropertyValues<'_> {
        PropertyValues { values: &self.values, lists: &self.lists }
    }

    /// Passes on the remarks about the values, before the crystal.
    pub(super) fn note(&mut self, material_id: &str, origin: &Origin, sink: &mut dyn Sink) {
        note_odd_values(self.odd.drain(..), material_id, origin, sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_values_is_kept() {
        let key = PropertyKey { key: b"gap".to_vec(), reading: Reading::Numbers, values: 2 };
        let mut values = EntryValues::new(&[key]);
        for (text, odd) in [("na", 0), ("1.5", 0), ("1.50", 0), ("na", 0), ("2", 1)] {
            let value = PropertyValue::of_text(text.as_bytes());
            values.set(0, value, "gap", text.as_bytes(), || Some(text.into())).expect("a number");
            assert_eq!(values.odd.len(), odd, "{text}");
        }
        assert_eq!(
            (values.values().values, &*values.odd[0]),
            (&[Some(1.5)][..], "gap is given twice: \"2\" is left out")
        );
    }

    #[test]
    fn the_first_of_two_lists_is_kept() {
        let key = |key: &str, reading| PropertyKey { key: key.as_bytes().to_vec(), reading, values: 1 };
        let mut values =
            EntryValues::new(&[key("site_q", Reading::SiteNumbers), key("site_n", Reading::Numbers)]);
        for (list, odd) in [
            (Ok(None), 0),
            (Err("q is odd".to_owned()), 1),
            (Ok(Some(vec![1.0])), 1),
            (Ok(Some(vec![1.0])), 1),
            (Ok(Some(vec![2.0])), 2),
        ] {
            values.set_list(0, "q", list);
            assert_eq!(values.odd.len(), odd);
        }
        assert_eq!(values.values().list(0), Some(&[1.0][..]));
        values.set_list(1, "n", Ok(Some(vec![1.0, 2.0])));
        assert_eq!(values.values().value(1), None);
        assert_eq!(
            values.odd[1..],
            [
                "q of the sites is given twice: the second is left out",
                "n is \"[1.0, 2.0]\", no number: taken as missing",
            ]
        );
        values.clear();
        assert!(values.values().list(0).is_none() && values.odd.is_empty());
    }

    #[test]
    fn next_to_no_number_for_very_many_keys_is_refused() {
        let keys = |count: usize, values: u64| -> Vec<PropertyKey> {
            let reading = Reading::Numbers;
            let key = |at: usize| PropertyKey {
                key: at.to_string().into_bytes(),
                reading: reading.clone(),
                values,
            };
            (0..count).map(key).collect()
        };
        let error = check_values("a.json", &keys(4096, 5), 60_000).expect_err("nulls").to_string();
        assert!(
            error.starts_with("a.json: 4096 keys of properties in 60000 entries, with but 20480 values"),
            "{error}"
        );
        assert!(check_values("a.json", &keys(4096, 600), 60_000).is_ok());
        assert!(check_values("a.json", &keys(4096, 1), 16_384).is_ok());
        assert!(check_values("a.json", &keys(1, 0), 60_000_000).is_ok());
    }
}
