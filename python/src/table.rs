//! Record batches as Arrow streams, by the Arrow PyCapsule interface, and tables in files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, RecordBatchIterator, RecordBatchReader,
    StringArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use parquet::arrow::ProjectionMask;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList};
use schemas::StoreError;
use schemas::parquet_table::ParquetTable;
use schemas::text::text_of_cell;

use crate::fault::Fault;
use crate::values::value;

/// Most rows of a batch of a Parquet file.
const BATCH_ROWS: usize = 1024;

/// Record batches in memory. Whoever takes them shares their buffers.
#[pyclass(frozen, module = "crystal_mmpt._native")]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Table {
    /// Creates a table of batches with this schema.
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows a requested schema to be ignored.
        let _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok);
        stream(py, Box::new(RecordBatchIterator::new(batches, self.schema.clone())))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema(py, &self.schema)
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The values of every column by its name, as Python's own.
    fn to_pydict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(py);
        for (at, field) in self.schema.fields().iter().enumerate() {
            let values = PyList::empty(py);
            for batch in &self.batches {
                for row in 0..batch.num_rows() {
                    values.append(value(py, batch.column(at), row)?)?;
                }
            }
            columns.set_item(field.name(), values)?;
        }
        Ok(columns)
    }

    #[getter]
    fn column_names(&self) -> Vec<&str> {
        names(&self.schema)
    }
}

impl Table {
    /// Reads a Parquet file: a table of the trainer, or the rejects of a store.
    ///
    /// # Errors
    /// The fault of a [`StoreError`], with the path, if it cannot be read or is damaged.
    pub(crate) fn of_parquet(path: &Path) -> Result<Self, Fault> {
        let table = ParquetTable::open(path)?;
        let schema = Arc::clone(table.schema());
        let batches = table.batches(ProjectionMask::all(), None, BATCH_ROWS)?.collect::<Result<Vec<_>, _>>();
        let batches = batches
            .map_err(|error| StoreError::Parquet { path: path.to_owned(), message: error.to_string() })?;
        Ok(Self::new(schema, batches))
    }

    /// Reads a CSV file of the trainer: predictions, or the entries that have none.
    ///
    /// # Errors
    /// [`Fault::Other`] if it cannot be read.
    fn of_csv(path: &Path) -> Result<Self, Fault> {
        let mut reader = csv::Reader::from_path(path).map_err(|error| Fault::other(&error))?;
        let header = reader.headers().map_err(|error| Fault::other(&error))?.clone();
        let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(|error| Fault::other(&error))?;
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (at, name) in header.iter().enumerate() {
            let cells = rows.iter().map(|row| {
                // A crystal that was compared with the training crystals may have no such elements.
                let is_known = name == "unseen_elements" && row.iter().next_back() != Some("");
                row.get(at).filter(|cell| !cell.is_empty() || is_known)
            });
            let cells: Vec<_> = cells.collect();
            let column = column(text_of_cell(name), &cells);
            fields.push(Field::new(text_of_cell(name), column.data_type().clone(), true));
            columns.push(column);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch =
            RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| Fault::other(&error))?;
        Ok(Self::new(schema, vec![batch]))
    }
}

/// Returns a column of the trainer's CSV files. Its name says what it holds: counts, truth values or texts; all others
/// hold numbers, but the predictions of classes.
fn column(name: &str, cells: &[Option<&str>]) -> ArrayRef {
    let cells = cells.iter().copied();
    match name {
        "record" | "line" | "site" => Arc::new(cells.map(|cell| cell?.parse().ok()).collect::<UInt64Array>()),
        "out_of_domain" => Arc::new(cells.map(|cell| cell?.parse().ok()).collect::<BooleanArray>()),
        "material_id" | "formula" | "property" | "unit" | "element" | "unseen_elements" | "source_file"
        | "reason" | "message" => texts(cells),
        _ => {
            match cells.clone().map(|cell| cell.map(str::parse).transpose()).collect::<Result<Vec<_>, _>>() {
                Ok(numbers) => Arc::new(Float64Array::from(numbers)),
                Err(_) => texts(cells),
            }
        }
    }
}

fn texts<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(cells.map(|cell| cell.map(text_of_cell)).collect::<StringArray>())
}

/// Reads a Parquet or CSV file of the trainer.
#[pyfunction]
pub(crate) fn read_table(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    let is_csv = path.extension().is_some_and(|ending| ending == "csv");
    let read = || if is_csv { Table::of_csv(&path) } else { Table::of_parquet(&path) };
    py.detach(read).map_err(|fault| fault.raise(py))
}

/// Returns the names of the columns of a schema, in order.
pub(crate) fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|field| field.name().as_str()).collect()
}

/// Returns a reader of batches as a capsule, which releases it unless somebody takes it.
pub(crate) fn stream<'py>(
    py: Python<'py>,
    reader: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
}

/// Returns a schema as a capsule.
pub(crate) fn schema<'py>(py: Python<'py>, schema: &Schema) -> PyResult<Bound<'py, PyCapsule>> {
    let schema =
        FFI_ArrowSchema::try_from(schema).map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}
