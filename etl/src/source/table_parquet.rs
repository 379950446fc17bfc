//! Parquet tables with a column of CIFs.
//!
//! The content of a record consists of the properties as little-endian doubles (NaN if missing), the number of lists and
//! for each its length and numbers, the size of the remarks about them, the remarks (one per line), and the CIF or its
//! path. All counts are 64-bit integers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use schemas::guard::{GuardedBatches, guarded};
use schemas::pages::batch_rows;

use super::entry::check_identifier;
use super::input::Progress;
use super::key_scan::{KeyScan, MAX_PROPERTY_KEYS};
use super::odd_values::note_odd_values;
use super::properties::MAX_TABLE_COLUMNS;
use super::property_value::{PropertyValue, Reading};
use super::state::{InputState, file_states};
use super::table_cif::{NamedCifs, TableCifs};
use super::table_roles::{Properties, Role, check_unique, find_roles};
use super::unread::UnreadFiles;
use super::{
    OpenSource, PropertyValues, RawBlock, RawRecord, RecordError, RecordParser, RecordReader, Sink,
    SourceError, SourceOptions,
};
use crate::reject::Origin;

/// First bytes of a Parquet file.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";
/// Number of rows that are decoded at a time. It is small because each row may hold a large CIF.
const BATCH_ROWS: usize = 64;
/// Number of rows that are decoded at a time when columns of text are scanned for numbers.
const SCAN_ROWS: usize = 1024;
/// Largest size of a CIF in bytes. The limit is lower than that of files, because a table can repeat a CIF at almost
/// no cost.
const MAX_CIF_BYTES: usize = 16 << 20;
/// Size in bytes of a property in a record.
const VALUE_BYTES: usize = size_of::<f64>();

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
    Ok(OpenSource {
        name: name.to_owned(),
        inputs: inputs.to_vec(),
        // The decoder does not read sequentially.
        states: states.into_iter().map(|state| InputState { in_order: false, ..state }).collect(),
        properties,
        classes,
        embedded_labels: Vec::new(),
        unread: UnreadFiles::default(),
        named_cifs: named.finish(),
        notes,
        progress: Progress::default(),
        reader: Box::new(ParquetReader {
            tables: tables.into_iter(),
            current: None,
            finished_bytes: 0,
            values: Values {
                keys,
                readings,
                numbers: vec![f64::NAN; property_count],
                lists: Vec::new(),
                odd: Vec::new(),
            },
        }),
        parser: Arc::new(move || {
            let cifs = places.iter().map(|(file, path)| (file.clone(), TableCifs::new(path)));
            Box::new(RowParser {
                values: vec![None; property_count],
                lists: Vec::new(),
                cifs: cifs.collect(),
            })
        }),
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

/// Returns the error of a table that is damaged or encoded in an unsupported way.
pub(super) fn fault(file: &str, error: impl std::fmt::Display) -> SourceError {
    /// Kinds of the readers' errors, which stand before the message.
    const KINDS: [&str; 6] =
        ["Parquet argument error: ", "Parquet error: ", "External: ", "Arrow: ", "EOF: ", "NYI: "];
    let text = error.to_string();
    let mut message = text.as_str();
    while let Some(rest) = KINDS.iter().find_map(|kind| message.strip_prefix(kind)) {
        message = rest;
    }
    SourceError::layout(file, format!("not a readable Parquet table: {message}"))
}

/// Opens a table before its first row.
///
/// # Errors
/// Returns a [`SourceError`] if it cannot be read or has too many columns.
pub(super) fn open_table(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, SourceError> {
    let shown = path.to_string_lossy();
    let file = File::open(path).map_err(|source| SourceError::open(path, source))?;
    let builder =
        guarded(|| ParquetRecordBatchReaderBuilder::try_new(file)).map_err(|error| fault(&shown, error))?;
    let columns = builder.schema().fields().len();
    if columns > MAX_TABLE_COLUMNS {
        return Err(SourceError::layout(&shown, format!("{columns} columns, {MAX_TABLE_COLUMNS} at most")));
    }
    Ok(builder)
}

/// Opens the batches of some columns. Their number of rows is limited by memory, whatever the table repeats.
///
/// # Errors
/// Returns a [`SourceError`] if the table cannot be read or its pages are too large.
pub(super) fn open_batches(
    path: &Path,
    columns: Vec<usize>,
    most_rows: usize,
) -> Result<GuardedBatches, SourceError> {
    let shown = path.to_string_lossy();
    let builder = open_table(path)?;
    let pages = File::open(path).map_err(|source| SourceError::open(path, source))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
    let groups = 0..builder.metadata().num_row_groups();
    let rows = batch_rows(&pages, builder.metadata(), groups, &mask, most_rows)
        .map_err(|error| fault(&shown, error))?;
    let builder = builder.with_projection(mask).with_batch_size(rows);
    guarded(|| builder.build()).map(GuardedBatches::new).map_err(|error| fault(&shown, error))
}

/// Checks that the columns are compressed in a supported way.
///
/// # Errors
/// Returns [`SourceError::Layout`] if one is not.
pub(super) fn check_compression(path: &Path, metadata: &ParquetMetaData) -> Result<(), SourceError> {
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
    values: Values,
}

/// The properties of the current row.
struct Values {
    keys: Vec<String>,
    /// How the values of each property are read.
    readings: Vec<Reading>,
    numbers: Vec<f64>,
    /// Lists, by the indices in `numbers`.
    lists: Vec<Vec<f64>>,
    /// Messages about values that count as missing.
    odd: Vec<String>,
}

impl Values {
    /// Reads the value of a property from its column.
    fn take(&mut self, at: usize, column: &ArrayRef, row: usize) -> Result<(), RecordError> {
        let (value, raw): (_, Cow<'_, str>) = if let Some(texts) = column.as_string_opt::<i64>() {
            let text = texts.value(row);
            (PropertyValue::of_text(text.as_bytes()), text.into())
        } else if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
            match PropertyValue::of_number(numbers.value(row)) {
                PropertyValue::Other => (PropertyValue::Other, numbers.value(row).to_string().into()),
                value => (value, "".into()),
            }
        } else if let Some(booleans) = column.as_boolean_opt() {
            let truth = booleans.value(row);
            (PropertyValue::Boolean(truth), truth.to_string().into())
        } else if let Some(lists) = column.as_list_opt::<i32>() {
            let text = text_of_list(&lists.value(row));
            (PropertyValue::of_text(text.as_bytes()), text.into())
        } else {
            return Ok(());
        };
        let key = self.keys.get(at).map(String::as_str).unwrap_or_default();
        let (Some(slot), Some(reading)) = (self.numbers.get_mut(at), self.readings.get(at)) else {
            return Ok(());
        };
        if let Some(list) = reading.list(raw.as_bytes()) {
            *slot = self.lists.len() as f64;
            self.lists.push(list);
            return Ok(());
        }
        let text = || Some(Cow::Borrowed(&*raw));
        *slot = reading.read(value, key, raw.as_bytes(), text, &mut self.odd)?.unwrap_or(f64::NAN);
        Ok(())
    }
}

/// Returns a list of doubles as a text, in which they are the shortest that read back to the same.
fn text_of_list(list: &ArrayRef) -> String {
    let numbers = list.as_primitive_opt::<Float64Type>().into_iter().flatten();
    let shown = |number: Option<f64>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    format!("[{}]", numbers.map(shown).collect::<Vec<_>>().join(", "))
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
    fn push(&self, block: &mut RawBlock, values: &mut Values) {
        let row = self.next - 1;
        let origin = Origin { file: self.table.file.clone(), record: self.record, line: None };
        let (mut id, mut cif, mut fault) = (None, None, None);
        values.numbers.fill(f64::NAN);
        values.lists.clear();
        values.odd.clear();
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
        let checked = match cif {
            _ if fault.is_some() => Err(fault.unwrap_or(RecordError::MissingField("cif"))),
            None => Err(RecordError::MissingField("cif")),
            Some(cif) if cif.len() > MAX_CIF_BYTES => Err(RecordError::TooLarge { limit: MAX_CIF_BYTES }),
            Some(cif) => Ok(cif),
        };
        match check_identifier(id).and(checked) {
            Ok(cif) => {
                let start = block.bytes.len();
                block.bytes.extend_from_slice(id.as_bytes());
                let middle = block.bytes.len();
                let count = |count: usize| (count as u64).to_le_bytes();
                block.bytes.extend(values.numbers.iter().flat_map(|value| value.to_le_bytes()));
                block.bytes.extend(count(values.lists.len()));
                for list in &values.lists {
                    block.bytes.extend(count(list.len()));
                    block.bytes.extend(list.iter().flat_map(|value| value.to_le_bytes()));
                }
                let remarks = values.odd.join("\n");
                block.bytes.extend(count(remarks.len()));
                block.bytes.extend_from_slice(remarks.as_bytes());
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

/// A parser of single rows.
struct RowParser {
    values: Vec<Option<f64>>,
    /// Lists, by the indices in `values`.
    lists: Vec<Vec<f64>>,
    /// Readers of the CIFs of each table, by the table's name.
    cifs: Vec<(Arc<str>, TableCifs)>,
}

/// Splits a count off the front of a record's content.
fn split_count(body: &mut &[u8]) -> Option<usize> {
    let count = u64::from_le_bytes(split(body, size_of::<u64>())?.try_into().ok()?);
    usize::try_from(count).ok()
}

/// Splits a number of bytes off the front of a record's content.
fn split<'a>(body: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (part, rest) = body.split_at_checked(bytes)?;
    *body = rest;
    Some(part)
}

impl RowParser {
    /// Parses a record. Returns `None` if its content was not written by [`Rows::push`].
    fn read(&mut self, id: &str, mut body: &[u8], origin: &Origin, sink: &mut dyn Sink) -> Option<()> {
        let numbers = split(&mut body, self.values.len() * VALUE_BYTES)?;
        for (slot, bytes) in self.values.iter_mut().zip(numbers.as_chunks().0) {
            *slot = Some(f64::from_le_bytes(*bytes)).filter(|value| value.is_finite());
        }
        self.lists.clear();
        for _ in 0..split_count(&mut body)? {
            let bytes = split_count(&mut body)?.checked_mul(VALUE_BYTES)?;
            let (numbers, _) = split(&mut body, bytes)?.as_chunks();
            self.lists.push(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect());
        }
        let length = split_count(&mut body)?;
        let remarks = std::str::from_utf8(split(&mut body, length)?).ok()?;
        note_odd_values(remarks.lines(), id, origin, sink);
        let (_, cifs) = self.cifs.iter_mut().find(|(file, _)| *file == origin.file)?;
        let properties = PropertyValues { values: &self.values, lists: &self.lists };
        if let Err(error) = cifs.read(body, id, origin, properties, sink) {
            sink.reject(error.reject(Some(id.to_owned()), origin.clone()));
        }
        Some(())
    }
}

impl RecordParser for RowParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let id = String::from_utf8_lossy(bytes.get(record.name.clone()).unwrap_or_default());
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        let read = self.read(&id, body, &record.origin, sink);
        debug_assert!(read.is_some(), "a record is cut and read by one rule");
    }
}
