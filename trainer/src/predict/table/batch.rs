//! Rows of predictions as record batches, for Parquet.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::cells::{Cell, CellKind, Column, cells};
use super::row::Row;
use crate::predict::model::Quantity;

/// Returns the schema of the Parquet table.
pub(super) fn schema(columns: &[Column]) -> Arc<Schema> {
    let field = |Column { name, kind, is_nullable }: &Column| {
        let data_type = match kind {
            CellKind::Text => DataType::Utf8,
            CellKind::Number => DataType::Float64,
            CellKind::Count => DataType::UInt64,
            CellKind::Flag => DataType::Boolean,
        };
        Field::new(name, data_type, *is_nullable)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Returns predictions as a record batch with the given columns and a row for each prediction.
pub(super) fn batch(rows: &[Row], quantity: &Quantity, columns: &[Column]) -> io::Result<RecordBatch> {
    let rows: Vec<Vec<Cell<'_>>> = rows.iter().map(|row| cells(row, quantity, Cow::Borrowed)).collect();
    let column = |(index, column): (usize, &Column)| -> ArrayRef {
        let cells = rows.iter().map(|row| row.get(index));
        match column.kind {
            CellKind::Text => Arc::new(cells.map(text_of).collect::<StringArray>()),
            CellKind::Number => Arc::new(cells.map(number_of).collect::<Float64Array>()),
            CellKind::Count => Arc::new(cells.map(count_of).collect::<UInt64Array>()),
            CellKind::Flag => Arc::new(cells.map(flag_of).collect::<BooleanArray>()),
        }
    };
    let arrays = columns.iter().enumerate().map(column).collect();
    RecordBatch::try_new(schema(columns), arrays).map_err(io::Error::other)
}

fn text_of<'a>(cell: Option<&'a Cell<'_>>) -> Option<&'a str> {
    if let Some(Cell::Text(text)) = cell { text.as_deref() } else { None }
}

fn number_of(cell: Option<&Cell<'_>>) -> Option<f64> {
    if let Some(Cell::Number(number)) = cell { *number } else { None }
}

fn count_of(cell: Option<&Cell<'_>>) -> Option<u64> {
    if let Some(Cell::Count(count)) = cell { Some(*count) } else { None }
}

fn flag_of(cell: Option<&Cell<'_>>) -> Option<bool> {
    if let Some(Cell::Flag(flag)) = cell { *flag } else { None }
}
