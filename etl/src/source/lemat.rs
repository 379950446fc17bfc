//! LeMat-Bulk: Parquet tables whose columns are the attributes of OPTIMADE, with the species as a text of JSON.
//!
//! The identifier is `immutable_id`, which is unique among the calculations of one `functional`. Properties are the
//! columns of numbers, booleans and classes: `energy` in eV for the cell, `total_magnetization` in µB, and others; of the
//! sites `magnetic_moments` in µB.

use super::RecordError;
use super::definition::SourceDefinition;
use super::json::Cursor;
use super::optimade_structure::Attributes;
use super::parquet_rows::ParquetRows;
use super::record_fields::RecordFields;

/// Columns that every table of this source has.
pub(super) const NEEDED: [&str; 4] =
    ["immutable_id", "lattice_vectors", "cartesian_site_positions", "species_at_sites"];
/// Columns of lists that are read besides.
const LISTS: [&str; 2] = ["species", "dimension_types"];
/// Columns of lists that are left out without a note, because the store has columns of the same names.
const RESTATED: [&str; 2] = ["elements", "elements_ratios"];
/// Columns of lists with a number of every site.
const SITE_KEYS: [&str; 1] = ["magnetic_moments"];

/// Name of the source.
const NAME: &str = "lemat";
/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition::records(NAME, &ROWS);

/// The format of the rows.
static ROWS: ParquetRows =
    ParquetRows { source: NAME, needed: &NEEDED, is_wanted, restated: &RESTATED, read };

/// Whether a column of lists is read.
fn is_wanted(name: &str) -> bool {
    [&NEEDED[..], &LISTS, &SITE_KEYS].iter().any(|names| names.contains(&name))
}

/// Reads a row, a JSON object.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed or its structure is not a crystal.
fn read(record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    let mut cursor = Cursor::new(record);
    let attributes = Attributes::read(&mut cursor, fields, &SITE_KEYS)?;
    cursor.end()?;
    if let Some(structure) = fields.structure() {
        attributes.structure(structure)?;
    }
    fields.sites(&attributes.site_properties)
}
