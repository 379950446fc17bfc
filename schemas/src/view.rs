//! Typed rows of a `RecordBatch`, as slices of the Arrow buffers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    ListArray, StringArray, UInt8Array, UInt32Array,
};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;

use crate::count::counted;
use crate::error::StoreError;
use crate::limits;
use crate::store::{COLUMNS, Column, FIRST_FORMAT_VERSION, RESTATED, column_by_name};

/// A list column with typed values.
#[derive(Debug, Clone)]
pub(crate) struct Lists<V> {
    lists: ListArray,
    values: V,
}

impl<V> Lists<V> {
    /// Returns the range of a row's values.
    fn bounds(&self, row: usize) -> (usize, usize) {
        let offsets = self.lists.value_offsets();
        (offsets[row] as usize, offsets[row + 1] as usize)
    }
}

/// The edges of one crystal as parallel columns of shape `[nedges]`. See [`crate::store::COLUMNS`] for units and
/// conventions.
#[derive(Debug, Clone, Copy)]
pub struct EdgeView<'a> {
    /// Index of the neighbour's site j.
    pub source: &'a [u32],
    /// Index of the centre's site i, in ascending order.
    pub target: &'a [u32],
    /// Image k of the neighbour: its unit cell along l1, l2 and l3.
    pub image: [&'a [i16]; 3],
    /// Length of the edge in Å.
    pub distance: &'a [f32],
    /// Direction label from the signs of the image, 0..=26. 13 is the home cell.
    pub direction: &'a [u8],
    /// Direction label that does not depend on the origin of the unit cell, 0..=26.
    pub direction_centred: &'a [u8],
}

/// One crystal of a shard, borrowed from its batch.
#[derive(Debug, Clone, Copy)]
pub struct CrystalView<'a> {
    /// Identifier in the store.
    pub material_id: &'a str,
    /// Name of the source.
    pub source: &'a str,
    /// Reduced formula.
    pub chemical_formula_reduced: &'a str,
    /// Niggli cell in Å. The rows are the lattice vectors l1, l2, l3.
    pub lattice_vectors: [[f64; 3]; 3],
    /// Lengths a, b, c in Å and angles alpha, beta, gamma in degrees.
    pub parameters: [f64; 6],
    /// Volume of the unit cell in Å³.
    pub volume: f64,
    /// Change of basis T in `L = T · L0`, where L0 is the given lattice and L the Niggli cell.
    pub niggli_transform: [[i32; 3]; 3],
    /// Atomic numbers, shape `[nsites]`.
    pub atomic_numbers: &'a [u8],
    /// Fractional coordinates, shape `[nsites, 3]`, row-major.
    pub fractional_site_positions: &'a [f64],
    /// The edges.
    pub edges: EdgeView<'a>,
    /// Split: `train`, `val` or `test`.
    pub split: Option<&'a str>,
    /// Index of the test fold.
    pub fold: Option<i8>,
    /// Identifier that the source never changes, if it gives one and the store has the column.
    pub immutable_id: Option<&'a str>,
    /// Number of the space group, 1..=230, if it was looked for and found.
    pub space_group_number: Option<u32>,
    /// Hash of the structure, if it could be computed and the store has the column.
    pub structure_hash: Option<&'a str>,
}

/// A record batch whose column types have been checked.
#[derive(Debug, Clone)]
pub struct CrystalBatch {
    path: Arc<Path>,
    batch: RecordBatch,
    material_id: StringArray,
    source: StringArray,
    formula: StringArray,
    nsites: UInt32Array,
    lattice: Float64Array,
    parameters: [Float64Array; 6],
    volume: Float64Array,
    transform: Int32Array,
    atomic_numbers: Lists<UInt8Array>,
    fractional: Lists<Float64Array>,
    edge_source: Lists<UInt32Array>,
    edge_target: Lists<UInt32Array>,
    image: [Lists<Int16Array>; 3],
    distance: Lists<Float32Array>,
    direction: Lists<UInt8Array>,
    direction_centred: Lists<UInt8Array>,
    split: StringArray,
    fold: Int8Array,
    immutable_id: Option<StringArray>,
    space_group: Option<UInt32Array>,
    structure_hash: Option<StringArray>,
}

impl CrystalBatch {
    /// Checks that a batch from the file `path` has every fixed column with its type. The columns of [`RESTATED`] may be
    /// missing, and those that the first version of the format did not have. The path of a batch in memory is empty.
    ///
    /// # Errors
    /// Returns [`StoreError::Column`] for the first column that is missing, of another type or unexpectedly null.
    pub fn new(path: Arc<Path>, batch: RecordBatch) -> Result<Self, StoreError> {
        Self::checked(&path, batch).map_err(|error| error.in_file(&path))
    }

    fn checked(path: &Arc<Path>, batch: RecordBatch) -> Result<Self, StoreError> {
        for column in COLUMNS {
            let Some(array) = batch.column_by_name(column.name) else {
                if RESTATED.contains(&column.name) || column.since > FIRST_FORMAT_VERSION {
                    continue;
                }
                return Err(column_error(column.name, "is missing"));
            };
            check_column(array, column)?;
        }
        let source = &batch;
        Ok(Self {
            material_id: typed(source, "material_id")?,
            source: typed(source, "source")?,
            formula: typed(source, "chemical_formula_reduced")?,
            nsites: typed(source, "nsites")?,
            lattice: fixed(source, "lattice_vectors")?,
            parameters: [
                typed(source, "a")?,
                typed(source, "b")?,
                typed(source, "c")?,
                typed(source, "alpha")?,
                typed(source, "beta")?,
                typed(source, "gamma")?,
            ],
            volume: typed(source, "volume")?,
            transform: fixed(source, "niggli_transform")?,
            atomic_numbers: lists(source, "atomic_numbers")?,
            fractional: lists(source, "fractional_site_positions")?,
            edge_source: lists(source, "edge_source")?,
            edge_target: lists(source, "edge_target")?,
            image: [lists(source, "edge_k1")?, lists(source, "edge_k2")?, lists(source, "edge_k3")?],
            distance: lists(source, "edge_distance")?,
            direction: lists(source, "edge_direction")?,
            direction_centred: lists(source, "edge_direction_centred")?,
            split: typed(source, "split")?,
            fold: typed(source, "fold")?,
            immutable_id: added(source, "immutable_id")?,
            space_group: added(source, "space_group_number")?,
            structure_hash: added(source, "structure_hash")?,
            path: Arc::clone(path),
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

    /// Schema of the batch, with its property and split columns.
    pub fn schema(&self) -> &Schema {
        self.batch.schema_ref()
    }

    /// Returns the record batch.
    pub fn record_batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Returns a property or split column of the batch, or `None` if the store does not have it.
    pub fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    /// Returns the crystal in a row.
    ///
    /// # Errors
    /// Returns [`StoreError::Row`] if `row` is not below [`CrystalBatch::len`], if related lists differ in length, if
    /// an edge refers to a site that does not exist, or if the crystal exceeds the [`limits`].
    pub fn row(&self, row: usize) -> Result<CrystalView<'_>, StoreError> {
        if row >= self.len() {
            return Err(StoreError::Row {
                path: self.path.to_path_buf(),
                material_id: format!("row {row}"),
                problem: format!("the batch has {}", counted(self.len(), "row")),
            });
        }
        let view = CrystalView {
            material_id: self.material_id.value(row),
            source: self.source.value(row),
            chemical_formula_reduced: self.formula.value(row),
            lattice_vectors: rows_of_three(&self.lattice.values()[9 * row..9 * row + 9]),
            parameters: std::array::from_fn(|index| self.parameters[index].value(row)),
            volume: self.volume.value(row),
            niggli_transform: rows_of_three(&self.transform.values()[9 * row..9 * row + 9]),
            atomic_numbers: self.atomic_numbers.slice(row),
            fractional_site_positions: self.fractional.slice(row),
            edges: EdgeView {
                source: self.edge_source.slice(row),
                target: self.edge_target.slice(row),
                image: std::array::from_fn(|axis| self.image[axis].slice(row)),
                distance: self.distance.slice(row),
                direction: self.direction.slice(row),
                direction_centred: self.direction_centred.slice(row),
            },
            split: text(Some(&self.split), row),
            fold: (!self.fold.is_null(row)).then(|| self.fold.value(row)),
            immutable_id: text(self.immutable_id.as_ref(), row),
            space_group_number: self
                .space_group
                .as_ref()
                .and_then(|groups| (!groups.is_null(row)).then(|| groups.value(row))),
            structure_hash: text(self.structure_hash.as_ref(), row),
        };
        view.check(self.nsites.value(row)).map_err(|problem| StoreError::Row {
            path: self.path.to_path_buf(),
            material_id: view.material_id.to_owned(),
            problem,
        })?;
        Ok(view)
    }
}

impl CrystalView<'_> {
    /// Checks that the lists of a row are consistent. Returns what is wrong otherwise.
    fn check(&self, nsites: u32) -> Result<(), String> {
        let sites = nsites as usize;
        if self.atomic_numbers.len() != sites || self.fractional_site_positions.len() != 3 * sites {
            return Err(format!(
                "{}, {}, {}",
                counted(sites, "site"),
                counted(self.atomic_numbers.len(), "atomic number"),
                counted(self.fractional_site_positions.len(), "coordinate")
            ));
        }
        let edges = &self.edges;
        let lengths = [
            ("edge_source", edges.source.len()),
            ("edge_k1", edges.image[0].len()),
            ("edge_k2", edges.image[1].len()),
            ("edge_k3", edges.image[2].len()),
            ("edge_distance", edges.distance.len()),
            ("edge_direction", edges.direction.len()),
            ("edge_direction_centred", edges.direction_centred.len()),
        ];
        if let Some((name, length)) = lengths.into_iter().find(|(_, length)| *length != edges.target.len()) {
            return Err(format!(
                "{} of edge_target, {length} of {name}",
                counted(edges.target.len(), "value")
            ));
        }
        if let Some(site) = edges.source.iter().chain(edges.target).find(|site| **site >= nsites) {
            return Err(format!("an edge names site {site} of {nsites}"));
        }
        limits::check(sites, edges.source, edges.target).map_err(|error| error.to_string())
    }
}

/// Defines methods that return the values of one row as a slice, for primitive types.
macro_rules! slices {
    ($($array:ty => $value:ty),*) => {
        $(impl Lists<$array> {
            pub(crate) fn slice(&self, row: usize) -> &[$value] {
                let (start, end) = self.bounds(row);
                &self.values.values()[start..end]
            }
        })*
    };
}
slices!(UInt8Array => u8, UInt32Array => u32, Int16Array => i16, Float32Array => f32, Float64Array => f64);

/// Splits nine values into three rows.
pub(crate) fn rows_of_three<T: Copy>(values: &[T]) -> [[T; 3]; 3] {
    std::array::from_fn(|row| std::array::from_fn(|column| values[3 * row + column]))
}

/// Checks the type of a column, and that it has no nulls unless it may have them.
pub(crate) fn check_column(array: &ArrayRef, column: &Column) -> Result<(), StoreError> {
    if let Some(problem) = type_problem(array.data_type(), column) {
        return Err(column_error(column.name, problem));
    }
    if !column.nullable && array.null_count() > 0 {
        return Err(column_error(column.name, format!("has {}", counted(array.null_count(), "empty value"))));
    }
    Ok(())
}

/// Returns what is wrong with the type of a column, or `None` if it is right.
pub(crate) fn type_problem(found: &DataType, column: &Column) -> Option<String> {
    let expected = column.column_type.data_type();
    (!same_layout(found, &expected)).then(|| format!("is {found} instead of {expected}"))
}

/// Whether two types are equal apart from the name of a list's child field.
fn same_layout(found: &DataType, expected: &DataType) -> bool {
    match (found, expected) {
        (DataType::List(found), DataType::List(expected)) => found.data_type() == expected.data_type(),
        (DataType::FixedSizeList(found, n), DataType::FixedSizeList(expected, m)) => {
            n == m && found.data_type() == expected.data_type()
        }
        (found, expected) => found == expected,
    }
}

pub(crate) fn column_error(column: &str, problem: impl Into<String>) -> StoreError {
    StoreError::Column { path: PathBuf::new(), column: column.to_owned(), problem: problem.into() }
}

/// Downcasts a column to its array type.
pub(crate) fn typed<A: Array + Clone + 'static>(batch: &RecordBatch, name: &str) -> Result<A, StoreError> {
    let array = batch.column_by_name(name).ok_or_else(|| column_error(name, "is missing"))?;
    downcast(array, name)
}

/// Returns a column that earlier versions of the format do not have, or `None` if it is missing.
fn added<A: Array + Clone + 'static>(batch: &RecordBatch, name: &str) -> Result<Option<A>, StoreError> {
    batch.column_by_name(name).map(|array| downcast(array, name)).transpose()
}

/// Returns a text of a column that may be missing.
fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.and_then(|column| (!column.is_null(row)).then(|| column.value(row)))
}

/// Returns the values of a fixed-size list column as a flat array.
pub(crate) fn fixed<A: Array + Clone + 'static>(batch: &RecordBatch, name: &str) -> Result<A, StoreError> {
    let list: FixedSizeListArray = typed(batch, name)?;
    if list.values().null_count() > 0 {
        return Err(column_error(name, format!("has {} empty items", list.values().null_count())));
    }
    downcast(list.values(), name)
}

/// Returns a list column with typed values.
pub(crate) fn lists<A: Array + Clone + 'static>(
    batch: &RecordBatch,
    name: &str,
) -> Result<Lists<A>, StoreError> {
    let lists: ListArray = typed(batch, name)?;
    if lists.values().null_count() > 0 {
        return Err(column_error(name, format!("has {} empty items", lists.values().null_count())));
    }
    let values = downcast(lists.values(), name)?;
    Ok(Lists { lists, values })
}

fn downcast<A: Array + Clone + 'static>(array: &ArrayRef, name: &str) -> Result<A, StoreError> {
    array.as_any().downcast_ref::<A>().cloned().ok_or_else(|| {
        let expected = column_by_name(name)
            .map_or_else(String::new, |column| column.column_type.data_type().to_string());
        column_error(name, format!("is {} instead of {expected}", array.data_type()))
    })
}

#[cfg(test)]
mod tests;
