//! Cells and sites of crystals without their edges, which are most of a shard.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray, UInt8Array, UInt32Array};
use arrow::record_batch::RecordBatch;

use crate::count::counted;
use crate::error::StoreError;
use crate::store::column_by_name;
use crate::view::{Lists, check_column, column_error, fixed, lists, rows_of_three, typed};

/// The columns that a [`SiteBatch`] needs.
pub const SITE_COLUMNS: [&str; 11] = [
    "material_id",
    "nsites",
    "lattice_vectors",
    "a",
    "b",
    "c",
    "alpha",
    "beta",
    "gamma",
    "atomic_numbers",
    "fractional_site_positions",
];

/// Largest atomic number.
const MAX_ATOMIC_NUMBER: u8 = 118;

/// The cell and the sites of one crystal, borrowed from its batch.
#[derive(Debug, Clone, Copy)]
pub struct SiteView<'a> {
    /// Identifier in the store.
    pub material_id: &'a str,
    /// Niggli cell in Å. The rows are the lattice vectors l1, l2, l3.
    pub lattice_vectors: [[f64; 3]; 3],
    /// Lengths a, b, c in Å and angles alpha, beta, gamma in degrees.
    pub parameters: [f64; 6],
    /// Atomic numbers, 1..=118, shape `[nsites]`.
    pub atomic_numbers: &'a [u8],
    /// Fractional coordinates, shape `[nsites, 3]`.
    pub fractional: &'a [[f64; 3]],
}

/// A record batch with the columns of [`SITE_COLUMNS`], whose types have been checked, and perhaps others.
#[derive(Debug, Clone)]
pub struct SiteBatch {
    path: Arc<Path>,
    batch: RecordBatch,
    material_id: StringArray,
    nsites: UInt32Array,
    lattice: Float64Array,
    parameters: [Float64Array; 6],
    atomic_numbers: Lists<UInt8Array>,
    fractional: Lists<Float64Array>,
}

impl SiteBatch {
    /// Checks the columns of a batch from the file `path`.
    ///
    /// # Errors
    /// Returns [`StoreError::Column`] for the first column that is missing, of another type or null in a row.
    pub fn new(path: Arc<Path>, batch: RecordBatch) -> Result<Self, StoreError> {
        Self::checked(&path, batch).map_err(|error| error.in_file(&path))
    }

    fn checked(path: &Arc<Path>, batch: RecordBatch) -> Result<Self, StoreError> {
        for name in SITE_COLUMNS {
            let array = batch.column_by_name(name).ok_or_else(|| column_error(name, "is missing"))?;
            column_by_name(name).map_or(Ok(()), |column| check_column(array, column))?;
        }
        Ok(Self {
            path: Arc::clone(path),
            material_id: typed(&batch, "material_id")?,
            nsites: typed(&batch, "nsites")?,
            lattice: fixed(&batch, "lattice_vectors")?,
            parameters: [
                typed(&batch, "a")?,
                typed(&batch, "b")?,
                typed(&batch, "c")?,
                typed(&batch, "alpha")?,
                typed(&batch, "beta")?,
                typed(&batch, "gamma")?,
            ],
            atomic_numbers: lists(&batch, "atomic_numbers")?,
            fractional: lists(&batch, "fractional_site_positions")?,
            batch,
        })
    }

    /// Number of crystals.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a column of the batch, or `None` if it does not have it.
    pub fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    /// Returns the crystal in a row.
    ///
    /// # Errors
    /// Returns [`StoreError::Row`] if `row` is not below [`SiteBatch::len`], if related lists differ in length or are
    /// empty, or if a number is not finite or an atomic number not that of an element.
    pub fn row(&self, row: usize) -> Result<SiteView<'_>, StoreError> {
        let refuse = |material_id: &str, problem: String| StoreError::Row {
            path: PathBuf::from(&*self.path),
            material_id: material_id.to_owned(),
            problem,
        };
        if row >= self.len() {
            return Err(refuse(
                &format!("row {row}"),
                format!("the batch has {}", counted(self.len(), "row")),
            ));
        }
        let coordinates = self.fractional.slice(row);
        let (fractional, _) = coordinates.as_chunks::<3>();
        let view = SiteView {
            material_id: self.material_id.value(row),
            lattice_vectors: rows_of_three(&self.lattice.values()[9 * row..9 * row + 9]),
            parameters: std::array::from_fn(|index| self.parameters[index].value(row)),
            atomic_numbers: self.atomic_numbers.slice(row),
            fractional,
        };
        match view.problem(self.nsites.value(row), coordinates) {
            None => Ok(view),
            Some(problem) => Err(refuse(view.material_id, problem)),
        }
    }
}

impl SiteView<'_> {
    /// Returns what is wrong with a row, or `None` if nothing is.
    fn problem(&self, nsites: u32, coordinates: &[f64]) -> Option<String> {
        let sites = nsites as usize;
        if sites == 0 || self.atomic_numbers.len() != sites || coordinates.len() != 3 * sites {
            return Some(format!(
                "{}, {}, {}",
                counted(sites, "site"),
                counted(self.atomic_numbers.len(), "atomic number"),
                counted(coordinates.len(), "coordinate")
            ));
        }
        let is_element = |number: &u8| (1..=MAX_ATOMIC_NUMBER).contains(number);
        if let Some(number) = self.atomic_numbers.iter().find(|number| !is_element(number)) {
            return Some(format!("no element has the atomic number {number}"));
        }
        let numbers = self.lattice_vectors.as_flattened().iter().chain(&self.parameters).chain(coordinates);
        let odd = numbers.into_iter().find(|number| !number.is_finite())?;
        Some(format!("its cell or a position holds {odd}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Shard;
    use crate::test_shard::{self, Row, row};

    /// Writes three crystals and reads the first and the last one.
    fn sites(edit: impl FnOnce(&mut [Row])) -> Result<Vec<(String, Option<f64>)>, StoreError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("x-00000.parquet");
        let mut rows = ["b", "d", "f"].map(row);
        edit(&mut rows);
        test_shard::write(&path, &test_shard::batch(test_shard::columns(&rows)), test_shard::metadata(), 2);
        let mut found = Vec::new();
        for batch in Shard::open(&path, None)?.sites_at(&[0, 2], &["band_gap_ev"])? {
            let batch = batch?;
            let gaps: Float64Array = typed(&batch.batch, "band_gap_ev")?;
            for at in 0..batch.len() {
                let view = batch.row(at)?;
                assert_eq!(view.lattice_vectors.as_flattened(), rows[0].lattice);
                assert_eq!(view.parameters, [3.0, 3.0, 3.0, 90.0, 90.0, 90.0]);
                assert_eq!((view.atomic_numbers, view.fractional), (&[84][..], &[[0.0; 3]][..]));
                found.push((view.material_id.to_owned(), gaps.iter().nth(at).flatten()));
            }
            assert!(batch.row(batch.len()).is_err());
            assert!(batch.column("edge_source").is_none());
        }
        Ok(found)
    }

    #[test]
    fn the_rows_asked_for_come_with_the_columns_asked_for() {
        let found = sites(|rows| rows[2].gap = None).expect("a good shard");
        assert_eq!(found, [("b".to_owned(), Some(0.5)), ("f".to_owned(), None)]);
    }

    #[test]
    fn rows_that_are_no_crystal_are_refused() {
        let fault = |edit: fn(&mut Row)| sites(|rows| edit(&mut rows[2])).expect_err("a fault").to_string();
        let ends = |text: String, end: &str| assert!(text.ends_with(end), "{text}");
        ends(fault(|row| row.fractional.truncate(2)), "crystal 'f': 1 site, 1 atomic number, 2 coordinates");
        ends(fault(|row| row.atomic_numbers[0] = 119), "no element has the atomic number 119");
        ends(fault(|row| row.fractional[1] = f64::NAN), "its cell or a position holds NaN");
        sites(|rows| rows[1].fractional.clear()).expect("a row that is not read");
    }
}
