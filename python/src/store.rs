//! Stores: their columns, and their rows as Arrow streams that are read from disk as they are asked for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{BooleanArray, RecordBatch, RecordBatchReader};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use etl::filter::Filter;
use etl::inspect::columns::columns;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use schemas::guard::GuardedBatches;
use schemas::layout::StorePaths;
use schemas::manifest::Manifest;
use schemas::reader::Shard;
use schemas::settings::FeatureSettings;
use trainer::data::Sources;

use crate::batches::{BatchOptions, Batches};
use crate::fault::Fault;
use crate::table;
use crate::work;

/// A finished store whose shards have been checked against its manifest.
#[pyclass(frozen, module = "crystal_mmpt._native")]
pub(crate) struct Store {
    path: PathBuf,
    manifest: Manifest,
    sources: Arc<Sources>,
}

#[pymethods]
impl Store {
    #[new]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        work::run(py, None, move |_| {
            let manifest = Manifest::read(&path)?;
            let argument = path.to_string_lossy().into_owned();
            let sources = Arc::new(Sources::resolve(&[argument], Some(&manifest.settings))?);
            Ok(Self { path, manifest, sources })
        })
    }

    /// Name, type, unit, shape and description of every column, as JSON.
    fn columns(&self, py: Python<'_>) -> PyResult<String> {
        let read = || -> Result<_, Fault> {
            serde_json::to_string(&columns(&self.path)?).map_err(|error| Fault::other(&error))
        };
        py.detach(read).map_err(|fault| fault.raise(py))
    }

    /// The manifest as JSON.
    fn manifest(&self) -> String {
        self.manifest.to_json()
    }

    /// The entries that are no crystals.
    fn rejects(&self, py: Python<'_>) -> PyResult<table::Table> {
        let read = || table::Table::of_parquet(&StorePaths::find(&self.path).rejects());
        py.detach(read).map_err(|fault| fault.raise(py))
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.sources.rows()).unwrap_or(usize::MAX)
    }

    /// Rows that pass all filters, with the named columns or with all.
    fn table(
        &self,
        py: Python<'_>,
        columns: Option<Vec<String>>,
        filters: Vec<String>,
    ) -> PyResult<StoreTable> {
        StoreTable::new(&self.sources, columns, &filters).map_err(|fault| fault.raise(py))
    }

    /// An epoch of batches of graphs.
    fn batches(&self, py: Python<'_>, options: BatchOptions) -> PyResult<Batches> {
        Batches::open(&self.sources, options).map_err(|fault| fault.raise(py))
    }
}

/// Rows of a store. Every stream of them begins anew, and reads as it is asked.
#[pyclass(frozen, module = "crystal_mmpt._native")]
pub(crate) struct StoreTable {
    shards: Vec<PathBuf>,
    settings: FeatureSettings,
    schema: SchemaRef,
    filters: Vec<Filter>,
}

impl StoreTable {
    fn new(sources: &Sources, columns: Option<Vec<String>>, filters: &[String]) -> Result<Self, Fault> {
        let shards = sources.shards();
        let whole =
            shards.first().map(|shard| shard.schema.clone()).unwrap_or_else(|| Arc::new(Schema::empty()));
        let schema = match columns {
            None => Arc::clone(&whole),
            Some(names) => {
                let at = |name: &String| {
                    let refuse = |_| {
                        let there = table::names(&whole).join(", ");
                        Fault::of_value(format!("no column '{name}'; there are: {there}"), name)
                    };
                    whole.index_of(name).map_err(refuse)
                };
                let places = names.iter().map(at).collect::<Result<Vec<_>, Fault>>()?;
                Arc::new(whole.project(&places).map_err(|error| Fault::other(&error))?)
            }
        };
        let filters = filters.iter().map(|text| Filter::new(text, &whole)).collect::<Result<_, _>>()?;
        Ok(Self {
            shards: shards.iter().map(|shard| shard.path.clone()).collect(),
            settings: sources.settings().clone(),
            schema,
            filters,
        })
    }

    fn reader(&self) -> StoreReader {
        let mut shards = self.shards.clone();
        shards.reverse();
        StoreReader {
            shards,
            settings: self.settings.clone(),
            schema: Arc::clone(&self.schema),
            filters: self.filters.clone(),
            current: None,
        }
    }
}

#[pymethods]
impl StoreTable {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows a requested schema to be ignored.
        let _ = requested_schema;
        table::stream(py, Box::new(self.reader()))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        table::schema(py, &self.schema)
    }

    #[getter]
    fn column_names(&self) -> Vec<&str> {
        table::names(&self.schema)
    }

    /// The rows in memory.
    fn read(&self, py: Python<'_>) -> PyResult<table::Table> {
        let (schema, reader) = (Arc::clone(&self.schema), self.reader());
        let batches = work::run(py, None, move |caller| {
            let mut batches = Vec::new();
            for batch in reader {
                batches.push(batch.map_err(|error| Fault::other(&error))?);
                if caller.interrupt.requested() {
                    return Err(Fault::Interrupted);
                }
            }
            Ok(batches)
        })?;
        Ok(table::Table::new(schema, batches))
    }

    /// The cells of the crystals, one after another.
    fn cells(&self, py: Python<'_>) -> PyResult<Cells> {
        let names = CELL_COLUMNS.map(str::to_owned).to_vec();
        let places: Result<Vec<_>, _> = names.iter().map(|name| self.schema.index_of(name)).collect();
        if let Err(error) = places {
            return Err(Fault::other(&error).raise(py));
        }
        Ok(Cells(Mutex::new(CellReader { reader: self.reader(), batch: None, row: 0 })))
    }
}

/// Reads the shards one after another.
struct StoreReader {
    /// Shards that are not begun, the next one last.
    shards: Vec<PathBuf>,
    settings: FeatureSettings,
    schema: SchemaRef,
    filters: Vec<Filter>,
    current: Option<GuardedBatches>,
}

impl StoreReader {
    fn open(&self, path: &Path) -> Result<GuardedBatches, ArrowError> {
        let shard = Shard::open(path, Some(&self.settings)).map_err(external)?;
        let mut names = table::names(&self.schema);
        names.extend(self.filters.iter().flat_map(Filter::columns));
        shard.batches(None, Some(&names)).map_err(external)
    }

    /// Returns the rows of a batch that pass all filters, with the columns of the schema.
    fn select(&self, mut batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        for filter in &self.filters {
            batch = filter_record_batch(&batch, &BooleanArray::from(filter.matches(&batch)))?;
        }
        let names = self.schema.fields().iter().map(|field| batch.schema_ref().index_of(field.name()));
        let columns = names.map(|at| Ok(Arc::clone(batch.column(at?)))).collect::<Result<_, ArrowError>>()?;
        let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &rows)
    }
}

fn external(error: schemas::StoreError) -> ArrowError {
    ArrowError::ExternalError(Box::new(error))
}

impl Iterator for StoreReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.as_mut().and_then(Iterator::next) {
                return Some(batch.and_then(|batch| self.select(batch)));
            }
            let shard = self.shards.pop()?;
            match self.open(&shard) {
                Ok(batches) => self.current = Some(batches),
                Err(error) => {
                    self.shards.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

impl RecordBatchReader for StoreReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Columns of a cell and its sites.
const CELL_COLUMNS: [&str; 4] =
    ["material_id", "lattice_vectors", "atomic_numbers", "fractional_site_positions"];

/// Iterator over cells: identifier, lattice vectors `[3, 3]` in Å, atomic numbers `[nsites]`, and fractional positions
/// `[nsites, 3]`.
#[pyclass(frozen, module = "crystal_mmpt._native")]
pub(crate) struct Cells(Mutex<CellReader>);

struct CellReader {
    reader: StoreReader,
    batch: Option<RecordBatch>,
    row: usize,
}

/// A cell as it is stored: identifier, lattice vectors, atomic numbers, fractional positions.
type RawCell = (String, [[f64; 3]; 3], Vec<u8>, Vec<[f64; 3]>);

/// A cell as NumPy's arrays.
type Cell<'py> = (String, Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<u8>>, Bound<'py, PyArray2<f64>>);

#[pymethods]
impl Cells {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Cell<'py>>> {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cell) = cells.next().map_err(|error| Fault::other(&error).raise(py))? else {
            return Ok(None);
        };
        let (id, lattice, numbers, positions) = cell;
        Ok(Some((
            id,
            PyArray2::from_vec2(py, &lattice.map(|row| row.to_vec()))?,
            PyArray1::from_vec(py, numbers),
            PyArray2::from_vec2(py, &positions.iter().map(|row| row.to_vec()).collect::<Vec<_>>())?,
        )))
    }
}

impl CellReader {
    /// Returns the next cell.
    fn next(&mut self) -> Result<Option<RawCell>, ArrowError> {
        use arrow::array::AsArray;
        use arrow::datatypes::{Float64Type, UInt8Type};

        while self.batch.as_ref().is_none_or(|batch| self.row == batch.num_rows()) {
            match self.reader.next().transpose()? {
                Some(batch) => (self.batch, self.row) = (Some(batch), 0),
                None => return Ok(None),
            }
        }
        let Some(batch) = &self.batch else { return Ok(None) };
        let column = |name: &str| {
            let missing = || ArrowError::SchemaError(format!("no column '{name}'"));
            batch.column_by_name(name).ok_or_else(missing)
        };
        let row = self.row;
        self.row += 1;
        let [ids, lattices, numbers, positions] = CELL_COLUMNS.map(column);
        let lattice = lattices?.as_fixed_size_list().value(row);
        let (lattice, _) = lattice.as_primitive::<Float64Type>().values().as_chunks::<3>();
        let numbers = numbers?.as_list::<i32>().value(row);
        let positions = positions?.as_list::<i32>().value(row);
        let (positions, _) = positions.as_primitive::<Float64Type>().values().as_chunks::<3>();
        Ok(Some((
            ids?.as_string::<i32>().value(row).to_owned(),
            <[[f64; 3]; 3]>::try_from(lattice)
                .map_err(|_| ArrowError::SchemaError("'lattice_vectors' has not nine numbers".to_owned()))?,
            numbers.as_primitive::<UInt8Type>().values().to_vec(),
            positions.to_vec(),
        )))
    }
}
