//! Reading of label tables, and joining of their columns by identifier.

use std::collections::HashMap;
use std::fmt::Display;
use std::io;
use std::path::Path;

use schemas::property::{by_column, passthrough_column};
use schemas::store::SPLIT_PREFIX;

use super::column::{Column, PartNames};
use super::met::Met;
use super::names::Names;
use super::reader::{LabelCsv, Size};
use super::rows::{Rows, Table};
use super::slots::{Label, Slots};
use super::table::{read_id_prop, read_with_header};
use super::{JoinedColumn, LabelError, LabelInputs, LabelTable, Statement, TableRows, folds, splits};
use crate::source::{
    Document, EmbeddedLabels, MAX_PROPERTY_KEYS, MAX_TABLE_COLUMNS, Progress, PropertyColumn, assign_columns,
    base_name, check_encoding, documented, is_json, open_document, split_unit,
};

/// Name of the column with the folds.
const FOLD: &str = "fold";
/// Qualifier of the properties' keys.
const QUALIFIER: &str = "labels";
/// Largest number of splits in all tables.
const MAX_SPLITS: usize = 1024;
/// Largest number of columns of a table that are left out with a note each. Further ones are only counted.
const NOTED_COLUMNS: usize = 20;
/// Prefix of the names of CGCNN's tables without a header.
const ID_PROP: &str = "id_prop";

/// Reads and joins tables.
pub(super) struct Loader<'a> {
    inputs: &'a LabelInputs,
    names: Names,
    parts: PartNames,
    tables: Vec<TableRows>,
    properties: Vec<(PropertyColumn, Slots<f64>)>,
    splits: Vec<(String, Slots<u32>)>,
    /// Indices of the properties and splits by column name. No name is in both.
    places: HashMap<String, usize>,
    folds: Option<Slots<i8>>,
    notes: Vec<String>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(inputs: &'a LabelInputs) -> Self {
        Self {
            inputs,
            names: Names::new(inputs.id_rule),
            parts: PartNames::default(),
            tables: Vec::new(),
            properties: Vec::new(),
            splits: Vec::new(),
            places: HashMap::new(),
            folds: None,
            notes: Vec::new(),
        }
    }

    /// Reads a label table that was found among the inputs.
    pub(super) fn embedded(&mut self, table: &EmbeddedLabels) -> Result<(), LabelError> {
        check_encoding(&table.file, &table.csv)?;
        let csv =
            LabelCsv::new(&table.file, Box::new(io::Cursor::new(&table.csv)), Size::Held(table.csv.len()))?;
        self.csv(&table.file, &table.folder, csv)
    }

    /// Reads a file, whose format is determined by its name and content.
    pub(super) fn file(&mut self, path: &Path) -> Result<(), LabelError> {
        let progress = Progress::default();
        let document = open_document(path, "", &progress)?;
        let file = document.file.clone();
        if is_json(&document.name) {
            return self.read(&file, "", |rows, parts| splits::read(document, rows, parts));
        }
        let Document { stream, .. } = document;
        self.csv(&file, "", LabelCsv::new(&file, stream, Size::OnDisk(progress))?)
    }

    fn csv(&mut self, file: &str, folder: &str, mut csv: LabelCsv<'_>) -> Result<(), LabelError> {
        let inputs = self.inputs;
        let first: Vec<String> = match csv.row()? {
            Some(first) if first.len() > MAX_TABLE_COLUMNS => {
                let message = format!("has {} columns, {MAX_TABLE_COLUMNS} at most", first.len());
                return Err(LabelError::Layout { file: file.to_owned(), message });
            }
            Some(first) => {
                first.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect()
            }
            None => {
                let message = "is empty".to_owned();
                return Err(LabelError::Layout { file: file.to_owned(), message });
            }
        };
        if base_name(file).rsplit('!').next().is_some_and(|name| name.starts_with(ID_PROP)) {
            self.read(file, folder, |rows, _| read_id_prop(csv, &first, &inputs.id_prop_keys, rows))
        } else if first == folds::HEADER {
            self.read(file, folder, |rows, _| folds::read(csv, &inputs.tasks, rows))
        } else {
            self.read(file, folder, |rows, parts| read_with_header(csv, &first, rows, parts))
        }
    }

    /// Reads one table and adds its columns.
    fn read(
        &mut self,
        file: &str,
        folder: &str,
        read: impl FnOnce(&mut Rows<'_>, &mut PartNames) -> Result<Table, LabelError>,
    ) -> Result<(), LabelError> {
        let mut rows = Rows::new(file, folder, &mut self.names);
        let table = read(&mut rows, &mut self.parts)?;
        let numbers = rows.into_numbers();
        self.tables.push(TableRows { file: file.to_owned(), numbers, columns: Vec::new() });
        self.take(file, table)
    }

    /// Adds the columns of the table read last, except those that are left out.
    fn take(&mut self, file: &str, table: Table) -> Result<(), LabelError> {
        self.notes.extend(table.notes);
        let before = self.notes.len();
        let judged = table.columns.into_iter().map(|column| self.judge(file, column, table.all_numeric));
        let columns: Vec<Column> = judged.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let more = self.notes.len().saturating_sub(before + NOTED_COLUMNS);
        if more > 0 {
            self.notes.truncate(before + NOTED_COLUMNS);
            self.notes.push(format!("{file}: {more} more remarks about its columns"));
        }
        let keys = columns.iter().map(|column| column.name.clone());
        for (property, column) in assign_columns(file, QUALIFIER, "", keys)?.into_iter().zip(columns) {
            let unit = match by_column(&property.column) {
                Some(documented) => Some(documented.unit),
                None => split_unit(&property.key).1,
            };
            let joined = JoinedColumn {
                key: property.key.clone(),
                column: property.column.clone(),
                unit: unit.map(str::to_owned),
            };
            let at = *self.places.entry(property.column.clone()).or_insert(self.properties.len());
            if at == self.properties.len() {
                require_few(file, "columns of numbers", at, MAX_PROPERTY_KEYS)?;
                self.properties.push((property, Slots::new(self.tables.len() - 1)));
            }
            let slots = self.properties.get_mut(at).map(|(_, slots)| slots);
            fill(
                slots,
                column.numbers.into_iter(),
                &self.tables,
                &self.names,
                &joined.column,
                f64::to_string,
            )?;
            self.joined(joined);
        }
        for split in table.splits {
            let column = passthrough_column(SPLIT_PREFIX, &split.task);
            let at = *self.places.entry(column.clone()).or_insert(self.splits.len());
            if at == self.splits.len() {
                require_few(file, "splits", at, MAX_SPLITS)?;
                self.splits.push((column.clone(), Slots::new(self.tables.len() - 1)));
            }
            let slots = self.splits.get_mut(at).map(|(_, slots)| slots);
            let codes = split.column.codes.into_iter().map(|code| code.unwrap_or(u32::NONE));
            let parts = &self.parts.names;
            let shown = |code: &u32| parts.get(*code as usize).cloned().unwrap_or_default();
            fill(slots, codes, &self.tables, &self.names, &column, shown)?;
            self.joined(JoinedColumn { key: split.task, column, unit: None });
        }
        if let Some(folds) = table.folds.filter(|folds| !folds.is_empty()) {
            let slots = self.folds.get_or_insert_with(|| Slots::new(self.tables.len() - 1));
            let folds = folds.into_iter().map(|fold| fold.unwrap_or(i8::NONE));
            fill(Some(slots), folds, &self.tables, &self.names, FOLD, i8::to_string)?;
            let (key, column) = (folds::HEADER[2].to_owned(), FOLD.to_owned());
            self.joined(JoinedColumn { key, column, unit: None });
        }
        Ok(())
    }

    /// Records that a column of the table read last was joined.
    fn joined(&mut self, column: JoinedColumn) {
        if let Some(table) = self.tables.last_mut() {
            table.columns.push(column);
        }
    }

    /// Returns a column of numbers. Returns `None` and adds a note if the column holds text.
    fn judge(&mut self, file: &str, column: Column, all_numeric: bool) -> Result<Option<Column>, LabelError> {
        let is_documented =
            documented(QUALIFIER, &column.name).is_some() || by_column(&column.name).is_some();
        if column.tally.is_numeric() || ((all_numeric || is_documented) && column.first_text.is_none()) {
            self.note_odd(file, &column);
            return Ok(Some(column));
        }
        match column.first_text {
            Some((line, value)) if all_numeric || is_documented => {
                Err(LabelError::Value { file: file.to_owned(), line, column: column.name, value })
            }
            first_text => {
                let what = if first_text.is_none() { "is empty" } else { "holds text" };
                self.notes.push(format!("{file}: column {:?} {what} and is left out", column.name));
                Ok(None)
            }
        }
    }

    /// Adds a note about the values of a column of numbers that count as missing.
    fn note_odd(&mut self, file: &str, column: &Column) {
        let Some(table) = self.tables.last().filter(|_| column.odd.count > 0) else { return };
        let shown = column.odd.first.iter().map(|(row, line, value)| {
            let name = table.numbers.get(*row).map(|number| self.names.name(*number)).unwrap_or_default();
            format!("{value:?} of {name} in line {line}")
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        let (name, count) = (&column.name, column.odd.count);
        let more = if count > column.odd.first.len() { ", ..." } else { "" };
        self.notes
            .push(format!("{file}: column {name:?}: {count} taken as missing, no numbers: {shown}{more}"));
    }

    /// Returns all labels.
    pub(super) fn finish(self) -> LabelTable {
        let (properties, values) = self.properties.into_iter().unzip();
        let (splits, split_codes) = self.splits.into_iter().unzip();
        LabelTable {
            properties,
            splits,
            has_folds: self.folds.is_some(),
            notes: self.notes,
            met: Met::new(self.names.len()),
            names: self.names,
            tables: self.tables,
            values,
            split_codes,
            split_names: self.parts.names,
            folds: self.folds,
        }
    }
}

/// Returns an error if the number of columns of all label tables exceeds the limit.
fn require_few(file: &str, what: &str, count: usize, limit: usize) -> Result<(), LabelError> {
    if count < limit {
        return Ok(());
    }
    Err(LabelError::Layout { file: file.to_owned(), message: format!("has one of over {limit} {what}") })
}

/// Fills a column with the values of the last table, in the order of its rows.
fn fill<T: Label, S: Display>(
    slots: Option<&mut Slots<T>>,
    values: impl Iterator<Item = T>,
    tables: &[TableRows],
    names: &Names,
    column: &str,
    shown: impl Fn(&T) -> S,
) -> Result<(), LabelError> {
    let (Some(slots), Some((table, before))) = (slots, tables.split_last()) else { return Ok(()) };
    for (&row, value) in table.numbers.iter().zip(values) {
        slots.put(row, value, before.len()).map_err(|(earlier, first)| LabelError::TwoValues {
            id: names.name(row).to_owned(),
            column: column.to_owned(),
            first: Box::new(Statement {
                labels: shown(&earlier).to_string(),
                file: tables.get(first).map(|table| table.file.clone()).unwrap_or_default(),
            }),
            second: Box::new(Statement { labels: shown(&value).to_string(), file: table.file.clone() }),
        })?;
    }
    Ok(())
}
