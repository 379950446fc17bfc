//! Fields of records: identifiers, properties and a structure, of whatever format.

use std::borrow::Cow;

use crystal::structure::Structure;

use super::RecordError;
use super::entry_values::{EntryValues, MAX_KEY_BYTES, count_key};
use super::identifier::check_identifier;
use super::json::{Cursor, Scalar, excerpt};
use super::json_string::JsonString;
use super::key_scan::{KeyScan, PropertyKey};
use super::property_value::PropertyValue;
use super::site_properties::{SiteProperties, site_key};

/// Keys of identifiers in formats that prescribe none, the first of which counts.
const ID_KEYS: [&str; 9] =
    ["material_id", "id", "jid", "mbid", "cif_id", "mat_id", "entry_id", IMMUTABLE_ID, "sid"];

/// Key of an identifier that its source never changes.
pub(super) const IMMUTABLE_ID: &str = "immutable_id";

/// A key of identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdKey {
    /// Of several identifiers of a record, the one with the lowest rank counts.
    rank: usize,
    /// Whether the source never changes the identifier.
    is_immutable: bool,
}

impl IdKey {
    /// The key that a format prescribes.
    pub(super) const PRESCRIBED: Self = Self { rank: 0, is_immutable: false };
    /// The key `immutable_id` of a format that prescribes another one besides.
    pub(super) const IMMUTABLE: Self = Self { rank: 1, is_immutable: true };

    /// Returns the key of identifiers that `key` is in a format that prescribes none, or `None` if it is another key.
    pub(super) fn find(key: &[u8]) -> Option<Self> {
        let rank = ID_KEYS.iter().position(|id| id.as_bytes() == key)?;
        Some(Self { rank, is_immutable: key == IMMUTABLE_ID.as_bytes() })
    }

    /// Returns the same key in an object within the record, whose identifiers count after those of the record itself.
    fn within(self) -> Self {
        Self { rank: WITHIN + self.rank, ..self }
    }
}

/// Receives the fields of a record.
pub(super) trait RecordFields {
    /// Receives an identifier.
    fn identifier(&mut self, key: IdKey, text: &str);

    /// Receives the value of a property. `raw` is the value as written, and `text` its text, or `None` for a list or an
    /// object.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if there are too many or the value is at fault.
    fn property(
        &mut self,
        key: &[u8],
        value: PropertyValue,
        raw: &[u8],
        text: Option<Cow<'_, str>>,
    ) -> Result<(), RecordError>;

    /// Returns the place of the structure, if it is needed.
    fn structure(&mut self) -> Option<&mut Structure>;

    /// Receives the properties of the sites, after the structure.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if there are too many properties.
    fn sites(&mut self, found: &SiteProperties) -> Result<(), RecordError>;
}

/// Passes the JSON value at the cursor to `fields`, as the property `key`.
///
/// # Errors
/// Returns a [`RecordError`] if no value follows, and the errors of [`RecordFields::property`].
pub(super) fn json_property(
    key: JsonString<'_>,
    cursor: &mut Cursor<'_>,
    fields: &mut dyn RecordFields,
) -> Result<(), RecordError> {
    let raw = cursor.raw()?;
    let scalar = Cursor::new(raw).scalar()?;
    let shown = raw.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(raw);
    fields.property(key.raw, PropertyValue::of_scalar(scalar), shown, scalar.text(raw))
}

/// Passes the text or integer at the cursor to `fields` as an identifier; `null` and empty texts are none.
///
/// # Errors
/// Returns [`RecordError::Identifier`] for any other value.
pub(super) fn json_identifier(
    key: IdKey,
    cursor: &mut Cursor<'_>,
    fields: &mut dyn RecordFields,
) -> Result<(), RecordError> {
    let raw = cursor.raw()?;
    match Cursor::new(raw).scalar()? {
        Scalar::String(text) => fields.identifier(key, &text.text()),
        Scalar::Number(_) if raw.iter().all(u8::is_ascii_digit) => {
            fields.identifier(key, &String::from_utf8_lossy(raw));
        }
        Scalar::Null => {}
        _ => return Err(RecordError::Identifier(excerpt(raw))),
    }
    Ok(())
}

/// Added to the rank of an identifier that is in an object within the record.
const WITHIN: usize = 100;

/// Passes the properties and identifiers in the object at the cursor to `fields`.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed, and the errors of [`json_property`] and [`json_identifier`].
pub(super) fn json_fields(cursor: &mut Cursor<'_>, fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    cursor.expect(b'{', "an object of properties")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match IdKey::find(key.raw) {
            Some(id) => json_identifier(id.within(), cursor, fields)?,
            None => json_property(key, cursor, fields)?,
        }
    }
    Ok(())
}

/// The fields of all records, in the first pass.
#[derive(Default)]
pub(super) struct ScanFields {
    /// The values of all keys.
    pub(super) keys: KeyScan,
    /// Number of properties of the record so far.
    count: usize,
    /// Number of keys before the record.
    known: usize,
}

impl ScanFields {
    /// Begins the next record.
    pub(super) fn begin(&mut self) {
        self.count = 0;
        self.known = self.keys.len();
    }

    /// Takes back the keys of the record.
    pub(super) fn withdraw(&mut self) {
        self.keys.truncate(self.known);
    }
}

impl RecordFields for ScanFields {
    fn identifier(&mut self, _key: IdKey, _text: &str) {}

    fn property(
        &mut self,
        key: &[u8],
        value: PropertyValue,
        raw: &[u8],
        text: Option<Cow<'_, str>>,
    ) -> Result<(), RecordError> {
        count_key(&mut self.count)?;
        if key.len() <= MAX_KEY_BYTES {
            // Keys beyond the limit are reported at the end.
            self.keys.see(key, value, raw, || text);
        }
        Ok(())
    }

    fn structure(&mut self) -> Option<&mut Structure> {
        None
    }

    fn sites(&mut self, found: &SiteProperties) -> Result<(), RecordError> {
        found.contents().try_for_each(|(key, value, odd)| {
            self.property(site_key(key).as_bytes(), value, odd.as_bytes(), None)
        })
    }
}

/// The fields of the record that is read.
pub(super) struct CrystalFields {
    /// Values of the properties.
    pub(super) values: EntryValues,
    /// Unit cell and sites.
    pub(super) structure: Structure,
    /// The identifier with its rank.
    identifier: Option<(usize, String)>,
    /// The identifier that the source never changes, with its rank.
    immutable_id: Option<(usize, String)>,
    /// Whether the structure is to be read, and not only the identifier.
    wanted: bool,
    count: usize,
}

impl CrystalFields {
    /// Creates the fields of records with the properties `keys`.
    pub(super) fn new(keys: &[PropertyKey]) -> Self {
        let values = EntryValues::new(keys);
        Self {
            values,
            structure: Structure::default(),
            identifier: None,
            immutable_id: None,
            wanted: true,
            count: 0,
        }
    }

    /// Begins the next record, of which all is `wanted` or only the identifier.
    pub(super) fn begin(&mut self, wanted: bool) {
        self.values.clear();
        self.structure.clear();
        self.identifier = None;
        self.immutable_id = None;
        self.wanted = wanted;
        self.count = 0;
    }

    /// Takes the identifier of the record, or its `name` if it has none.
    pub(super) fn take_identifier(&mut self, name: &str) -> String {
        self.identifier.take().map_or_else(|| name.to_owned(), |(_, id)| id)
    }

    /// Returns the identifier that the source never changes, if it gives a usable one.
    pub(super) fn immutable_id(&self) -> Option<&str> {
        self.immutable_id.as_ref().map(|(_, id)| id.as_str())
    }
}

impl RecordFields for CrystalFields {
    fn identifier(&mut self, key: IdKey, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let take = |place: &mut Option<(usize, String)>| {
            if place.as_ref().is_none_or(|(known, _)| key.rank < *known) {
                *place = Some((key.rank, text.to_owned()));
            }
        };
        take(&mut self.identifier);
        if key.is_immutable {
            match check_identifier(text) {
                Ok(()) => take(&mut self.immutable_id),
                Err(error) => self.values.remark(format!("{IMMUTABLE_ID}: {error}: taken as missing")),
            }
        }
    }

    fn property(
        &mut self,
        key: &[u8],
        value: PropertyValue,
        raw: &[u8],
        text: Option<Cow<'_, str>>,
    ) -> Result<(), RecordError> {
        count_key(&mut self.count)?;
        let found = if self.wanted { self.values.find(key) } else { None };
        let Some(at) = found else { return Ok(()) };
        self.values.set(at, value, &JsonString { raw: key, escaped: true }.text(), raw, || text)
    }

    fn structure(&mut self) -> Option<&mut Structure> {
        self.wanted.then_some(&mut self.structure)
    }

    fn sites(&mut self, found: &SiteProperties) -> Result<(), RecordError> {
        if !self.wanted {
            return Ok(());
        }
        let sites = self.structure.atomic_numbers.len();
        for key in found.keys() {
            count_key(&mut self.count)?;
            if let Some(at) = self.values.find(site_key(key).as_bytes()) {
                self.values.set_list(at, key, found.numbers(key, sites));
            }
        }
        if let Some(message) = found.beyond() {
            self.values.remark(message);
        }
        Ok(())
    }
}
