//! Parquet tables with a column of CIFs.
//!
//! A record's body is its properties as little-endian doubles, NaN where there is none, and then
//! its CIF.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::cif::CifCrystals;
use super::entry::check_identifier;
use super::input::Progress;
use super::properties::assign_columns;
use super::state::{InputState, file_states};
use super::table_roles::{QUALIFIER, Role, find_roles};
use super::unread::UnreadFiles;
use super::{
    MAX_RECORD_BYTES, OpenSource, RawBlock, RawRecord, RecordError, RecordParser, RecordReader, Sink,
    SourceError, SourceOptions,
};
use crate::reject::Origin;

/// First bytes of a Parquet file.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";
/// Rows decoded at a time: a few, for each may be a large CIF.
const BATCH_ROWS: usize = 64;
/// Size of a property in a record.
const VALUE_BYTES: usize = size_of::<f64>();

/// One table: its schema, read before its rows.
struct Table {
    path: PathBuf,
    file: Arc<str>,
    roles: Vec<Role>,
    rows: u64,
    bytes: u64,
}

/// Opens Parquet tables; columns of a numeric or truth type are properties.
///
/// # Errors
/// [`SourceError`] where a table cannot be read or lacks a column.
pub(super) fn open(
    inputs: &[PathBuf],
    options: &SourceOptions,
    name: &str,
) -> Result<OpenSource, SourceError> {
    let mut keys: Vec<String> = options.property_columns.clone().unwrap_or_default();
    let mut headers = Vec::with_capacity(inputs.len());
    for path in inputs {
        let builder = open_table(path)?;
        let schema = builder.schema().clone();
        if let Some(wanted) = &options.property_columns {
            check_numeric(path, &schema, wanted)?;
        } else {
            let reserved = roles(path, &schema, options)?;
            for (field, role) in schema.fields().iter().zip(reserved) {
                let fresh = role == Role::Ignored && !keys.contains(field.name());
                if fresh && is_numeric(field.data_type()) {
                    keys.push(field.name().clone());
                }
            }
        }
        check_compression(path, builder.metadata())?;
        headers.push((schema, builder.metadata().file_metadata().num_rows()));
    }
    let shown = inputs.first().map(|path| path.to_string_lossy()).unwrap_or_default();
    let properties = assign_columns(&shown, QUALIFIER, "", keys)?;
    let mut tables = Vec::with_capacity(inputs.len());
    let states = file_states(inputs)?;
    for ((path, state), (schema, rows)) in inputs.iter().zip(&states).zip(headers) {
        let mut roles = roles(path, &schema, options)?;
        for (role, field) in roles.iter_mut().zip(schema.fields()) {
            let at = properties.iter().position(|property| property.key == *field.name());
            if *role == Role::Ignored && is_numeric(field.data_type()) {
                *role = at.map_or(Role::Ignored, Role::Property);
            }
        }
        tables.push(Table {
            file: Arc::from(&*path.to_string_lossy()),
            bytes: state.bytes,
            rows: u64::try_from(rows).unwrap_or_default(),
            path: path.clone(),
            roles,
        });
    }
    let property_count = properties.len();
    Ok(OpenSource {
        name: name.to_owned(),
        inputs: inputs.to_vec(),
        // The decoder seeks to and fro.
        states: states.into_iter().map(|state| InputState { in_order: false, ..state }).collect(),
        properties,
        embedded_labels: Vec::new(),
        unread: UnreadFiles::default(),
        progress: Progress::default(),
        reader: Box::new(ParquetReader {
            tables: tables.into_iter(),
            current: None,
            finished_bytes: 0,
            values: vec![f64::NAN; property_count],
        }),
        parser: Arc::new(move || {
            Box::new(RowParser { values: vec![None; property_count], crystals: CifCrystals::default() })
        }),
    })
}

/// A table is damaged, or packed in a way that is not read here.
fn fault(file: &str, error: impl std::fmt::Display) -> SourceError {
    SourceError::layout(file, error.to_string())
}

fn open_table(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, SourceError> {
    let file = File::open(path).map_err(|source| SourceError::open(path, source))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| fault(&path.to_string_lossy(), error))
}

/// Refuses columns that are packed in a way that is not read here.
fn check_compression(path: &Path, metadata: &ParquetMetaData) -> Result<(), SourceError> {
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let name = match column.compression() {
            Compression::BROTLI(_) => "brotli",
            Compression::LZ4 | Compression::LZ4_RAW => "LZ4",
            Compression::LZO => "LZO",
            _ => continue,
        };
        let message = format!(
            "column {} is packed by {name}, which is not read here; write the table with zstd, snappy or gzip",
            column.column_path()
        );
        return Err(SourceError::layout(&path.to_string_lossy(), message));
    }
    Ok(())
}

fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

fn roles(path: &Path, schema: &SchemaRef, options: &SourceOptions) -> Result<Vec<Role>, SourceError> {
    find_roles(&path.to_string_lossy(), &names(schema), options)
}

fn is_numeric(kind: &DataType) -> bool {
    kind.is_numeric() || *kind == DataType::Boolean
}

fn check_numeric(path: &Path, schema: &SchemaRef, wanted: &[String]) -> Result<(), SourceError> {
    for name in wanted {
        let found = schema.fields().iter().any(|field| field.name() == name && is_numeric(field.data_type()));
        if !found {
            return Err(SourceError::MissingColumn {
                file: path.to_string_lossy().into_owned(),
                wanted: format!("{name} of numbers"),
                found: names(schema),
            });
        }
    }
    Ok(())
}

/// Takes the rows of one table after another.
struct ParquetReader {
    tables: std::vec::IntoIter<Table>,
    current: Option<Rows>,
    /// Bytes of the tables that were read whole.
    finished_bytes: u64,
    values: Vec<f64>,
}

/// A position in a table.
struct Rows {
    table: Table,
    /// Roles of the columns that are decoded, in their order.
    roles: Vec<Role>,
    batches: ParquetRecordBatchReader,
    columns: Vec<ArrayRef>,
    next: usize,
    batch_rows: usize,
    record: u64,
}

impl Rows {
    fn open(table: Table) -> Result<Self, SourceError> {
        let builder = open_table(&table.path)?;
        let used = table.roles.iter().enumerate().filter(|(_, role)| **role != Role::Ignored);
        let (used, roles): (Vec<usize>, Vec<Role>) = used.unzip();
        let mask = ProjectionMask::roots(builder.parquet_schema(), used);
        let batches = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
        let batches = batches.map_err(|error| fault(&table.file, error))?;
        Ok(Self { table, roles, batches, columns: Vec::new(), next: 0, batch_rows: 0, record: 0 })
    }

    /// Steps to the next row; `false` at the table's end.
    fn advance(&mut self) -> Result<bool, SourceError> {
        while self.next == self.batch_rows {
            let Some(batch) = self.batches.next() else { return Ok(false) };
            let batch = batch.map_err(|error| fault(&self.table.file, error))?;
            self.batch_rows = batch.num_rows();
            self.columns = self.convert(&batch)?;
            self.next = 0;
        }
        self.next += 1;
        self.record += 1;
        Ok(true)
    }

    /// The batch's columns as texts and doubles.
    fn convert(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, SourceError> {
        let pairs = batch.columns().iter().zip(&self.roles);
        let converted = pairs.map(|(column, role)| match role {
            Role::Id | Role::Cif => cast(column, &DataType::LargeUtf8),
            Role::Property(_) | Role::Ignored => cast(column, &DataType::Float64),
        });
        converted.collect::<Result<_, _>>().map_err(|error| fault(&self.table.file, error))
    }

    /// Appends the current row to the block.
    fn push(&self, block: &mut RawBlock, values: &mut [f64]) {
        let row = self.next - 1;
        let origin = Origin { file: self.table.file.clone(), record: self.record, line: None };
        let (mut id, mut cif) = (None, None);
        values.fill(f64::NAN);
        for (column, role) in self.columns.iter().zip(&self.roles) {
            if column.is_null(row) {
                continue;
            }
            match *role {
                Role::Id => id = column.as_string_opt::<i64>().map(|texts| texts.value(row)),
                Role::Cif => cif = column.as_string_opt::<i64>().map(|texts| texts.value(row)),
                Role::Property(at) => {
                    if let (Some(slot), Some(numbers)) =
                        (values.get_mut(at), column.as_primitive_opt::<Float64Type>())
                    {
                        *slot = numbers.value(row);
                    }
                }
                Role::Ignored => {}
            }
        }
        let id = id.map(str::trim).unwrap_or_default();
        let checked = match cif {
            None => Err(RecordError::MissingField("cif")),
            Some(cif) if cif.len() > MAX_RECORD_BYTES => {
                Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES })
            }
            Some(cif) => Ok(cif),
        };
        match check_identifier(id).and(checked) {
            Ok(cif) => {
                let start = block.bytes.len();
                block.bytes.extend_from_slice(id.as_bytes());
                let middle = block.bytes.len();
                block.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                block.bytes.extend_from_slice(cif.as_bytes());
                block.push_range(origin, start..middle, middle..block.bytes.len());
            }
            Err(error) => {
                let id = (!id.is_empty()).then(|| id.to_owned());
                block.push_reject(error.reject(id, origin));
            }
        }
    }
}

impl RecordReader for ParquetReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let rows = match &mut self.current {
                Some(rows) => rows,
                None => {
                    let Some(table) = self.tables.next() else { return Ok(false) };
                    self.current.insert(Rows::open(table)?)
                }
            };
            if rows.advance()? {
                rows.push(block, &mut self.values);
            } else {
                self.finished_bytes += rows.table.bytes;
                self.current = None;
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        // The decoder seeks to and fro: what is read is told by the rows.
        let current = self.current.as_ref().map_or(0, |rows| {
            let part = rows.record as f64 / rows.table.rows.max(1) as f64;
            (rows.table.bytes as f64 * part) as u64
        });
        self.finished_bytes + current
    }
}

/// Reads single rows.
struct RowParser {
    values: Vec<Option<f64>>,
    crystals: CifCrystals,
}

impl RecordParser for RowParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let id = String::from_utf8_lossy(bytes.get(record.name.clone()).unwrap_or_default());
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        let Some((numbers, cif)) = body.split_at_checked(self.values.len() * VALUE_BYTES) else { return };
        for (slot, bytes) in self.values.iter_mut().zip(numbers.as_chunks().0) {
            *slot = Some(f64::from_le_bytes(*bytes)).filter(|value| value.is_finite());
        }
        self.crystals.read(cif, &id, &record.origin, &self.values, sink);
    }
}
