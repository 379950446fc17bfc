//! Single rows of MatBench's tasks.

use std::sync::Arc;

use crystal::structure::Structure;

use super::json::{Cursor, excerpt};
use super::matbench_task::Task;
use super::odd_values::note_odd_values;
use super::property_value::PropertyValue;
use super::pymatgen::read_with_properties;
use super::site_properties::SiteProperties;
use super::{ParsedCrystal, PropertyValues, RawRecord, RecordError, RecordParser, Sink};

/// A parser of single rows.
pub(super) struct RowParser {
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
    /// Returns a parser of rows with so many properties.
    pub(super) fn new(tasks: Arc<[Task]>, properties: usize) -> Self {
        Self {
            tasks,
            structure: Structure::default(),
            values: vec![None; properties],
            lists: Vec::new(),
            site_properties: SiteProperties::default(),
            odd: Vec::new(),
        }
    }

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
