//! Tables of ColabFit: Parquet files of configurations (`co/co_*.parquet`), with lists, or in older exports with texts
//! of JSON, of which `positions_00`, `positions_01`, ... follow each other.
//!
//! The identifier is `configuration_id`. Properties are the columns of numbers, booleans and classes: `energy` in eV for
//! the cell, `formation_energy`, `electronic_band_gap` in eV, and others; of the sites lists such as `charges` and `magmoms`.

use super::RecordError;
use super::definition::SourceDefinition;
use super::flat_json::{Cell, flat_numbers};
use super::json::{Cursor, JsonError};
use super::parquet_rows::ParquetRows;
use super::record_fields::{IdKey, RecordFields, json_identifier, json_property};
use super::site_properties::{ASE_KEYS, SiteProperties};

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

/// Name of the source.
const NAME: &str = "colabfit";
/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition::records(NAME, &ROWS);

/// Returns the place of a part of the positions by the name of its column: 0 for the column of all, and 1 more than its number
/// for one of several. `None` for any other column.
fn part_of(name: &str) -> Option<u64> {
    let part = name.strip_prefix(POSITIONS)?;
    if part.is_empty() {
        return Some(0);
    }
    let digits = part.strip_prefix('_')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // As a text, 10 would come before 2.
    if is_number { digits.parse::<u64>().ok()?.checked_add(1) } else { None }
}

/// The format of the rows.
static ROWS: ParquetRows =
    ParquetRows { source: NAME, needed: &NEEDED, is_wanted, restated: &RESTATED, read };

/// Whether a column of lists is read.
fn is_wanted(name: &str) -> bool {
    NEEDED.contains(&name) || ASE_KEYS.contains(&name) || part_of(name).is_some()
}

/// A part of the positions.
struct Part<'a> {
    /// Its place among the parts, see [`part_of`].
    place: u64,
    /// Name of the column.
    name: String,
    /// The value as written.
    raw: &'a [u8],
}

/// Puts the parts of the positions in the order of their numbers.
///
/// # Errors
/// Returns a [`RecordError`] if a number is missing between two others or occurs twice, as positions would go to other atoms.
fn put_in_order(parts: &mut [Part<'_>]) -> Result<(), RecordError> {
    parts.sort_by_key(|part| part.place);
    for pair in parts.windows(2) {
        if let [before, part] = pair
            && part.place - before.place != 1
        {
            let found = format!("{:?} behind {:?}", part.name, before.name);
            let expected = "columns of positions with one number after the other";
            return Err(JsonError { byte: 0, expected, found }.into());
        }
    }
    Ok(())
}

/// Reads a row, a JSON object.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed or its structure is not a crystal.
fn read(record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    let mut cell = Cell::default();
    let mut positions: Vec<Part<'_>> = Vec::new();
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
            name if ASE_KEYS.contains(&name) => site_properties.add_list(name, cursor.raw()?),
            name if DESCRIPTIONS.contains(&name) || name.starts_with(FORCES) => cursor.skip()?,
            name => match part_of(name) {
                Some(place) => positions.push(Part { place, name: name.to_owned(), raw: cursor.raw()? }),
                None => json_property(key, &mut cursor, fields)?,
            },
        }
    }
    cursor.end()?;
    if let Some(structure) = fields.structure() {
        put_in_order(&mut positions)?;
        cell.structure(structure, |numbers| {
            positions.iter().try_for_each(|part| flat_numbers(part.raw, "positions", numbers))
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

    /// Reads a row of twelve atoms whose positions have these columns, each with the x of its atoms in Å. Returns the x of all
    /// atoms in Å.
    fn read_parts(parts: &[(&str, &[u32])]) -> Result<Vec<u32>, String> {
        let columns: Vec<String> = parts
            .iter()
            .map(|(name, atoms)| {
                let atoms: Vec<String> = atoms.iter().map(|x| format!("[{x}, 0, 0]")).collect();
                format!(r#""{name}": "[{}]""#, atoms.join(", "))
            })
            .collect();
        let numbers = ["84"; 12].join(", ");
        let row = format!(
            r#"{{"configuration_id": "CO_1", "atomic_numbers": [{numbers}], "pbc": [true, true, true],
                "cell": [[16, 0, 0], [0, 16, 0], [0, 0, 16]], {}}}"#,
            columns.join(", ")
        );
        let mut fields = CrystalFields::new(&[]);
        read(row.as_bytes(), &mut fields).map_err(|error| error.to_string())?;
        Ok(fields.structure.fractional.iter().map(|position| (16.0 * position[0]).round() as u32).collect())
    }

    #[test]
    fn parts_of_the_positions_follow_each_other_by_their_numbers() {
        let names: Vec<String> = (0..12).map(|number| format!("positions_{number}")).collect();
        let expected: Vec<u32> = (0..12).collect();
        let atoms: Vec<[u32; 1]> = expected.iter().map(|x| [*x]).collect();
        let mut parts: Vec<(&str, &[u32])> =
            names.iter().zip(&atoms).map(|(name, atoms)| (name.as_str(), atoms.as_slice())).collect();
        assert_eq!(read_parts(&parts), Ok(expected.clone()));
        parts.reverse();
        assert_eq!(read_parts(&parts), Ok(expected.clone()));
        let two = [("positions_01", &[8, 9, 10, 11][..]), ("positions_00", &[0, 1, 2, 3, 4, 5, 6, 7])];
        assert_eq!(read_parts(&two), Ok(expected));
    }

    #[test]
    fn gaps_and_doubled_numbers_are_named() {
        let twelve = [0_u32; 12];
        let (six, other) = twelve.split_at(6);
        for (name, found) in [
            ("positions_2", r#""positions_2" behind "positions_00""#),
            ("positions_0", r#""positions_0" behind "positions_00""#),
        ] {
            let message = read_parts(&[("positions_00", six), (name, other)]).expect_err("no order");
            assert!(message.ends_with(&format!("one number after the other, found {found}")), "{message}");
        }
    }

    #[test]
    fn columns_of_positions_are_told_by_their_names() {
        for (name, place) in [
            ("positions", Some(0)),
            ("positions_00", Some(1)),
            ("positions_11", Some(12)),
            ("positions_", None),
            ("positions_+1", None),
            ("positions_x", None),
            ("positions1", None),
            ("positions_99999999999999999999", None),
            ("position", None),
        ] {
            assert_eq!(part_of(name), place, "{name}");
        }
    }
}
