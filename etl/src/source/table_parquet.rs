//! Parquet tables with a column of CIFs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use schemas::guard::GuardedBatches;

use super::identifier::check_identifier;
use super::input::Progress;
use super::key_scan::{KeyScan, MAX_PROPERTY_KEYS};
use super::parquet_file::{check_compression, fault, open_batches, open_table};
use super::property_value::PropertyValue;
use super::state::{InputState, file_states};
use super::table_cif::{NamedCifs, TableCifs};
use super::table_parquet_row::{RowParser, RowValues};
use super::table_roles::{Properties, Role, check_unique, find_roles};
use super::{OpenSource, RawBlock, RecordError, RecordReader, SourceError, SourceOptions};
use crate::reject::Origin;

/// Number of rows that are decoded at a time. It is small because each row may hold a large CIF.
const BATCH_ROWS: usize = 64;
/// Number of rows that are decoded at a time when columns of text are scanned for numbers.
const SCAN_ROWS: usize = 1024;
/// Largest size of a CIF in bytes. The limit is lower than that of files, because a table can repeat a CIF at almost
/// no cost.
const MAX_CIF_BYTES: usize = 16 << 20;

/// A table whose schema was read.
struct Table {
    path: PathBuf,
    file: Arc<str>,
    roles: Vec<Role>,
    rows: u64,
    bytes: u64,
}

/// Opens Parquet tables. Columns of a numeric or boolean type or of lists of numbers are properties, and so are those of
/// text that hold numbers, booleans, classes or lists of numbers.
///
/// # Errors
/// Returns a [`SourceError`] if a table cannot be read or lacks a column.
pub(super) fn open(
    inputs: &[PathBuf],
    options: &SourceOptions,
    name: &str,
) -> Result<OpenSource, SourceError> {
    let mut headers = Vec::with_capacity(inputs.len());
    let mut scan = KeyScan::default();
    for path in inputs {
        let builder = open_table(path)?;
        let schema = builder.schema().clone();
        if let Some(wanted) = &options.property_columns {
            check_numeric(path, &schema, wanted)?;
        }
        scan_columns(path, &schema, options, &mut scan)?;
        check_compression(path, builder.metadata())?;
        headers.push((schema, builder.metadata().file_metadata().num_rows()));
    }
    let shown = inputs.first().map(|path| path.to_string_lossy()).unwrap_or_default();
    let Properties { columns: properties, readings, classes, notes } =
        Properties::new(&shown, scan, options.property_columns.as_deref())?;
    let mut named = NamedCifs::default();
    let places: HashMap<&str, usize> =
        properties.iter().enumerate().map(|(at, property)| (property.key.as_str(), at)).collect();
    let mut tables = Vec::with_capacity(inputs.len());
    let states = file_states(inputs)?;
    for ((path, state), (schema, rows)) in inputs.iter().zip(&states).zip(headers) {
        let mut roles = roles(path, &schema, options)?;
        for (role, field) in roles.iter_mut().zip(schema.fields()) {
            let at = places.get(field.name().as_str()).copied();
            if *role == Role::Ignored && is_readable(field.data_type()) {
                *role = at.map_or(Role::Ignored, Role::Property);
            }
        }
        check_unique(&path.to_string_lossy(), &names(&schema), &roles)?;
        see_named(path, &roles, &mut named)?;
        tables.push(Table {
            file: Arc::from(&*path.to_string_lossy()),
            bytes: state.bytes,
            rows: u64::try_from(rows).unwrap_or_default(),
            path: path.clone(),
            roles,
        });
    }
    let property_count = properties.len();
    let keys: Vec<String> = properties.iter().map(|property| property.key.clone()).collect();
    let places: Vec<(Arc<str>, PathBuf)> =
        tables.iter().map(|table| (table.file.clone(), table.path.clone())).collect();
    // The decoder does not read sequentially.
    let states = states.into_iter().map(|state| InputState { in_order: false, ..state }).collect();
    Ok(OpenSource {
        properties,
        classes,
        named_cifs: named.finish(),
        notes,
        ..OpenSource::with_states(
            name.to_owned(),
            inputs.to_vec(),
            states,
            Progress::default(),
            Box::new(ParquetReader {
                tables: tables.into_iter(),
                current: None,
                finished_bytes: 0,
                values: RowValues::new(keys, readings),
            }),
            Arc::new(move || {
                let cifs = places.iter().map(|(file, path)| (file.clone(), TableCifs::new(path)));
                Box::new(RowParser::new(property_count, cifs.collect()))
            }),
        )
    })
}

/// Reads a table to find the files that it refers to.
fn see_named(path: &Path, roles: &[Role], named: &mut NamedCifs) -> Result<(), SourceError> {
    let cifs = TableCifs::new(path);
    for_each_text(path, roles.iter().position(|role| *role == Role::Cif).into_iter().collect(), |_, text| {
        named.see(&cifs, text.as_bytes());
        Ok(())
    })
}

/// Calls a function with every text in some columns of a table, and the column's name.
fn for_each_text(
    path: &Path,
    columns: Vec<usize>,
    mut take: impl FnMut(&str, &str) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    let file = path.to_string_lossy();
    for batch in open_batches(path, columns, SCAN_ROWS)? {
        let batch = batch.map_err(|error| fault(&file, error))?;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let column = cast(column, &DataType::LargeUtf8).map_err(|error| fault(&file, error))?;
            let texts = column.as_string_opt::<i64>().into_iter().flatten().flatten();
            texts.into_iter().try_for_each(|text| take(field.name(), text))?;
        }
    }
    Ok(())
}

/// Counts the kinds of values in the columns of a table that may be properties. For numeric and boolean types all values
/// are of one kind; columns of text are read completely. Columns of other types are not properties.
fn scan_columns(
    path: &Path,
    schema: &SchemaRef,
    options: &SourceOptions,
    scan: &mut KeyScan,
) -> Result<(), SourceError> {
    let roles = roles(path, schema, options)?;
    let file = path.to_string_lossy();
    let wanted = options.property_columns.as_deref();
    let too_many = || SourceError::TooManyKeys { file: file.to_string(), limit: MAX_PROPERTY_KEYS };
    let mut texts = Vec::new();
    for (at, (field, role)) in schema.fields().iter().zip(&roles).enumerate() {
        let value = match field.data_type() {
            _ if *role != Role::Ignored => continue,
            _ if wanted.is_some_and(|wanted| !wanted.contains(field.name())) => continue,
            DataType::Boolean => PropertyValue::Boolean(true),
            kind if kind.is_numeric() => PropertyValue::Number(0.0),
            kind if is_number_list(kind) => PropertyValue::List,
            kind if is_text(kind) => {
                texts.push(at);
                PropertyValue::Missing
            }
            _ => PropertyValue::Other,
        };
        let shown = field.data_type().to_string();
        if !scan.see(field.name().as_bytes(), value, shown.as_bytes(), || None) {
            return Err(too_many());
        }
    }
    if texts.is_empty() {
        return Ok(());
    }
    for_each_text(path, texts, |name, text| {
        let value = PropertyValue::of_text(text.as_bytes());
        let seen = scan.see(name.as_bytes(), value, text.as_bytes(), || Some(text.into()));
        if seen { Ok(()) } else { Err(too_many()) }
    })
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

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_number_list(kind: &DataType) -> bool {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric()
        }
        _ => false,
    }
}

/// Whether a column of this type may be a property.
fn is_readable(kind: &DataType) -> bool {
    is_numeric(kind) || is_text(kind) || is_number_list(kind)
}

fn check_numeric(path: &Path, schema: &SchemaRef, wanted: &[String]) -> Result<(), SourceError> {
    for name in wanted {
        let is_number = |kind: &DataType| is_numeric(kind) || is_number_list(kind);
        let found = schema.fields().iter().any(|field| field.name() == name && is_number(field.data_type()));
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

/// Reads the rows of one table after another.
struct ParquetReader {
    tables: std::vec::IntoIter<Table>,
    current: Option<Rows>,
    /// Total size in bytes of the tables that were read completely.
    finished_bytes: u64,
    values: RowValues,
}

/// A position in a table.
struct Rows {
    table: Table,
    /// Roles of the decoded columns, in their order.
    roles: Vec<Role>,
    batches: GuardedBatches,
    columns: Vec<ArrayRef>,
    next: usize,
    batch_rows: usize,
    record: u64,
}

impl Rows {
    fn open(table: Table) -> Result<Self, SourceError> {
        let used = table.roles.iter().enumerate().filter(|(_, role)| **role != Role::Ignored);
        let (used, roles): (Vec<usize>, Vec<Role>) = used.unzip();
        let batches = open_batches(&table.path, used, BATCH_ROWS)?;
        Ok(Self { table, roles, batches, columns: Vec::new(), next: 0, batch_rows: 0, record: 0 })
    }

    /// Moves to the next row. Returns `false` at the end of the table.
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

    /// Converts the columns of a batch to texts, booleans, doubles and lists of doubles.
    fn convert(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, SourceError> {
        let pairs = batch.columns().iter().zip(&self.roles);
        let converted = pairs.map(|(column, role)| match role {
            Role::Id | Role::Cif => cast(column, &DataType::LargeUtf8),
            Role::Property(_) if is_text(column.data_type()) => cast(column, &DataType::LargeUtf8),
            Role::Property(_) if *column.data_type() == DataType::Boolean => Ok(Arc::clone(column)),
            Role::Property(_) if is_number_list(column.data_type()) => {
                cast(column, &DataType::new_list(DataType::Float64, true))
            }
            Role::Property(_) | Role::Ignored => cast(column, &DataType::Float64),
        });
        converted.collect::<Result<_, _>>().map_err(|error| fault(&self.table.file, error))
    }

    /// Appends the current row to the block.
    fn push(&self, block: &mut RawBlock, values: &mut RowValues) {
        let row = self.next - 1;
        let origin = Origin { file: self.table.file.clone(), record: self.record, line: None };
        let (mut id, mut cif, mut fault) = (None, None, None);
        values.clear();
        for (column, role) in self.columns.iter().zip(&self.roles) {
            if column.is_null(row) {
                continue;
            }
            match *role {
                Role::Id => id = column.as_string_opt::<i64>().map(|texts| texts.value(row)),
                Role::Cif => cif = column.as_string_opt::<i64>().map(|texts| texts.value(row)),
                Role::Property(at) => fault = fault.or(values.take(at, column, row).err()),
                Role::Ignored => {}
            }
        }
        let id = id.map(str::trim).unwrap_or_default();
        let checked = match (fault, cif) {
            (Some(fault), _) => Err(fault),
            (None, None) => Err(RecordError::MissingField("cif")),
            (None, Some(cif)) if cif.len() > MAX_CIF_BYTES => {
                Err(RecordError::TooLarge { limit: MAX_CIF_BYTES })
            }
            (None, Some(cif)) => Ok(cif),
        };
        match check_identifier(id).and(checked) {
            Ok(cif) => {
                let start = block.bytes.len();
                block.bytes.extend_from_slice(id.as_bytes());
                let middle = block.bytes.len();
                values.append(&mut block.bytes);
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
        // The decoder does not read sequentially, so the progress is estimated from the rows.
        let current = self.current.as_ref().map_or(0, |rows| {
            let part = rows.record as f64 / rows.table.rows.max(1) as f64;
            (rows.table.bytes as f64 * part) as u64
        });
        self.finished_bytes + current
    }
}
