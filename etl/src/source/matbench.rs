//! MatBench tasks: `matbench_*.json.gz`, which are pandas tables in split orientation, `{"index": [..], "columns":
//! ["structure", target], "data": [[structure, value], ..]}`. The structures are pymatgen dictionaries. Numbers among
//! the properties of their sites are properties, too: those that the first structure has.
//!
//! The identifier of a row is that of MatBench: `mb-`, the task with hyphens, and the row in the published task,
//! counted from 1 and padded to the width of the number of rows: `mb-jdft2d-001`, `mb-log-kvrh-00001`. The row is
//! given by the index and not by the position in the file, because a file may hold a part of a task.

use std::path::PathBuf;
use std::sync::Arc;

use schemas::property::PropertyKind;

use super::definition::{Opening, SourceDefinition};
use super::input::Progress;
use super::json_stream::Cut;
use super::matbench_first_rows::{FirstRows, STRUCTURE_COLUMN};
use super::matbench_row::RowParser;
use super::matbench_task::{Rows, Task, read_header};
use super::properties::assign_columns;
use super::property_value::Reading;
use super::site_properties::column_of;
use super::state::file_states;
use super::{MAX_RECORD_BYTES, OpenSource, PropertyColumn, RawBlock, RecordError, RecordReader, SourceError};
use crate::reject::Origin;

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: "matbench",
    has_files: false,
    id_key: None,
    default_filters: &[],
    open: Opening::Own(|inputs, options, _| open(inputs, options.name.as_deref())),
};

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
        properties,
        notes,
        ..OpenSource::with_states(
            name.map_or(own_name, str::to_owned),
            inputs.to_vec(),
            file_states(inputs)?,
            progress.clone(),
            Box::new(TaskReader { tasks: tasks.clone(), next: 0, current: None, progress }),
            Arc::new(move || Box::new(RowParser::new(tasks.clone(), property_count))),
        )
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

/// Reads the rows of one task after another.
struct TaskReader {
    tasks: Arc<[Task]>,
    next: usize,
    current: Option<Rows>,
    progress: Progress,
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
