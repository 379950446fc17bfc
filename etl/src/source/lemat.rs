//! LeMat-Bulk: Parquet tables whose columns are the attributes of OPTIMADE, with the species as a text of JSON.
//!
//! The identifier is `immutable_id`, which is unique among the calculations of one `functional`. Properties are the
//! columns of numbers, booleans and classes: `energy` in eV for the cell, `total_magnetization` in µB, and others; of the
//! sites `magnetic_moments` in µB.

use std::path::{Path, PathBuf};

use super::definition::SourceDefinition;
use super::input::Progress;
use super::json::Cursor;
use super::optimade_structure::Attributes;
use super::parquet_rows::RowCutter;
use super::record_fields::RecordFields;
use super::records::{RecordCutter, RecordLayout, open_records};
use super::{OpenSource, RecordError, SourceError, SourceOptions};

/// Columns without which a table is none of this source.
pub(super) const NEEDED: [&str; 4] =
    ["immutable_id", "lattice_vectors", "cartesian_site_positions", "species_at_sites"];
/// Columns of lists that are read besides.
const LISTS: [&str; 2] = ["species", "dimension_types"];
/// Columns of lists with a number of every site.
const SITE_KEYS: [&str; 1] = ["magnetic_moments"];

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition =
    SourceDefinition { name: "lemat", has_files: false, id_key: None, default_filters: &[], open };

fn open(inputs: &[PathBuf], options: &SourceOptions, name: &str) -> Result<OpenSource, SourceError> {
    open_records(&Lemat, inputs, options, name)
}

/// The format of rows, as JSON objects.
struct Lemat;

impl RecordLayout for Lemat {
    fn source(&self) -> &'static str {
        SOURCE.name
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".parquet"]
    }

    fn is_sequential(&self) -> bool {
        false
    }

    fn open(&self, path: &Path, progress: &Progress) -> Result<Box<dyn RecordCutter>, SourceError> {
        let wanted = |name: &str| [&NEEDED[..], &LISTS, &SITE_KEYS].iter().any(|names| names.contains(&name));
        Ok(Box::new(RowCutter::open(path, &NEEDED, wanted, progress)?))
    }

    fn read(&self, record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
        let mut cursor = Cursor::new(record);
        let attributes = Attributes::read(&mut cursor, fields, &SITE_KEYS)?;
        cursor.end()?;
        if let Some(structure) = fields.structure() {
            attributes.structure(structure)?;
        }
        fields.sites(&attributes.site_properties)
    }
}
