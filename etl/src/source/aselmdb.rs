//! ASE-LMDB, the databases of fairchem: `.aselmdb` files, and folders of them. A value is JSON, packed by zlib, under the
//! decimal number of its row.
//!
//! The identifier is `material_id` or another key of identifiers in `key_value_pairs` or `data`, `sid` among them; else
//! the file's name and the number of the row. Properties are the results of calculations with one number, such as
//! `energy` in eV, or with a number of every atom, such as `magmoms` in µB, and what is in `key_value_pairs` and `data`. Rows
//! come in the order of their numbers. The list of rows takes 24 bytes of memory for each.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use flate2::read::ZlibDecoder;
use schemas::regular::refuse_hollow;

use super::definition::SourceDefinition;
use super::flat_json::{Cell, flat_numbers};
use super::input::Progress;
use super::json::Cursor;
use super::lmdb::{Lmdb, LmdbError, ValuePlace};
use super::record_fields::{RecordFields, json_fields, json_property};
use super::records::{Piece, RecordCutter, RecordLayout, stem};
use super::site_properties::{ASE_KEYS, SiteProperties};
use super::{MAX_RECORD_BYTES, RecordError, SourceError};

/// Ending of the files' names.
pub(super) const ENDINGS: [&str; 1] = [".aselmdb"];
/// Largest number of rows of a file.
const MAX_ROWS: usize = 1 << 24;
/// Keys that are no rows.
const OTHER_KEYS: [&[u8]; 3] = [b"nextid", b"deleted_ids", b"metadata"];
/// Keys of a row that describe it and not the crystal.
const DESCRIPTIONS: [&[u8]; 8] = [
    b"unique_id",
    b"ctime",
    b"mtime",
    b"user",
    b"calculator",
    b"calculator_parameters",
    b"constraints",
    b"id",
];

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition::records("aselmdb", &AseLmdb);

/// The format of rows, as they are packed in the file.
struct AseLmdb;

impl RecordLayout for AseLmdb {
    fn source(&self) -> &'static str {
        SOURCE.name
    }

    fn endings(&self) -> &'static [&'static str] {
        &ENDINGS
    }

    fn is_sequential(&self) -> bool {
        false
    }

    fn open(&self, path: &Path, progress: &Progress) -> Result<Box<dyn RecordCutter>, SourceError> {
        Ok(Box::new(ValueCutter::open(path, progress)?))
    }

    fn read(&self, record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
        read_row(&unpacked(record)?, fields)
    }
}

/// Returns the JSON of a row.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, RecordError> {
    let mut row = Vec::new();
    let read = ZlibDecoder::new(packed).take(MAX_RECORD_BYTES as u64 + 1).read_to_end(&mut row);
    read.map_err(|error| RecordError::Unreadable(format!("the row does not unpack: {error}")))?;
    if row.len() > MAX_RECORD_BYTES {
        Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES })
    } else {
        Ok(row)
    }
}

/// Reads a row of ASE.
fn read_row(row: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
    let (mut cell, mut positions) = (Cell::default(), None);
    let mut site_properties = SiteProperties::default();
    let mut cursor = Cursor::new(row);
    cursor.expect(b'{', "a row")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"cell" => cell.lattice = Some(cursor.raw()?),
            b"numbers" => cell.numbers = Some(cursor.raw()?),
            b"pbc" => cell.periodic = Some(cursor.raw()?),
            b"positions" => positions = Some(cursor.raw()?),
            b"key_value_pairs" | b"data" if cursor.peek() == Some(b'{') => json_fields(&mut cursor, fields)?,
            raw if DESCRIPTIONS.contains(&raw) => cursor.skip()?,
            raw => match ASE_KEYS.iter().find(|known| known.as_bytes() == raw) {
                Some(key) => site_properties.add_list(key, cursor.raw()?),
                None => json_property(key, &mut cursor, fields)?,
            },
        }
    }
    cursor.end()?;
    if let Some(structure) = fields.structure() {
        let positions = positions.ok_or(RecordError::MissingField("positions"))?;
        cell.structure(structure, |numbers| flat_numbers(positions, "positions", numbers))?;
    }
    fields.sites(&site_properties)
}

/// Cuts a file into the values of its rows.
struct ValueCutter {
    file: Arc<str>,
    lmdb: Lmdb,
    /// Number and value of every row that was not cut yet, the last one first.
    rows: Vec<(u64, ValuePlace)>,
    progress: Progress,
}

impl ValueCutter {
    /// Opens a file and finds its rows.
    fn open(path: &Path, progress: &Progress) -> Result<Self, SourceError> {
        let fault = |source| SourceError::open(path, source);
        let shown = path.to_string_lossy();
        let file = std::fs::File::open(path).map_err(fault)?;
        refuse_hollow(&file).map_err(fault)?;
        let find = || -> Result<_, LmdbError> {
            let mut lmdb = Lmdb::open(file)?;
            let mut rows = Vec::new();
            lmdb.each(|key, place| {
                let number = std::str::from_utf8(key).ok().and_then(|key| key.parse().ok());
                match number {
                    Some(number) if rows.len() < MAX_ROWS => rows.push((number, place)),
                    Some(_) => return Err(LmdbError::Other("has more than 16,777,216 rows")),
                    None if OTHER_KEYS.contains(&key) => {}
                    None => {
                        return Err(LmdbError::Other("has keys that are no numbers of rows: no ASE-LMDB"));
                    }
                }
                Ok(())
            })?;
            rows.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
            Ok((lmdb, rows))
        };
        let (lmdb, rows) = find().map_err(|error| lmdb_fault(&shown, error))?;
        Ok(Self { file: Arc::from(&*shown), lmdb, rows, progress: progress.clone() })
    }
}

fn lmdb_fault(file: &str, error: LmdbError) -> SourceError {
    match error {
        LmdbError::Io(source) => SourceError::read(file, source),
        error => SourceError::layout(file, error.to_string()),
    }
}

impl RecordCutter for ValueCutter {
    fn file(&self) -> &Arc<str> {
        &self.file
    }

    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Piece>, SourceError> {
        let Some((number, place)) = self.rows.pop() else { return Ok(None) };
        let name = Some(format!("{}#{number}", stem(&self.file, &ENDINGS)));
        self.progress.add(place.size.into());
        let start = bytes.len();
        let body = if place.size as usize > MAX_RECORD_BYTES {
            Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES })
        } else {
            self.lmdb.value(place, bytes).map_err(|error| lmdb_fault(&self.file, error))?;
            Ok(start..bytes.len())
        };
        Ok(Some(Piece { line: None, name, body }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::source::key_scan::PropertyKey;
    use crate::source::property_value::Reading;
    use crate::source::record_fields::CrystalFields;

    /// Reads a row and returns the numbers of its sites under `key`.
    fn list(row: &str, key: &str) -> Option<Vec<f64>> {
        let key = PropertyKey { key: key.as_bytes().to_vec(), reading: Reading::SiteNumbers, values: 1 };
        let mut fields = CrystalFields::new(&[key]);
        read_row(row.as_bytes(), &mut fields).expect("a crystal");
        fields.values.values().list(0).map(<[f64]>::to_vec)
    }

    #[test]
    fn results_of_the_atoms_are_numbers_of_the_sites() {
        let row = |more: &str| {
            format!(
                r#"{{"numbers": [55, 17], "cell": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "pbc": [true, true, true],
                    "positions": [[0, 0, 0], [2, 2, 2]]{more}}}"#
            )
        };
        let array = r#", "magmoms": {"__ndarray__": [[2], "float64", [0.5, -0.5]]}"#;
        assert_eq!(list(&row(array), "site_magmoms"), Some(vec![0.5, -0.5]));
        assert_eq!(list(&row(r#", "charges": [1, -1]"#), "site_charges"), Some(vec![1.0, -1.0]));
        assert_eq!(list(&row(r#", "charges": [1]"#), "site_charges"), None);
        assert_eq!(list(&row(r#", "charges": null"#), "site_charges"), None);
        assert_eq!(list(&row(r#", "forces": [[0, 0, 1], [0, 0, -1]]"#), "forces"), None);
    }

    #[test]
    fn a_row_that_unpacks_to_very_much_is_a_reject() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![b' '; MAX_RECORD_BYTES + 1]).expect("in memory");
        let packed = encoder.finish().expect("in memory");
        assert_eq!(unpacked(&packed), Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES }));
        assert!(matches!(unpacked(&packed[..99]), Err(RecordError::Unreadable(_))));
    }
}
