//! MatBench tasks: `matbench_*.json.gz`, a pandas table in split orientation,
//! `{"index": [..], "columns": ["structure", target], "data": [[structure, value], ..]}`, whose
//! structures are pymatgen dictionaries.
//!
//! A row's identifier is MatBench's own: `mb-`, the task with hyphens, and the row counted from 1,
//! as wide as the number of rows: `mb-jdft2d-001`, `mb-log-kvrh-00001`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::open_document;
use super::files::base_name;
use super::input::Progress;
use super::json::{Cursor, Scalar, excerpt};
use super::json_stream::{Cut, JsonStream};
use super::properties::{PropertyValue, assign_columns};
use super::pymatgen::read_structure;
use super::state::file_states;
use super::unread::UnreadFiles;
use super::{
    MAX_RECORD_BYTES, OpenSource, ParsedCrystal, PropertyColumn, RawBlock, RawRecord, RecordError,
    RecordParser, RecordReader, Sink, SourceError,
};
use crate::reject::Origin;
use crate::structure::Structure;

/// What every task's name starts with.
const TASK_PREFIX: &str = "matbench_";
/// Column of the structures; tasks without it are about compositions.
const STRUCTURE_COLUMN: &str = "structure";
/// Longest key and list of columns of a task's table.
const MAX_HEADER_BYTES: usize = 1 << 16;

/// One task: its header, read before its rows.
#[derive(Debug, Clone)]
struct Task {
    path: PathBuf,
    /// As messages name the file; records of the task have it in their origin.
    file: Arc<str>,
    /// `matbench_jdft2d`.
    name: String,
    /// `mb-jdft2d-`.
    id_prefix: String,
    /// Digits of a row's number.
    id_width: usize,
    /// Names of the columns.
    columns: Vec<String>,
    /// Which of the source's properties each column is; `None` for the structure.
    targets: Vec<Option<usize>>,
}

/// Opens tasks; several make one store with a property column for each.
///
/// # Errors
/// [`SourceError`] where a file is no table in split orientation or has no structures.
pub(super) fn open(inputs: &[PathBuf], name: Option<&str>) -> Result<OpenSource, SourceError> {
    let mut tasks = Vec::with_capacity(inputs.len());
    let mut properties: Vec<PropertyColumn> = Vec::new();
    for path in inputs {
        let mut task = read_header(path)?;
        for (at, key) in task.columns.iter().enumerate() {
            if key == STRUCTURE_COLUMN {
                continue;
            }
            let [column] = &assign_columns(&task.file, &task.name, &task.name, [key.clone()])?[..] else {
                continue;
            };
            let known = properties.iter().position(|other| other.column == column.column);
            let property = known.unwrap_or_else(|| {
                properties.push(column.clone());
                properties.len() - 1
            });
            if let Some(target) = task.targets.get_mut(at) {
                *target = Some(property);
            }
        }
        tasks.push(task);
    }
    let own_name = match &tasks[..] {
        [task] => task.name.clone(),
        _ => "matbench".to_owned(),
    };
    let tasks: Arc<[Task]> = tasks.into();
    let property_count = properties.len();
    let progress = Progress::default();
    Ok(OpenSource {
        name: name.map_or(own_name, str::to_owned),
        inputs: inputs.to_vec(),
        states: file_states(inputs)?,
        properties,
        embedded_labels: Vec::new(),
        unread: UnreadFiles::default(),
        progress: progress.clone(),
        reader: Box::new(TaskReader { tasks: tasks.clone(), next: 0, current: None, progress }),
        parser: Arc::new(move || {
            Box::new(RowParser {
                tasks: tasks.clone(),
                structure: Structure::default(),
                values: vec![None; property_count],
            })
        }),
    })
}

/// `matbench_jdft2d` of `matbench_jdft2d.json.gz`.
fn task_name(name: &str) -> &str {
    let base = base_name(name);
    base.split_once(".json").map_or(base, |(task, _)| task)
}

/// Reads `index` and `columns`, wherever they stand.
fn read_header(path: &Path) -> Result<Task, SourceError> {
    let document = open_document(path, ".json", &Progress::default())?;
    let name = task_name(&document.name).to_owned();
    let mut json = JsonStream::new(document);
    let (mut rows, mut columns) = (None, None);
    let (mut first, mut key) = (true, Vec::new());
    json.expect(b'{', "a table in split orientation")?;
    while (rows.is_none() || columns.is_none()) && json.next_key(&mut first, &mut key, MAX_HEADER_BYTES)? {
        match key.as_slice() {
            b"index" => rows = Some(count_elements(&mut json)?),
            b"columns" => columns = Some(read_columns(&mut json)?),
            _ => json.skip()?,
        }
    }
    let file = json.file().clone();
    let (Some(rows), Some(columns)) = (rows, columns) else {
        return Err(SourceError::layout(&file, "has no \"index\" and \"columns\": not a MatBench task"));
    };
    if !columns.iter().any(|column| column == STRUCTURE_COLUMN) {
        let message =
            format!("has no column \"structure\" but {}: a task without crystals", columns.join(", "));
        return Err(SourceError::layout(&file, message));
    }
    let short = name.strip_prefix(TASK_PREFIX).unwrap_or(&name).replace('_', "-");
    Ok(Task {
        path: path.to_path_buf(),
        file,
        id_prefix: format!("mb-{short}-"),
        id_width: rows.to_string().len(),
        name,
        targets: vec![None; columns.len()],
        columns,
    })
}

fn count_elements(json: &mut JsonStream) -> Result<u64, SourceError> {
    json.expect(b'[', "an array")?;
    let (mut first, mut count) = (true, 0);
    while json.next_element(&mut first)? {
        json.skip()?;
        count += 1;
    }
    Ok(count)
}

fn read_columns(json: &mut JsonStream) -> Result<Vec<String>, SourceError> {
    let mut columns = Vec::new();
    let (mut first, mut text) = (true, Vec::new());
    json.expect(b'[', "an array of column names")?;
    while json.next_element(&mut first)? {
        text.clear();
        let cut = json.value(&mut text, MAX_HEADER_BYTES)?;
        match Cursor::new(&text).string() {
            Ok(name) if cut == Cut::Whole => columns.push(name.text().into_owned()),
            _ => return Err(json.error("the name of a column before")),
        }
    }
    Ok(columns)
}

/// Cuts the rows of one task after another.
struct TaskReader {
    tasks: Arc<[Task]>,
    next: usize,
    current: Option<Rows>,
    progress: Progress,
}

/// A position among a task's rows.
struct Rows {
    json: JsonStream,
    first_key: bool,
    first_row: bool,
    row: u64,
}

impl Rows {
    /// Opens the task and steps to its first row.
    fn open(task: &Task, progress: &Progress) -> Result<Self, SourceError> {
        let mut json = JsonStream::new(open_document(&task.path, ".json", progress)?);
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

    /// What stands behind the rows.
    fn finish(mut self) -> Result<(), SourceError> {
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
                    rows.finish()?;
                }
                continue;
            }
            rows.json.peek()?;
            rows.row += 1;
            let line = u32::try_from(rows.json.line()).ok();
            let origin = Origin { file: task.file.clone(), record: rows.row, line };
            let name = push_name(block, task, rows.row);
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

/// Appends the identifier of a row.
fn push_name(block: &mut RawBlock, task: &Task, row: u64) -> Range<usize> {
    let start = block.bytes.len();
    block.bytes.extend_from_slice(task.id_prefix.as_bytes());
    block.bytes.extend_from_slice(format!("{row:0width$}", width = task.id_width).as_bytes());
    start..block.bytes.len()
}

/// Reads single rows.
struct RowParser {
    tasks: Arc<[Task]>,
    structure: Structure,
    values: Vec<Option<f64>>,
}

impl RowParser {
    fn read(&mut self, row: &[u8], task: usize) -> Result<(), RecordError> {
        self.values.fill(None);
        let Some(task) = self.tasks.get(task) else { return Err(RecordError::MissingField("task")) };
        let mut cursor = Cursor::new(row);
        cursor.expect(b'[', "a row")?;
        let (mut first, mut cells) = (true, 0);
        while cursor.next_element(&mut first)? {
            match (task.columns.get(cells), task.targets.get(cells)) {
                (Some(key), Some(&Some(property))) => {
                    let raw = cursor.raw()?;
                    let value = match Cursor::new(raw).scalar()? {
                        Scalar::Bool(truth) => PropertyValue::Number(f64::from(u8::from(truth))),
                        other => PropertyValue::of_scalar(other),
                    };
                    if let Some(slot) = self.values.get_mut(property) {
                        *slot = value.number(key, raw)?;
                    }
                }
                (Some(_), _) => read_structure(&mut cursor, &mut self.structure)?,
                (None, _) => cursor.skip()?,
            }
            cells += 1;
        }
        cursor.end()?;
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
            Ok(material_id) => sink.crystal(
                &record.origin,
                ParsedCrystal { material_id, structure: &self.structure, properties: &self.values },
            ),
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
    fn tasks_are_named_by_their_files() {
        assert_eq!(task_name("a/matbench_mp_gap.json.gz"), "matbench_mp_gap");
        assert_eq!(task_name("matbench_jdft2d.json"), "matbench_jdft2d");
    }
}
