//! Label tables read one after another and joined by identifier.

use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use polars::prelude::{
    Column as Series, DataFrame, Float64Chunked, Int32Chunked, IntoLazy, IntoSeries, JoinArgs, JoinType,
    NewChunkedArray, PlSmallStr, SortMultipleOptions, UInt32Chunked, col,
};
use schemas::property::{by_column, documented_column};
use schemas::store::SPLIT_PREFIX;

use super::column::{Column, PartNames};
use super::identifiers::Identifiers;
use super::reader::LabelCsv;
use super::rows::{Rows, Table};
use super::table::{read_id_prop, read_with_header};
use super::{LabelError, LabelInputs, LabelTable, folds, splits};
use crate::source::{
    Document, EmbeddedLabels, Progress, PropertyColumn, assign_columns, base_name, open_document,
};

/// Key of the frames: the identifier's number.
const KEY: &str = "row";
/// Column of the folds.
const FOLD: &str = "fold";
/// Qualifier of the properties' keys.
const QUALIFIER: &str = "labels";
/// Start of the name of CGCNN's tables without header.
const ID_PROP: &str = "id_prop";

/// Reads tables and joins them.
pub(super) struct Loader<'a> {
    inputs: &'a LabelInputs,
    identifiers: Identifiers,
    parts: PartNames,
    frames: Vec<DataFrame>,
    /// Table and key of every column so far.
    sources: Vec<(String, String)>,
    properties: Vec<PropertyColumn>,
    splits: Vec<String>,
    has_folds: bool,
    notes: Vec<String>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(inputs: &'a LabelInputs) -> Self {
        Self {
            inputs,
            identifiers: Identifiers::default(),
            parts: PartNames::default(),
            frames: Vec::new(),
            sources: Vec::new(),
            properties: Vec::new(),
            splits: Vec::new(),
            has_folds: false,
            notes: Vec::new(),
        }
    }

    /// Reads a table that lay among the crystals.
    pub(super) fn embedded(&mut self, table: &EmbeddedLabels) -> Result<(), LabelError> {
        self.csv(&table.file, LabelCsv::new(&table.file, Box::new(Cursor::new(&table.csv))))
    }

    /// Reads a file by what it is.
    pub(super) fn file(&mut self, path: &Path) -> Result<(), LabelError> {
        let document = open_document(path, "", &Progress::default())?;
        let file = document.file.clone();
        if document.name.to_ascii_lowercase().contains(".json") {
            return self.read(&file, |rows, parts| splits::read(document, rows, parts));
        }
        let Document { stream, .. } = document;
        self.csv(&file, LabelCsv::new(&file, stream))
    }

    fn csv(&mut self, file: &str, mut csv: LabelCsv<'_>) -> Result<(), LabelError> {
        let inputs = self.inputs;
        let first: Vec<String> = match csv.row()? {
            Some(first) => {
                first.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect()
            }
            None => {
                let message = "is empty".to_owned();
                return Err(LabelError::Layout { file: file.to_owned(), message });
            }
        };
        if base_name(file).rsplit('!').next().is_some_and(|name| name.starts_with(ID_PROP)) {
            self.read(file, |rows, _| read_id_prop(csv, &first, &inputs.id_prop_keys, rows))
        } else if first == folds::HEADER {
            self.read(file, |rows, _| folds::read(csv, &inputs.tasks, rows))
        } else {
            self.read(file, |rows, parts| read_with_header(csv, &first, rows, parts))
        }
    }

    /// Reads one table and makes a frame of it.
    fn read(
        &mut self,
        file: &str,
        read: impl FnOnce(&mut Rows<'_>, &mut PartNames) -> Result<Table, LabelError>,
    ) -> Result<(), LabelError> {
        let (rule, identifiers) = (self.inputs.id_rule, &mut self.identifiers);
        let mut rows = Rows::new(file, rule, identifiers);
        let table = read(&mut rows, &mut self.parts)?;
        let numbers = rows.into_numbers();
        let frame = self.frame(file, table, numbers)?;
        self.frames.push(frame);
        Ok(())
    }

    /// The frame of a table: the numbers of its rows' identifiers, and every column that is kept.
    fn frame(&mut self, file: &str, table: Table, numbers: Vec<u32>) -> Result<DataFrame, LabelError> {
        let height = numbers.len();
        self.notes.extend(table.notes);
        let mut frame = vec![Series::from(UInt32Chunked::from_vec(KEY.into(), numbers).into_series())];
        let columns = table.columns.into_iter();
        let columns = columns.map(|column| self.judge(file, column, table.all_numeric));
        let columns: Vec<Column> = columns.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let keys = columns.iter().map(|column| column.name.clone());
        for (property, column) in assign_columns(file, QUALIFIER, "", keys)?.into_iter().zip(columns) {
            self.claim(&property.column, file, &property.key)?;
            let name = PlSmallStr::from_str(&property.column);
            let values = column.numbers.into_iter().map(|value| (!value.is_nan()).then_some(value));
            frame.push(Float64Chunked::from_iter_options(name, values).into_series().into());
            self.properties.push(property);
        }
        for split in table.splits {
            let column = schemas::property::passthrough_column(SPLIT_PREFIX, &split.task);
            self.claim(&column, file, &split.task)?;
            let name = PlSmallStr::from_str(&column);
            frame.push(
                UInt32Chunked::from_iter_options(name, split.column.codes.into_iter()).into_series().into(),
            );
            self.splits.push(column);
        }
        if let Some(folds) = table.folds {
            self.claim(FOLD, file, folds::HEADER[2])?;
            let folds = Int32Chunked::from_iter_options(FOLD.into(), folds.into_iter());
            frame.push(folds.into_series().into());
            self.has_folds |= height > 0;
        }
        Ok(DataFrame::new(height, frame)?)
    }

    /// A column if it is one of numbers, `None` with a note if it is one of texts.
    fn judge(&mut self, file: &str, column: Column, all_numeric: bool) -> Result<Option<Column>, LabelError> {
        let documented =
            documented_column(QUALIFIER, &column.name).is_some() || by_column(&column.name).is_some();
        if all_numeric || documented || column.is_numeric() {
            return match column.first_text {
                None => Ok(Some(column)),
                Some((line, value)) => {
                    Err(LabelError::Value { file: file.to_owned(), line, column: column.name, value })
                }
            };
        }
        let what = if column.text_count == 0 { "is empty" } else { "holds text" };
        self.notes.push(format!("{file}: column {:?} {what} and is left out", column.name));
        Ok(None)
    }

    /// Notes where a column comes from.
    fn claim(&mut self, column: &str, file: &str, key: &str) -> Result<(), LabelError> {
        let second = format!("{key:?} of {file}");
        if let Some((_, first)) = self.sources.iter().find(|(known, _)| known == column) {
            let (column, first) = (column.to_owned(), first.clone());
            return Err(LabelError::DuplicateColumn { column, first, second });
        }
        self.sources.push((column.to_owned(), second));
        Ok(())
    }

    /// Joins all tables to the list of all identifiers.
    pub(super) fn finish(self) -> Result<LabelTable, LabelError> {
        let count = self.identifiers.len();
        let all: Vec<u32> = (0..count as u32).collect();
        let all = Series::from(UInt32Chunked::from_vec(KEY.into(), all).into_series());
        let mut joined = DataFrame::new(count, vec![all])?;
        for frame in self.frames {
            joined = left_join(joined, frame)?;
        }
        let column = |name: &str| joined.column(name).map(|column| column.as_materialized_series().rechunk());
        let values: Result<_, _> = self
            .properties
            .iter()
            .map(|property| Ok::<_, LabelError>(column(&property.column)?.f64()?.clone()))
            .collect();
        let codes: Result<_, _> =
            self.splits.iter().map(|split| Ok::<_, LabelError>(column(split)?.u32()?.clone())).collect();
        Ok(LabelTable {
            values: values?,
            split_codes: codes?,
            folds: if self.has_folds { Some(column(FOLD)?.i32()?.clone()) } else { None },
            split_names: self.parts.names,
            met: (0..count).map(|_| AtomicBool::new(false)).collect(),
            properties: self.properties,
            splits: self.splits,
            has_folds: self.has_folds,
            notes: self.notes,
            identifiers: self.identifiers,
        })
    }
}

/// Adds a table's columns to all identifiers; their order stays.
fn left_join(all: DataFrame, table: DataFrame) -> Result<DataFrame, LabelError> {
    // One table with every identifier, in their order, is the common case and needs no join.
    if is_aligned(&all, &table)? {
        let mut all = all;
        let columns: Vec<Series> =
            table.columns().iter().filter(|column| column.name() != KEY).cloned().collect();
        all.hstack_mut(&columns)?;
        return Ok(all);
    }
    let joined = all.lazy().join(table.lazy(), [col(KEY)], [col(KEY)], JoinArgs::new(JoinType::Left));
    // Sorting keeps the rows where their numbers say, whatever order a join likes.
    Ok(joined.sort([KEY], SortMultipleOptions::default()).collect()?)
}

fn is_aligned(all: &DataFrame, table: &DataFrame) -> Result<bool, LabelError> {
    Ok(all.height() == table.height() && all.column(KEY)?.equals(table.column(KEY)?))
}
