//! Tables of ColabFit: Parquet files of configurations (`co/co_*.parquet`), with lists, or in older exports with texts
//! of JSON, of which `positions_00`, `positions_01`, ... follow each other.
//!
//! The identifier is `configuration_id`. Properties are the columns of numbers, booleans and classes: `energy` in eV for
//! the cell, `formation_energy`, `electronic_band_gap` in eV, and others; of the sites lists such as `charges` and `magmoms`.

use std::path::PathBuf;

use super::definition::SourceDefinition;
use super::flat_json::{Cell, flat_numbers};
use super::json::Cursor;
use super::parquet_rows::ParquetRows;
use super::record_fields::{IdKey, RecordFields, json_identifier, json_property};
use super::records::open_records;
use super::site_properties::{ASE_KEYS, SiteProperties};
use super::{OpenSource, RecordError, SourceError, SourceOptions};

/// Columns that every table of this source has.
pub(super) const NEEDED: [&str; 4] = ["configuration_id", "cell", "atomic_numbers", "pbc"];
/// Column of the positions, and beginning of the names of its parts in older exports.
const POSITIONS: &str = "positions";
/// Columns that describe the row and not the crystal.
const DESCRIPTIONS: [&str; 21] = [
    "property_id",
    "property_hash",
    "dataset_id",
    "multiplicity",
    "configuration_hash",
    "structure_hash",
    "chemical_formula_hill",
    "chemical_formula_reduced",
    "chemical_formula_anonymous",
    "elements",
    "elements_ratios",
    "nsites",
    "nelements",
    "nperiodic_dimensions",
    "dimension_types",
    "names",
    "labels",
    "configuration_metadata",
    "property_metadata",
    "cauchy_stress",
    "last_modified",
];
/// Columns of lists that are left out without a note: the store has what the first three say, and the others name the row in
/// its data set.
const RESTATED: [&str; 5] = ["elements", "elements_ratios", "dimension_types", "names", "labels"];
/// Beginning of the names of the columns of forces in older exports.
const FORCES: &str = "atomic_forces";

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition =
    SourceDefinition { name: "colabfit", has_files: false, id_key: None, default_filters: &[], open };

fn open(inputs: &[PathBuf], options: &SourceOptions, name: &str) -> Result<OpenSource, SourceError> {
    open_records(&ROWS, inputs, options, name)
}

/// Whether a column is that of the positions, or a part of it.
fn is_positions(name: &str) -> bool {
    let part = name.strip_prefix(POSITIONS);
    part.is_some_and(|part| {
        part.is_empty()
            || part.strip_prefix('_').is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// The format of the rows.
static ROWS: ParquetRows =
    ParquetRows { source: SOURCE.name, needed: &NEEDED, is_wanted, restated: &RESTATED, read };

/// Whether a column of lists is read.
fn is_wanted(name: &str) -> bool {
    NEEDED.contains(&name) || ASE_KEYS.contains(&name) || is_positions(name)
}

/// Reads a row, a JSON object.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed or its structure is not a crystal.
fn read(record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    let mut cell = Cell::default();
    let mut positions: Vec<(String, &[u8])> = Vec::new();
    let mut site_properties = SiteProperties::default();
    let mut cursor = Cursor::new(record);
    cursor.expect(b'{', "a row")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        let name = key.text();
        match &*name {
            "configuration_id" => json_identifier(IdKey::PRESCRIBED, &mut cursor, fields)?,
            "cell" => cell.lattice = Some(cursor.raw()?),
            "atomic_numbers" => cell.numbers = Some(cursor.raw()?),
            "pbc" => cell.periodic = Some(cursor.raw()?),
            name if is_positions(name) => positions.push((name.to_owned(), cursor.raw()?)),
            name if ASE_KEYS.contains(&name) => site_properties.add_list(name, cursor.raw()?),
            name if DESCRIPTIONS.contains(&name) || name.starts_with(FORCES) => cursor.skip()?,
            _ => json_property(key, &mut cursor, fields)?,
        }
    }
    cursor.end()?;
    if let Some(structure) = fields.structure() {
        // The parts of the positions follow each other by their numbers.
        positions.sort();
        cell.structure(structure, |numbers| {
            positions.iter().try_for_each(|(_, raw)| flat_numbers(raw, "positions", numbers))
        })?;
    }
    fields.sites(&site_properties)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::key_scan::PropertyKey;
    use crate::source::property_value::Reading;
    use crate::source::record_fields::CrystalFields;

    #[test]
    fn lists_and_texts_of_charges_are_numbers_of_the_sites() {
        for charges in ["[1, -1]", r#""[1, -1]""#] {
            let row = format!(
                r#"{{"configuration_id": "CO_1", "atomic_numbers": [55, 17], "pbc": [true, true, true],
                    "cell": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "positions": [[0, 0, 0], [2, 2, 2]],
                    "charges": {charges}}}"#
            );
            let reading = Reading::SiteNumbers;
            let mut fields =
                CrystalFields::new(&[PropertyKey { key: b"site_charges".to_vec(), reading, values: 1 }]);
            read(row.as_bytes(), &mut fields).expect("a crystal");
            assert_eq!(fields.values.values().list(0), Some(&[1.0, -1.0][..]), "{charges}");
        }
    }
}
