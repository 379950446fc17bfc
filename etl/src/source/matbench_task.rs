//! The tables of MatBench's tasks: their columns and index, and the rows as they are read one after another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::MAX_RECORD_BYTES;
use super::SourceError;
use super::document::open_document;
use super::files::base_name;
use super::input::Progress;
use super::json::Cursor;
use super::json_stream::{Cut, JsonStream};
use super::matbench_first_rows::{FirstRows, STRUCTURE_COLUMN};
use super::matbench_index::RowIndex;
use super::properties::MAX_TABLE_COLUMNS;
use super::property_value::Reading;

/// Prefix of the names of all tasks.
const TASK_PREFIX: &str = "matbench_";
/// Largest size in bytes of a key or of the list of columns.
const MAX_HEADER_BYTES: usize = 1 << 16;
/// Largest number of columns that a message names.
const SHOWN_COLUMNS: usize = 8;

/// A task whose header was read.
#[derive(Debug, Clone)]
pub(super) struct Task {
    path: PathBuf,
    /// Name of the file in messages and origins.
    pub(super) file: Arc<str>,
    /// Name of the task, such as `matbench_jdft2d`.
    pub(super) name: String,
    /// The row of the published task for each row of the file.
    pub(super) index: RowIndex,
    /// Names of the columns.
    pub(super) columns: Vec<String>,
    /// Index of the property of each column; `None` for the structure.
    pub(super) targets: Vec<Option<usize>>,
    /// How the values of each column are read.
    pub(super) readings: Vec<Reading>,
    /// Keys of the sites' properties, and the index of the property of each.
    pub(super) site_keys: Vec<(String, usize)>,
}

impl Task {
    /// Returns how the values of each column are read, by the first value in it: as booleans, numbers or lists of numbers.
    /// Any other value is an error of its row, unless lists are wanted. Also returns the keys of the sites' properties.
    pub(super) fn see_first_rows(&self) -> Result<FirstRows, SourceError> {
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
    pub(super) fn miscounted(&self, rows: usize) -> SourceError {
        let message = format!("has an index of {} rows and data of {rows}, or more", self.index.len());
        SourceError::layout(&self.file, message)
    }
}

/// Returns the name of a task without extensions: `matbench_jdft2d` for `matbench_jdft2d.json.gz`.
fn task_name(name: &str) -> &str {
    let base = base_name(name);
    base.split_once(".json").map_or(base, |(task, _)| task)
}

/// Reads `index` and `columns`, which may be at any place.
pub(super) fn read_header(path: &Path) -> Result<Task, SourceError> {
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

/// A position among the rows of a task.
pub(super) struct Rows {
    pub(super) json: JsonStream,
    first_key: bool,
    pub(super) first_row: bool,
    /// Number of rows so far.
    pub(super) row: usize,
}

impl Rows {
    /// Opens a task and moves to its first row.
    pub(super) fn open(task: &Task, progress: &Progress) -> Result<Self, SourceError> {
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

    /// Reads on from the last row to the end of the file.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if there are more or fewer rows than index values, or if the JSON is malformed.
    pub(super) fn finish(mut self, task: &Task) -> Result<(), SourceError> {
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
