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
use schemas::layout::StorePaths;
use schemas::manifest::Manifest;
use schemas::reader::{self, Shard};
use schemas::settings::FeatureSettings;
use schemas::sites::{SITE_COLUMNS, SiteBatch, SiteView};
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
        if let Some(error) = SITE_COLUMNS.iter().find_map(|name| self.schema.index_of(name).err()) {
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
    /// The shard that is read, and its path.
    current: Option<(Arc<Path>, reader::Batches)>,
}

impl StoreReader {
    fn open(&self, path: &Path) -> Result<reader::Batches, ArrowError> {
        let shard = Shard::open(path, Some(&self.settings)).map_err(external)?;
        let mut names = table::names(&self.schema);
        names.extend(self.filters.iter().flat_map(Filter::columns));
        shard.batches(None, Some(&names)).map_err(external)
    }

    /// Returns the next rows that pass all filters, and the path of their shard.
    fn next_rows(&mut self) -> Option<Result<(Arc<Path>, RecordBatch), ArrowError>> {
        loop {
            if let Some((path, batches)) = &mut self.current
                && let Some(batch) = batches.next()
            {
                let path = Arc::clone(path);
                return Some(batch.map_err(external).and_then(|batch| Ok((path, self.select(batch)?))));
            }
            let shard = self.shards.pop()?;
            match self.open(&shard) {
                Ok(batches) => self.current = Some((shard.into(), batches)),
                Err(error) => {
                    self.shards.clear();
                    return Some(Err(error));
                }
            }
        }
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
        self.next_rows().map(|rows| rows.map(|(_, batch)| batch))
    }
}

impl RecordBatchReader for StoreReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Iterator over cells: identifier, lattice vectors `[3, 3]` in Å, atomic numbers `[nsites]`, and fractional positions
/// `[nsites, 3]`.
#[pyclass(frozen, module = "crystal_mmpt._native")]
pub(crate) struct Cells(Mutex<CellReader>);

struct CellReader {
    reader: StoreReader,
    batch: Option<SiteBatch>,
    /// The next row of the batch.
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
        let Some(cell) = cells.next().map_err(|fault| fault.raise(py))? else {
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
    ///
    /// # Errors
    /// The fault of a shard that cannot be read, or of a row that is no crystal.
    fn next(&mut self) -> Result<Option<RawCell>, Fault> {
        while self.batch.as_ref().is_none_or(|batch| self.row == batch.len()) {
            match self.reader.next_rows().transpose().map_err(|error| Fault::other(&error))? {
                Some((path, rows)) => (self.batch, self.row) = (Some(SiteBatch::new(path, rows)?), 0),
                None => return Ok(None),
            }
        }
        let Some(batch) = &self.batch else { return Ok(None) };
        let row = self.row;
        self.row += 1;
        let SiteView { material_id, lattice_vectors, atomic_numbers, fractional, .. } = batch.row(row)?;
        Ok(Some((material_id.to_owned(), lattice_vectors, atomic_numbers.to_vec(), fractional.to_vec())))
    }
}
