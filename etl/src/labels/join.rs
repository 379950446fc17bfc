//! Reading of label tables, and joining of their columns by identifier.

use std::collections::HashMap;
use std::fmt::Display;
use std::io;
use std::path::Path;

use schemas::property::{PropertyKind, is_same_unit, passthrough_column};
use schemas::store::{LabelKind, SPLIT_PREFIX};

use super::column::{Column, TextNames};
use super::matched::Met;
use super::names::Names;
use super::reader::{LabelCsv, Size};
use super::rows::{Rows, Table};
use super::slots::{Label, Slots};
use super::table::{read_id_prop, read_with_header};
use super::verdict::{QUALIFIER, judge};
use super::{JoinedColumn, LabelError, LabelInputs, LabelTable, Statement, TableRows, folds, splits};
use crate::source::{
    Document, EmbeddedLabels, MAX_PROPERTY_KEYS, MAX_TABLE_COLUMNS, Progress, PropertyColumn, assign_columns,
    base_name, check_encoding, is_json, open_document,
};

/// Name of the column with the folds.
const FOLD: &str = "fold";
/// Largest number of splits in all tables.
const MAX_SPLITS: usize = 1024;
/// Largest number of columns of classes in all tables.
const MAX_CLASS_COLUMNS: usize = 1024;
/// Largest number of columns of lists in all tables.
const MAX_LIST_COLUMNS: usize = 1024;
/// Largest number of columns of a table that are left out with a note each. Further ones are only counted.
const NOTED_COLUMNS: usize = 20;
/// Prefix of the names of CGCNN's tables without a header.
const ID_PROP: &str = "id_prop";

/// The place of a column.
#[derive(Debug, Clone, Copy)]
struct Place {
    kind: LabelKind,
    /// Index among the columns of the kind.
    at: usize,
    /// Index of the first table that has the column.
    table: usize,
}

/// Reads and joins tables.
pub(super) struct Loader<'a> {
    inputs: &'a LabelInputs,
    names: Names,
    texts: TextNames,
    tables: Vec<TableRows>,
    /// Properties that are numbers or booleans.
    properties: Vec<(PropertyColumn, Slots<f64>)>,
    classes: Vec<(PropertyColumn, Slots<u32>)>,
    site_properties: Vec<(PropertyColumn, Slots<u32>)>,
    /// Lists with a number of every site.
    lists: Vec<Vec<f64>>,
    splits: Vec<(String, Slots<u32>)>,
    /// Places of all columns but the folds, by name.
    places: HashMap<String, Place>,
    folds: Option<Slots<i8>>,
    /// Whether a table without a header was read, whose columns have the names that the user gives.
    has_id_prop: bool,
    notes: Vec<String>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(inputs: &'a LabelInputs) -> Self {
        Self {
            inputs,
            names: Names::new(inputs.id_rule),
            texts: TextNames::default(),
            tables: Vec::new(),
            properties: Vec::new(),
            classes: Vec::new(),
            site_properties: Vec::new(),
            lists: Vec::new(),
            splits: Vec::new(),
            places: HashMap::new(),
            folds: None,
            has_id_prop: false,
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
        let document = open_document(path, &[""], &progress)?;
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
            self.has_id_prop = true;
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
        read: impl FnOnce(&mut Rows<'_>, &mut TextNames) -> Result<Table, LabelError>,
    ) -> Result<(), LabelError> {
        let mut rows = Rows::new(file, folder, &mut self.names);
        let table = read(&mut rows, &mut self.texts)?;
        let numbers = rows.into_numbers();
        self.tables.push(TableRows { file: file.to_owned(), numbers, columns: Vec::new() });
        self.take(file, table)
    }

    /// Adds the columns of the table read last, except those that are left out.
    fn take(&mut self, file: &str, table: Table) -> Result<(), LabelError> {
        self.notes.extend(table.notes);
        let mut columns = self.judge(file, table.columns, table.all_numeric)?;
        let keys = columns.iter().map(|(column, _)| column.name.clone());
        let properties = assign_columns(file, QUALIFIER, "", keys)?;
        for (mut property, (mut column, kind)) in properties.into_iter().zip(columns.drain(..)) {
            property.kind = kind;
            self.property(file, property, &mut column)?;
        }
        for split in table.splits {
            let column = passthrough_column(SPLIT_PREFIX, &split.task);
            let at = self.place(&column, LabelKind::Split, self.splits.len())?;
            if at == self.splits.len() {
                require_few(file, "splits", at, MAX_SPLITS)?;
                self.splits.push((column.clone(), Slots::new(self.tables.len() - 1)));
            }
            let slots = self.splits.get_mut(at).map(|(_, slots)| slots);
            let codes = split.column.codes.into_iter().map(|code| code.unwrap_or(u32::NONE));
            fill(slots, codes, &self.tables, &self.names, &column, self.texts.shown())?;
            self.joined(JoinedColumn { key: split.name, column, unit: None });
        }
        if let Some((key, folds)) = table.folds.filter(|(_, folds)| !folds.is_empty()) {
            let slots = self.folds.get_or_insert_with(|| Slots::new(self.tables.len() - 1));
            let folds = folds.into_iter().map(|fold| fold.unwrap_or(i8::NONE));
            fill(Some(slots), folds, &self.tables, &self.names, FOLD, i8::to_string)?;
            self.joined(JoinedColumn { key, column: FOLD.to_owned(), unit: None });
        }
        Ok(())
    }

    /// Returns the columns of properties with their kinds, and adds notes about the others.
    fn judge(
        &mut self,
        file: &str,
        columns: Vec<Column>,
        all_numeric: bool,
    ) -> Result<Vec<(Column, PropertyKind)>, LabelError> {
        let Some(table) = self.tables.last() else { return Ok(Vec::new()) };
        let before = self.notes.len();
        let mut judged = Vec::with_capacity(columns.len());
        for column in columns {
            if let Some(kind) = judge(table, &column, all_numeric, &self.names, &mut self.notes)? {
                judged.push((column, kind));
            }
        }
        let more = self.notes.len().saturating_sub(before + NOTED_COLUMNS);
        if more > 0 {
            self.notes.truncate(before + NOTED_COLUMNS);
            self.notes.push(format!("{file}: {more} more remarks about its columns"));
        }
        Ok(judged)
    }

    /// Adds a property of the table read last.
    fn property(
        &mut self,
        file: &str,
        property: PropertyColumn,
        column: &mut Column,
    ) -> Result<(), LabelError> {
        self.require_unit(&property)?;
        let kind = property.kind;
        let unit = property.unit().map(str::to_owned);
        let joined = JoinedColumn { key: property.key.clone(), column: property.column.clone(), unit };
        let name = &joined.column;
        let table = self.tables.len() - 1;
        if kind == PropertyKind::Class {
            let at = self.place(name, LabelKind::Property(kind), self.classes.len())?;
            if at == self.classes.len() {
                require_few(file, "columns of classes", at, MAX_CLASS_COLUMNS)?;
                self.classes.push((property, Slots::new(table)));
            }
            let texts = &mut self.texts;
            let code = |text: Option<&str>| text.map_or(u32::NONE, |text| texts.code(text));
            let codes: Vec<u32> = column.texts().map(code).collect();
            let slots = self.classes.get_mut(at).map(|(_, slots)| slots);
            fill(slots, codes.into_iter(), &self.tables, &self.names, name, self.texts.shown())?;
        } else if kind == PropertyKind::SiteNumbers {
            let at = self.place(name, LabelKind::Property(kind), self.site_properties.len())?;
            if at == self.site_properties.len() {
                require_few(file, "columns of lists", at, MAX_LIST_COLUMNS)?;
                self.site_properties.push((property, Slots::new(table)));
            }
            let lists = &mut self.lists;
            let mut code = |list: Option<Vec<f64>>| {
                let code = list.and_then(|list| {
                    lists.push(list);
                    u32::try_from(lists.len() - 1).ok()
                });
                code.unwrap_or(u32::NONE)
            };
            let codes: Vec<u32> = column.take_lists().map(&mut code).collect();
            let slots = self.site_properties.get_mut(at).map(|(_, slots)| slots);
            let lists = &self.lists;
            let shown =
                |code: &u32| lists.get(*code as usize).map(|list| format!("{list:?}")).unwrap_or_default();
            fill(slots, codes.into_iter(), &self.tables, &self.names, name, shown)?;
        } else {
            let at = self.place(name, LabelKind::Property(kind), self.properties.len())?;
            if at == self.properties.len() {
                require_few(file, "columns of numbers", at, MAX_PROPERTY_KEYS)?;
                self.properties.push((property, Slots::new(table)));
            }
            let slots = self.properties.get_mut(at).map(|(_, slots)| slots);
            let (tables, names) = (&self.tables, &self.names);
            if kind == PropertyKind::Boolean {
                fill(slots, column.booleans(), tables, names, name, |value| *value == 1.0)?;
            } else {
                fill(slots, column.numbers.iter().copied(), tables, names, name, f64::to_string)?;
            }
        }
        self.joined(joined);
        Ok(())
    }

    /// Checks that an earlier table with the column of a property has it in the same unit. The column has the key of the
    /// first table that says a unit.
    ///
    /// # Errors
    /// Returns [`LabelError::TwoKinds`] if the earlier table has another unit.
    fn require_unit(&mut self, property: &PropertyColumn) -> Result<(), LabelError> {
        let place = self.places.get(&property.column).copied();
        let Some(Place { kind: LabelKind::Property(kind), at, table }) = place else { return Ok(()) };
        let (earlier, values) = match kind {
            PropertyKind::Number => (self.properties.get_mut(at).map(|(earlier, _)| earlier), "numbers"),
            PropertyKind::SiteNumbers => {
                (self.site_properties.get_mut(at).map(|(earlier, _)| earlier), "lists of numbers")
            }
            PropertyKind::Boolean | PropertyKind::Class => return Ok(()),
        };
        let Some(earlier) = earlier.filter(|_| kind == property.kind) else { return Ok(()) };
        let Some(unit) = property.unit() else { return Ok(()) };
        let Some(first) = earlier.unit() else {
            earlier.key.clone_from(&property.key);
            return Ok(());
        };
        if is_same_unit(first, unit) {
            return Ok(());
        }
        let statement = |unit: &str, table: Option<&TableRows>| {
            let file = table.map(|table| table.file.clone()).unwrap_or_default();
            Box::new(Statement { labels: format!("{values} in {unit}"), file })
        };
        Err(LabelError::TwoKinds {
            column: property.column.clone(),
            first: statement(first, self.tables.get(table)),
            second: statement(unit, self.tables.last()),
        })
    }

    /// Returns the index of a column among those of its kind: `next` if no earlier table has it.
    ///
    /// # Errors
    /// Returns [`LabelError::TwoKinds`] if an earlier table has a column of this name and another kind.
    fn place(&mut self, column: &str, kind: LabelKind, next: usize) -> Result<usize, LabelError> {
        let table = self.tables.len() - 1;
        let place = *self.places.entry(column.to_owned()).or_insert(Place { kind, at: next, table });
        if place.kind == kind {
            return Ok(place.at);
        }
        let statement = |Place { kind, table, .. }| {
            let labels = match kind {
                LabelKind::Split => "parts of a split",
                LabelKind::Property(PropertyKind::Number) => "numbers",
                LabelKind::Property(PropertyKind::Boolean) => "booleans",
                LabelKind::Property(PropertyKind::Class) => "text",
                LabelKind::Property(PropertyKind::SiteNumbers) => "lists of numbers",
            };
            let file = self.tables.get(table).map(|table| table.file.clone()).unwrap_or_default();
            Box::new(Statement { labels: labels.to_owned(), file })
        };
        Err(LabelError::TwoKinds {
            column: column.to_owned(),
            first: statement(place),
            second: statement(Place { kind, at: next, table }),
        })
    }

    /// Records that a column of the table read last was joined.
    fn joined(&mut self, column: JoinedColumn) {
        if let Some(table) = self.tables.last_mut() {
            table.columns.push(column);
        }
    }

    /// Returns all labels.
    pub(super) fn finish(mut self) -> LabelTable {
        if let ([first, ..], false) = (&self.inputs.id_prop_keys[..], self.has_id_prop) {
            self.notes.push(format!(
                "there is no {ID_PROP}.csv whose column {first:?} might name: a table with a header names its own"
            ));
        }
        let (properties, values) = self.properties.into_iter().unzip();
        let (classes, class_codes) = self.classes.into_iter().unzip();
        let (site_properties, list_codes) = self.site_properties.into_iter().unzip();
        let (splits, split_codes) = self.splits.into_iter().unzip();
        LabelTable {
            properties,
            classes,
            site_properties,
            splits,
            notes: self.notes,
            met: Met::new(self.names.len()),
            names: self.names,
            tables: self.tables,
            values,
            class_codes,
            list_codes,
            lists: self.lists,
            split_codes,
            texts: self.texts.names,
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
