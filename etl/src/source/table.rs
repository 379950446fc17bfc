//! Tables with a column of CIFs, one of identifiers and any number of properties, as CSV (compressed or not) or
//! Parquet.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::csv_stream::{CsvStream, Field, Fields};
use super::definition::{Opening, SourceDefinition};
use super::document::open_document;
use super::identifier::check_identifier;
use super::input::Progress;
use super::json::excerpt;
use super::json_stream::Cut;
use super::key_scan::{KeyScan, MAX_PROPERTY_KEYS};
use super::odd_values::note_odd_values;
use super::parquet_file;
use super::properties::MAX_TABLE_COLUMNS;
use super::property_value::{PropertyValue, Reading};
use super::state::file_states;
use super::table_cif::{NamedCifs, TableCifs};
use super::table_parquet;
use super::table_roles::{Properties, Role, check_unique, find_roles};
use super::{
    MAX_RECORD_BYTES, OpenSource, PropertyValues, RawBlock, RawRecord, RecordError, RecordParser,
    RecordReader, Sink, SourceError, SourceOptions,
};
use crate::reject::Origin;

/// Largest size of the header in bytes.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: "table",
    has_files: false,
    id_key: None,
    default_filters: &[],
    open: Opening::Own(open),
};

/// A table whose header was read.
#[derive(Debug, Clone)]
struct Table {
    path: PathBuf,
    /// Name of the table in messages and origins.
    file: Arc<str>,
    columns: Vec<String>,
    roles: Vec<Role>,
}

/// Opens tables. Their properties are found in an additional pass.
///
/// # Errors
/// Returns a [`SourceError`] if a table cannot be read or lacks a column.
fn open(inputs: &[PathBuf], options: &SourceOptions, name: &str) -> Result<OpenSource, SourceError> {
    let parquet: Vec<bool> = inputs.iter().map(|path| is_parquet(path)).collect::<Result<_, _>>()?;
    if parquet.iter().all(|&parquet| parquet) {
        return table_parquet::open(inputs, options, name);
    }
    if let Some(path) = inputs.iter().zip(parquet).find_map(|(path, parquet)| parquet.then_some(path)) {
        let message = "a Parquet table and CSVs are not read together";
        return Err(SourceError::layout(&path.to_string_lossy(), message));
    }
    let mut tables = inputs.iter().map(|path| read_header(path, options)).collect::<Result<Vec<_>, _>>()?;
    let shown = tables.first().map(|table| table.file.clone()).unwrap_or_default();
    let mut named = NamedCifs::default();
    let mut scan = KeyScan::default();
    scan_rows(&tables, options, &mut scan, &mut named)?;
    let Properties { columns: properties, readings, classes, notes } =
        Properties::new(&shown, scan, options.property_columns.as_deref())?;
    let places: HashMap<&str, usize> =
        properties.iter().enumerate().map(|(at, property)| (property.key.as_str(), at)).collect();
    for table in &mut tables {
        for (role, column) in table.roles.iter_mut().zip(&table.columns) {
            if *role == Role::Ignored
                && let Some(at) = places.get(column.as_str())
            {
                *role = Role::Property(*at);
            }
        }
        check_unique(&table.file, &table.columns, &table.roles)?;
        if options.property_columns.is_some()
            && let Some(missing) = properties.iter().find(|property| !table.columns.contains(&property.key))
        {
            return Err(SourceError::MissingColumn {
                file: table.file.to_string(),
                wanted: missing.key.clone(),
                found: table.columns.clone(),
            });
        }
    }
    let tables: Arc<[Table]> = tables.into();
    let property_count = properties.len();
    let progress = Progress::default();
    Ok(OpenSource {
        properties,
        classes,
        named_cifs: named.finish(),
        notes,
        ..OpenSource::with_states(
            name.to_owned(),
            inputs.to_vec(),
            file_states(inputs)?,
            progress.clone(),
            Box::new(TableReader { tables: tables.clone(), next: 0, current: None, record: 0, progress }),
            Arc::new(move || {
                Box::new(RowParser {
                    cifs: tables.iter().map(|table| TableCifs::new(&table.path)).collect(),
                    tables: tables.clone(),
                    readings: readings.clone(),
                    values: vec![None; property_count],
                    lists: Vec::new(),
                    odd: Vec::new(),
                })
            }),
        )
    })
}

fn is_parquet(path: &Path) -> Result<bool, SourceError> {
    let mut magic = Vec::with_capacity(parquet_file::MAGIC.len());
    let limit = parquet_file::MAGIC.len() as u64;
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut magic));
    read.map_err(|source| SourceError::open(path, source))?;
    Ok(magic == parquet_file::MAGIC)
}

/// Reads the names of the columns and finds the columns of the identifiers and CIFs.
fn read_header(path: &Path, options: &SourceOptions) -> Result<Table, SourceError> {
    let mut csv = CsvStream::new(open_document(path, &[".csv"], &Progress::default())?);
    let file = csv.file().clone();
    let mut header = Vec::new();
    if !csv.has_row()? || csv.row(&mut header, MAX_HEADER_BYTES)? == Cut::TooLarge {
        return Err(SourceError::layout(&file, "has no header"));
    }
    let columns: Vec<String> =
        Fields::new(&header).map(|field| String::from_utf8_lossy(&field.bytes()).trim().to_owned()).collect();
    if columns.len() > MAX_TABLE_COLUMNS {
        let message = format!("{} columns, {MAX_TABLE_COLUMNS} at most", columns.len());
        return Err(SourceError::layout(&file, message));
    }
    let roles = find_roles(&file, &columns, options)?;
    Ok(Table { path: path.to_path_buf(), file, columns, roles })
}

/// Returns the text of a field.
fn text_of<'a>(field: &Field<'a>) -> Cow<'a, str> {
    match field.bytes() {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Reads all rows to find the files that they refer to and the properties. If the options name the columns of the
/// properties, no others are examined.
fn scan_rows(
    tables: &[Table],
    options: &SourceOptions,
    scan: &mut KeyScan,
    named: &mut NamedCifs,
) -> Result<(), SourceError> {
    let wanted = options.property_columns.as_deref();
    let is_wanted = |column: &String| wanted.is_none_or(|wanted| wanted.contains(column));
    for table in tables {
        let cifs = TableCifs::new(&table.path);
        let examined: Vec<bool> = table.columns.iter().map(is_wanted).collect();
        let mut csv = CsvStream::new(open_document(&table.path, &[".csv"], &Progress::default())?);
        let mut row = Vec::new();
        let mut header = true;
        while csv.has_row()? {
            row.clear();
            let cut = csv.row(&mut row, MAX_RECORD_BYTES)?;
            if std::mem::take(&mut header) || cut == Cut::TooLarge {
                continue;
            }
            let columns = table.columns.iter().zip(&examined);
            for ((field, role), (column, examined)) in Fields::new(&row).zip(&table.roles).zip(columns) {
                match role {
                    Role::Id => {}
                    Role::Cif => named.see(&cifs, &field.bytes()),
                    Role::Property(_) | Role::Ignored if *examined => {
                        let value = PropertyValue::of_text(field.raw);
                        if !scan.see(column.as_bytes(), value, field.raw, || Some(text_of(&field))) {
                            let file = table.file.to_string();
                            return Err(SourceError::TooManyKeys { file, limit: MAX_PROPERTY_KEYS });
                        }
                    }
                    Role::Property(_) | Role::Ignored => {}
                }
            }
        }
    }
    Ok(())
}

/// Reads the rows of one table after another.
struct TableReader {
    tables: Arc<[Table]>,
    next: usize,
    current: Option<CsvStream>,
    record: u64,
    progress: Progress,
}

impl RecordReader for TableReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let Some(table) = self.tables.get(self.next) else { return Ok(false) };
            let csv = match &mut self.current {
                Some(csv) => csv,
                None => {
                    self.record = 0;
                    let mut csv = CsvStream::new(open_document(&table.path, &[".csv"], &self.progress)?);
                    csv.has_row()?;
                    csv.row(&mut Vec::new(), 0)?;
                    self.current.insert(csv)
                }
            };
            if !csv.has_row()? {
                self.current = None;
                self.next += 1;
                continue;
            }
            self.record += 1;
            let line = u32::try_from(csv.line()).ok();
            let origin = Origin { file: table.file.clone(), record: self.record, line };
            let start = block.bytes.len();
            match csv.row(&mut block.bytes, MAX_RECORD_BYTES)? {
                Cut::Whole => block.push_range(origin, start..start, start..block.bytes.len()),
                Cut::TooLarge => {
                    block.push_reject(RecordError::TooLarge { limit: MAX_RECORD_BYTES }.reject(None, origin));
                }
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.progress.bytes()
    }
}

/// A parser of single rows.
struct RowParser {
    tables: Arc<[Table]>,
    /// Readers of the CIFs of each table.
    cifs: Vec<TableCifs>,
    /// How the values of each property are read.
    readings: Vec<Reading>,
    values: Vec<Option<f64>>,
    /// Lists of the row, by the indices in `values`.
    lists: Vec<Vec<f64>>,
    /// Messages about values that count as missing.
    odd: Vec<String>,
}

impl RowParser {
    fn read(&mut self, row: &[u8], origin: &Origin, sink: &mut dyn Sink) -> Result<(), RowFault> {
        let mut pairs = self.tables.iter().zip(&mut self.cifs);
        let Some((table, cifs)) = pairs.find(|(table, _)| table.file == origin.file) else {
            return Err(RowFault::new(None, RecordError::MissingField("table")));
        };
        self.values.fill(None);
        self.lists.clear();
        self.odd.clear();
        let (mut id, mut cif, mut count) = (None, None, 0);
        let mut fault = None;
        for (at, field) in Fields::new(row).enumerate() {
            count += 1;
            match table.roles.get(at) {
                Some(Role::Id) => id = Some(field.bytes()),
                Some(Role::Cif) => cif = Some(field),
                Some(&Role::Property(property)) => {
                    let key = table.columns.get(at).map(String::as_str).unwrap_or_default();
                    let value = PropertyValue::of_text(field.raw);
                    let (Some(slot), Some(reading)) =
                        (self.values.get_mut(property), self.readings.get(property))
                    else {
                        continue;
                    };
                    if let Some(list) = reading.list(field.raw) {
                        *slot = Some(self.lists.len() as f64);
                        self.lists.push(list);
                        continue;
                    }
                    let text = || Some(text_of(&field));
                    match reading.read(value, key, field.raw, text, &mut self.odd) {
                        Ok(value) => *slot = value,
                        Err(error) => fault = fault.or(Some(error)),
                    }
                }
                Some(Role::Ignored) | None => {}
            }
        }
        let id = id.unwrap_or_default();
        let id = match std::str::from_utf8(id.trim_ascii()) {
            Ok(id) => id,
            Err(_) => return Err(RowFault::new(None, RecordError::Identifier(excerpt(&id)))),
        };
        check_identifier(id).map_err(|error| RowFault::new(None, error))?;
        if count != table.roles.len() {
            let error = RecordError::FieldCount { found: count, wanted: table.roles.len() };
            return Err(RowFault::new(Some(id), error));
        }
        if let Some(error) = fault {
            return Err(RowFault::new(Some(id), error));
        }
        let Some(cif) = cif else { return Err(RowFault::new(Some(id), RecordError::MissingField("cif"))) };
        let lines_before = memchr::memchr_iter(b'\n', row.get(..cif.start).unwrap_or_default()).count();
        let line =
            origin.line.map(|line| line.saturating_add(u32::try_from(lines_before).unwrap_or(u32::MAX)));
        note_odd_values(self.odd.drain(..), id, origin, sink);
        let origin = Origin { line, ..origin.clone() };
        let properties = PropertyValues { values: &self.values, lists: &self.lists };
        let read = cifs.read(&cif.bytes(), id, &origin, properties, sink);
        read.map_err(|error| RowFault::new(Some(id), error))
    }
}

/// An error of a row that occurs before its CIF is read.
struct RowFault {
    material_id: Option<String>,
    error: RecordError,
}

impl RowFault {
    fn new(material_id: Option<&str>, error: RecordError) -> Self {
        Self { material_id: material_id.map(str::to_owned), error }
    }
}

impl RecordParser for RowParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let row = bytes.get(record.body.clone()).unwrap_or_default();
        if let Err(RowFault { material_id, error }) = self.read(row, &record.origin, sink) {
            sink.reject(error.reject(material_id, record.origin.clone()));
        }
    }
}
