//! MatBench tasks: `matbench_*.json.gz`, which are pandas tables in split orientation, `{"index": [..], "columns":
//! ["structure", target], "data": [[structure, value], ..]}`. The structures are pymatgen dictionaries. Numbers among
//! the properties of their sites are properties, too: those that the first structure has.
//!
//! The identifier of a row is that of MatBench: `mb-`, the task with hyphens, and the row in the published task,
//! counted from 1 and padded to the width of the number of rows: `mb-jdft2d-001`, `mb-log-kvrh-00001`. The row is
//! given by the index and not by the position in the file, because a file may hold a part of a task.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crystal::structure::Structure;
use schemas::property::PropertyKind;

use super::definition::SourceDefinition;
use super::document::open_document;
use super::files::base_name;
use super::input::Progress;
use super::json::{Cursor, excerpt};
use super::json_stream::{Cut, JsonStream};
use super::matbench_first_rows::{FirstRows, STRUCTURE_COLUMN};
use super::matbench_index::RowIndex;
use super::odd_values::note_odd_values;
use super::properties::{MAX_TABLE_COLUMNS, assign_columns};
use super::property_value::{PropertyValue, Reading};
use super::pymatgen::read_with_properties;
use super::site_properties::{SiteProperties, column_of};
use super::state::file_states;
use super::unread::UnreadFiles;
use super::{
    MAX_RECORD_BYTES, OpenSource, ParsedCrystal, PropertyColumn, PropertyValues, RawBlock, RawRecord,
    RecordError, RecordParser, RecordReader, Sink, SourceError,
};
use crate::reject::Origin;

/// Prefix of the names of all tasks.
const TASK_PREFIX: &str = "matbench_";
/// Largest size in bytes of a key or of the list of columns.
const MAX_HEADER_BYTES: usize = 1 << 16;
/// Largest number of columns that a message names.
const SHOWN_COLUMNS: usize = 8;

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: "matbench",
    has_files: false,
    id_key: None,
    default_filters: &[],
    open: |inputs, options, _| open(inputs, options.name.as_deref()),
};

/// A task whose header was read.
#[derive(Debug, Clone)]
struct Task {
    path: PathBuf,
    /// Name of the file in messages and origins.
    file: Arc<str>,
    /// Name of the task, such as `matbench_jdft2d`.
    name: String,
    /// The row of the published task for each row of the file.
    index: RowIndex,
    /// Names of the columns.
    columns: Vec<String>,
    /// Index of the property of each column; `None` for the structure.
    targets: Vec<Option<usize>>,
    /// How the values of each column are read.
    readings: Vec<Reading>,
    /// Keys of the sites' properties, and the index of the property of each.
    site_keys: Vec<(String, usize)>,
}

impl Task {
    /// Returns how the values of each column are read, by the first value in it: as booleans, numbers or lists of numbers.
    /// Any other value is an error of its row, unless lists are wanted. Also returns the keys of the sites' properties.
    fn see_first_rows(&self) -> Result<FirstRows, SourceError> {
        let mut seen = FirstRows::new(&self.columns);
        let mut rows = Rows::open(self, &Progress::default())?;
        let mut row = Vec::new();
        while !seen.is_enough() && rows.json.next_element(&mut rows.first_row)? {
            row.clear();
            if rows.json.value(&mut row, MAX_RECORD_BYTES)? == Cut::Whole {
                // A malformed row is left to the parser.
                let _ = seen.see(&row, &self.columns);
            }
        }
        Ok(seen)
    }

    /// Returns the error of a file whose numbers of rows and index values differ.
    fn miscounted(&self, rows: usize) -> SourceError {
        let message = format!("has an index of {} rows and data of {rows}, or more", self.index.len());
        SourceError::layout(&self.file, message)
    }
}

/// Opens tasks. Several tasks form one store with a property column for each.
///
/// # Errors
/// Returns a [`SourceError`] if a file is not a table in split orientation or has no structures.
fn open(inputs: &[PathBuf], name: Option<&str>) -> Result<OpenSource, SourceError> {
    let mut tasks = Vec::with_capacity(inputs.len());
    let mut properties: Vec<PropertyColumn> = Vec::new();
    for path in inputs {
        let mut task = read_header(path)?;
        let FirstRows { readings, site_keys } = task.see_first_rows()?;
        task.readings =
            readings.into_iter().map(|reading| reading.unwrap_or(Reading::StrictNumbers)).collect();
        for (at, key) in task.columns.iter().enumerate() {
            if key == STRUCTURE_COLUMN {
                continue;
            }
            let [column] = &assign_columns(&task.file, &task.name, &task.name, [key.clone()])?[..] else {
                continue;
            };
            let kind = task.readings.get(at).map_or(column.kind, Reading::kind);
            let property = PropertyColumn { kind, ..column.clone() };
            let property = place(&mut properties, property, &task.file)?;
            if let Some(target) = task.targets.get_mut(at) {
                *target = Some(property);
            }
        }
        for key in site_keys.unwrap_or_default() {
            let column =
                PropertyColumn { column: column_of(&key), key: key.clone(), kind: PropertyKind::SiteNumbers };
            let property = place(&mut properties, column, &task.file)?;
            let taken = task.site_keys.iter().map(|(_, taken)| taken).chain(task.targets.iter().flatten());
            if taken.into_iter().any(|taken| *taken == property) {
                let message = format!("two properties have the column of the sites' {key:?}");
                return Err(SourceError::layout(&task.file, message));
            }
            task.site_keys.push((key, property));
        }
        tasks.push(task);
    }
    let own_name = match &tasks[..] {
        [task] => task.name.clone(),
        _ => SOURCE.name.to_owned(),
    };
    let tasks: Arc<[Task]> = tasks.into();
    let property_count = properties.len();
    let progress = Progress::default();
    let doubt = |task: &Task| Some(format!("{}: {}", task.file, task.index.doubt(&task.name)?));
    let notes = tasks.iter().filter_map(doubt).collect();
    Ok(OpenSource {
        name: name.map_or(own_name, str::to_owned),
        inputs: inputs.to_vec(),
        states: file_states(inputs)?,
        properties,
        classes: Vec::new(),
        embedded_labels: Vec::new(),
        unread: UnreadFiles::default(),
        named_cifs: None,
        notes,
        progress: progress.clone(),
        reader: Box::new(TaskReader { tasks: tasks.clone(), next: 0, current: None, progress }),
        parser: Arc::new(move || {
            Box::new(RowParser {
                tasks: tasks.clone(),
                structure: Structure::default(),
                values: vec![None; property_count],
                lists: Vec::new(),
                site_properties: SiteProperties::default(),
                odd: Vec::new(),
            })
        }),
    })
}

/// Returns the index of a property, which is added unless another task has it.
///
/// # Errors
/// Returns [`SourceError::Layout`] if another task has it with values of another kind.
fn place(
    properties: &mut Vec<PropertyColumn>,
    property: PropertyColumn,
    file: &str,
) -> Result<usize, SourceError> {
    let Some(at) = properties.iter().position(|other| other.column == property.column) else {
        properties.push(property);
        return Ok(properties.len() - 1);
    };
    if properties.get(at).is_some_and(|other| other.kind != property.kind) {
        let key = &property.key;
        let message = format!("{key:?} holds booleans, numbers or lists in one task and others in another");
        return Err(SourceError::layout(file, message));
    }
    Ok(at)
}

/// Returns the name of a task without extensions: `matbench_jdft2d` for `matbench_jdft2d.json.gz`.
fn task_name(name: &str) -> &str {
    let base = base_name(name);
    base.split_once(".json").map_or(base, |(task, _)| task)
}

/// Reads `index` and `columns`, which may be at any place.
fn read_header(path: &Path) -> Result<Task, SourceError> {
    let document = open_document(path, &[".json"], &Progress::default())?;
    let name = task_name(&document.name).to_owned();
    let short = name.strip_prefix(TASK_PREFIX).unwrap_or(&name).replace('_', "-");
    let id_prefix = format!("mb-{short}-");
    let mut json = JsonStream::new(document);
    let (mut index, mut columns) = (None, None);
    let (mut first, mut key) = (true, Vec::new());
    json.expect(b'{', "a table in split orientation")?;
    while (index.is_none() || columns.is_none()) && json.next_key(&mut first, &mut key, MAX_HEADER_BYTES)? {
        match key.as_slice() {
            b"index" => index = Some(RowIndex::read(&mut json, &name, &id_prefix)?),
            b"columns" => columns = Some(read_columns(&mut json)?),
            _ => json.skip()?,
        }
    }
    let file = json.file().clone();
    let (Some(index), Some(columns)) = (index, columns) else {
        return Err(SourceError::layout(&file, "has no \"index\" and \"columns\": not a MatBench task"));
    };
    if !columns.iter().any(|column| column == STRUCTURE_COLUMN) {
        let mut shown = columns.iter().take(SHOWN_COLUMNS).map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = columns.len().checked_sub(SHOWN_COLUMNS) {
            shown.push_str(&format!(" and {more} more"));
        }
        let message = format!("has no column \"structure\" but {shown}: a task without crystals");
        return Err(SourceError::layout(&file, message));
    }
    let (targets, readings, site_keys) = (vec![None; columns.len()], Vec::new(), Vec::new());
    Ok(Task { path: path.to_path_buf(), file, index, name, targets, readings, site_keys, columns })
}

fn read_columns(json: &mut JsonStream) -> Result<Vec<String>, SourceError> {
    let mut columns = Vec::new();
    let (mut first, mut text, mut bytes) = (true, Vec::new(), 0);
    json.expect(b'[', "an array of column names")?;
    while json.next_element(&mut first)? {
        text.clear();
        let cut = json.value(&mut text, MAX_HEADER_BYTES)?;
        match Cursor::new(&text).string() {
            Ok(name) if cut == Cut::Whole => columns.push(name.text().into_owned()),
            _ => return Err(json.error("the name of a column before")),
        }
        bytes += text.len();
        if columns.len() > MAX_TABLE_COLUMNS || bytes > MAX_HEADER_BYTES {
            let message = format!(
                "has over {MAX_TABLE_COLUMNS} columns, or names of columns of over {MAX_HEADER_BYTES} bytes"
            );
            return Err(SourceError::layout(json.file(), message));
        }
    }
    Ok(columns)
}

/// Reads the rows of one task after another.
struct TaskReader {
    tasks: Arc<[Task]>,
    next: usize,
    current: Option<Rows>,
    progress: Progress,
}

/// A position among the rows of a task.
struct Rows {
    json: JsonStream,
    first_key: bool,
    first_row: bool,
    /// Number of rows so far.
    row: usize,
}

impl Rows {
    /// Opens a task and moves to its first row.
    fn open(task: &Task, progress: &Progress) -> Result<Self, SourceError> {
        let mut json = JsonStream::new(open_document(&task.path, &[".json"], progress)?);
        json.expect(b'{', "a table in split orientation")?;
        let (mut first_key, mut key) = (true, Vec::new());
        while json.next_key(&mut first_key, &mut key, MAX_HEADER_BYTES)? {
            if key == b"data" {
                json.expect(b'[', "an array of rows")?;
                return Ok(Self { json, first_key, first_row: true, row: 0 });
            }
            json.skip()?;
        }
        Err(SourceError::layout(&task.file, "has no \"data\": not a MatBench task"))
    }

    /// Reads the rest of the file after the rows, and checks their number against the index.
    fn finish(mut self, task: &Task) -> Result<(), SourceError> {
        if self.row != task.index.len() {
            return Err(task.miscounted(self.row));
        }
        let mut key = Vec::new();
        while self.json.next_key(&mut self.first_key, &mut key, MAX_HEADER_BYTES)? {
            self.json.skip()?;
        }
        self.json.end()
    }
}

impl RecordReader for TaskReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let Some(task) = self.tasks.get(self.next) else { return Ok(false) };
            let rows = match &mut self.current {
                Some(rows) => rows,
                None => self.current.insert(Rows::open(task, &self.progress)?),
            };
            if !rows.json.next_element(&mut rows.first_row)? {
                self.next += 1;
                if let Some(rows) = self.current.take() {
                    rows.finish(task)?;
                }
                continue;
            }
            rows.json.peek()?;
            let start = block.bytes.len();
            if !task.index.push_id(rows.row, &mut block.bytes) {
                return Err(task.miscounted(rows.row + 1));
            }
            rows.row += 1;
            let name = start..block.bytes.len();
            let line = u32::try_from(rows.json.line()).ok();
            let origin = Origin { file: task.file.clone(), record: rows.row as u64, line };
            let start = block.bytes.len();
            match rows.json.value(&mut block.bytes, MAX_RECORD_BYTES)? {
                Cut::Whole => block.push_range(origin, name, start..block.bytes.len()),
                Cut::TooLarge => {
                    let id = block.bytes.split_off(name.start);
                    let id = String::from_utf8_lossy(&id).into_owned();
                    block.push_reject(
                        RecordError::TooLarge { limit: MAX_RECORD_BYTES }.reject(Some(id), origin),
                    );
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
    tasks: Arc<[Task]>,
    structure: Structure,
    values: Vec<Option<f64>>,
    /// Lists of the row, by the indices in `values`.
    lists: Vec<Vec<f64>>,
    site_properties: SiteProperties,
    /// Messages about values that count as missing.
    odd: Vec<String>,
}

/// Appends a list and returns its index as a value.
fn push(lists: &mut Vec<Vec<f64>>, list: Vec<f64>) -> f64 {
    lists.push(list);
    (lists.len() - 1) as f64
}

impl RowParser {
    fn read(&mut self, row: &[u8], task: usize) -> Result<(), RecordError> {
        self.values.fill(None);
        self.lists.clear();
        self.odd.clear();
        let Some(task) = self.tasks.get(task) else { return Err(RecordError::MissingField("task")) };
        let mut cursor = Cursor::new(row);
        cursor.expect(b'[', "a row")?;
        let (mut first, mut cells) = (true, 0);
        while cursor.next_element(&mut first)? {
            match (task.columns.get(cells), task.targets.get(cells)) {
                (Some(key), Some(&Some(property))) => {
                    let raw = cursor.raw()?;
                    let scalar = Cursor::new(raw).scalar()?;
                    if let (Some(slot), Some(reading)) =
                        (self.values.get_mut(property), task.readings.get(cells))
                    {
                        let value = PropertyValue::of_scalar(scalar);
                        *slot = match reading.list(raw) {
                            Some(list) => Some(push(&mut self.lists, list)),
                            None => reading.read(value, key, raw, || scalar.text(raw), &mut self.odd)?,
                        };
                    }
                }
                (Some(_), _) => {
                    let properties = Some(&mut self.site_properties);
                    read_with_properties(&mut cursor, &mut self.structure, properties)?;
                }
                (None, _) => cursor.skip()?,
            }
            cells += 1;
        }
        cursor.end()?;
        let sites = self.structure.atomic_numbers.len();
        let found = &self.site_properties;
        for (key, property) in &task.site_keys {
            match found.numbers(key, sites) {
                Ok(Some(list)) => self.values[*property] = Some(push(&mut self.lists, list)),
                Ok(None) => {}
                Err(message) => self.odd.push(message),
            }
        }
        let is_known = |key: &&str| task.site_keys.iter().any(|(known, _)| known == key);
        self.odd.extend(found.of_numbers().filter(|key| !is_known(key)).map(|key| {
            format!("{key} of the sites is left out: the first structure of the file has no such numbers")
        }));
        self.odd.extend(found.beyond());
        if cells == task.columns.len() {
            Ok(())
        } else {
            Err(RecordError::FieldCount { found: cells, wanted: task.columns.len() })
        }
    }
}

impl RecordParser for RowParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let name = bytes.get(record.name.clone()).unwrap_or_default();
        let row = bytes.get(record.body.clone()).unwrap_or_default();
        let task = self.tasks.iter().position(|task| task.file == record.origin.file).unwrap_or_default();
        let result = match std::str::from_utf8(name) {
            Ok(material_id) => self.read(row, task).map(|()| material_id),
            Err(_) => Err(RecordError::Identifier(excerpt(name))),
        };
        match result {
            Ok(material_id) => {
                note_odd_values(self.odd.drain(..), material_id, &record.origin, sink);
                sink.crystal(
                    &record.origin,
                    ParsedCrystal {
                        material_id,
                        structure: &self.structure,
                        properties: PropertyValues { values: &self.values, lists: &self.lists },
                        immutable_id: None,
                    },
                );
            }
            Err(error) => {
                let id = String::from_utf8_lossy(name).into_owned();
                sink.reject(error.reject(Some(id), record.origin.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_so_many_columns_at_most() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("matbench_x.json");
        let fault = |names: &[String]| {
            let columns = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
            std::fs::write(&path, format!("{{\"index\":[0],\"columns\":[{columns}],\"data\":[]}}"))
                .expect("a small file");
            let fault = read_header(&path).expect_err("no structures").to_string();
            fault.rsplit_once("json: ").map(|(_, message)| message.to_owned()).unwrap_or_default()
        };
        let numbered = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>();
        let many = "has over 8192 columns, or names of columns of over 65536 bytes";
        assert_eq!(fault(&numbered(8193)), many);
        assert_eq!(fault(&vec!["x".repeat(60_000); 2]), many);
        let few =
            "has no column \"structure\" but 0, 1, 2, 3, 4, 5, 6, 7 and 92 more: a task without crystals";
        assert_eq!(fault(&numbered(100)), few);
        assert!(fault(&numbered(2)).contains("but 0, 1: a task"));
    }

    #[test]
    fn tasks_are_named_by_their_files() {
        assert_eq!(task_name("a/matbench_mp_gap.json.gz"), "matbench_mp_gap");
        assert_eq!(task_name("matbench_jdft2d.json"), "matbench_jdft2d");
    }
}
