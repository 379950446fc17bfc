//! Structures of pymatgen as JSON: `Structure.as_dict()` alone, in a list, on lines or by name, and records that hold one
//! as `structure`, such as `ComputedStructureEntry.as_dict()`.
//!
//! Properties are those in `properties` of a structure, or the keys of a record beside the structure and in its
//! `properties` and `data`. Numbers among the `properties` of the sites are properties, too. What a record states about
//! its sites has to be that of the structure.

use std::borrow::Cow;

use crystal::structure::Structure;

use super::RecordError;
use super::definition::SourceDefinition;
use super::json::Cursor;
use super::json_records::JsonRecords;
use super::property_value::PropertyValue;
use super::pymatgen::{read_site_properties, read_with_properties};
use super::record_fields::{IdKey, RecordFields, json_fields, json_identifier, json_property};
use super::site_properties::SiteProperties;
use super::stated_sites::{FORMULA, StatedSites};

/// Keys of which a record has at least one.
pub(super) const RECORD_KEYS: [&str; 4] = ["structure", "lattice", "sites", "@class"];
/// Keys of the formula of a record.
const FORMULAS: [&str; 5] = [FORMULA, "formula_pretty", "pretty_formula", "reduced_formula", "formula"];
/// Name of the source.
const NAME: &str = "pymatgen";
/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition::records(NAME, &RECORDS);

/// The format of structures and of records with structures.
static RECORDS: JsonRecords = JsonRecords {
    source: NAME,
    list_key: None,
    record_keys: &RECORD_KEYS,
    is_heading: |_| false,
    read: read_record,
};

/// Reads a structure, or a record that holds one.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed or the structure is not a crystal.
pub(super) fn read_record(record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    let is_structure = has_key(record, b"sites")?;
    let mut structure = is_structure.then_some(record);
    let mut cursor = Cursor::new(record);
    cursor.expect(b'{', "a structure or a record")?;
    let mut first = true;
    let mut fields = Stating { fields, nsites: None, elements: None, formula: None };
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"structure" if !is_structure => structure = Some(cursor.raw()?),
            b"properties" | b"data" if cursor.peek() == Some(b'{') => json_fields(&mut cursor, &mut fields)?,
            b"@module" | b"@class" | b"@version" => cursor.skip()?,
            raw => match IdKey::find(raw) {
                Some(id) => json_identifier(id, &mut cursor, &mut fields)?,
                None if is_structure => cursor.skip()?,
                None => json_property(key, &mut cursor, &mut fields)?,
            },
        }
    }
    cursor.end()?;
    let structure = structure.ok_or(RecordError::MissingField("structure"))?;
    let (mut cursor, mut properties) = (Cursor::new(structure), SiteProperties::default());
    let Stating { fields, nsites, elements, formula } = fields;
    match fields.structure() {
        Some(place) => {
            read_with_properties(&mut cursor, place, Some(&mut properties))?;
            let stated = StatedSites {
                nsites: nsites.as_deref(),
                elements: elements.as_deref(),
                formula: formula.as_ref().map(|(_, raw)| raw.as_slice()),
                formula_key: formula.as_ref().map(|(key, _)| *key),
            };
            stated.check(place)?;
        }
        None => read_site_properties(&mut cursor, &mut properties)?,
    }
    fields.sites(&properties)
}

/// Passes fields on, and keeps what they state about the sites.
struct Stating<'f> {
    fields: &'f mut dyn RecordFields,
    nsites: Option<Vec<u8>>,
    elements: Option<Vec<u8>>,
    /// The formula with its key.
    formula: Option<(&'static str, Vec<u8>)>,
}

impl RecordFields for Stating<'_> {
    fn identifier(&mut self, key: IdKey, text: &str) {
        self.fields.identifier(key, text);
    }

    fn property(
        &mut self,
        key: &[u8],
        value: PropertyValue,
        raw: &[u8],
        text: Option<Cow<'_, str>>,
    ) -> Result<(), RecordError> {
        match key {
            b"nsites" => _ = self.nsites.get_or_insert_with(|| raw.to_vec()),
            b"elements" => _ = self.elements.get_or_insert_with(|| raw.to_vec()),
            _ => {
                if let Some(known) = FORMULAS.iter().find(|known| known.as_bytes() == key) {
                    self.formula.get_or_insert_with(|| (*known, raw.to_vec()));
                }
            }
        }
        self.fields.property(key, value, raw, text)
    }

    fn structure(&mut self) -> Option<&mut Structure> {
        self.fields.structure()
    }

    fn sites(&mut self, found: &SiteProperties) -> Result<(), RecordError> {
        self.fields.sites(found)
    }
}

/// Whether an object has a key.
fn has_key(object: &[u8], wanted: &[u8]) -> Result<bool, RecordError> {
    let mut cursor = Cursor::new(object);
    cursor.expect(b'{', "a structure or a record")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        if key.raw == wanted {
            return Ok(true);
        }
        cursor.skip()?;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::record_fields::{CrystalFields, ScanFields};

    fn read(further: &str) -> Result<(), String> {
        let site = |symbol: &str, at: f64| {
            format!(
                "{{\"species\": [{{\"element\": {symbol:?}, \"occu\": 1}}], \"abc\": [{at}, {at}, {at}]}}"
            )
        };
        let (first, second) = (site("Cs", 0.0), site("Cl", 0.5));
        let record = format!(
            "{{{further}, \"structure\": {{\"lattice\": {{\"matrix\": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}}, \
             \"sites\": [{first}, {second}]}}}}"
        );
        read_record(record.as_bytes(), &mut ScanFields::default()).expect("fields alone");
        read_record(record.as_bytes(), &mut CrystalFields::new(&[])).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_record_states_about_its_sites_is_that_of_the_structure() {
        for further in [
            r#""nsites": 2, "elements": ["Cl", "Cs"], "formula_pretty": "CsCl""#,
            r#""data": {"nsites": 2, "formula": "Cs1 Cl1"}, "elements": null, "pretty_formula": "A2B""#,
            r#""formula": "Cs2Cl2", "nelements": 2"#,
        ] {
            assert_eq!(read(further), Ok(()), "{further}");
        }
        for (further, message) in [
            (r#""nsites": 99"#, r#"property "nsites" is 99 for 2 positions, not a count of them"#),
            (
                r#""data": {"elements": ["Na", "Cl"]}"#,
                r#"property "elements" is ["Na", "Cl"], not a list of the elements at the sites"#,
            ),
            (
                r#""formula_pretty": "NaCl""#,
                r#"property "formula_pretty" is NaCl, not a formula of the sites"#,
            ),
        ] {
            assert_eq!(read(further), Err(message.to_owned()), "{further}");
        }
    }
}
