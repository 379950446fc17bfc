//! Predictions as a table: Parquet, CSV, JSON or JSON lines.
//!
//! | column | content |
//! |---|---|
//! | `material_id` | identifier of the crystal |
//! | `formula` | conventional formula, such as `NaCl` |
//! | `property` | the predicted property, by its column in a store |
//! | `unit` | unit of `prediction` and `deviation`, which is that of the target: `log10(GPa)`; `1` for pure numbers |
//! | `prediction` | the prediction, or the mean of several models |
//! | `deviation` | population standard deviation of several models; empty for a single one |
//! | `lower_90`, `upper_90` | ends of an interval that holds the values of 90 % of such crystals; empty without validation crystals that chose nothing |
//! | `untransformed` | `10^prediction`, only if the target is a decadic logarithm |

use std::borrow::Cow;
use std::io::{self, Write};
use std::iter::repeat_n;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use schemas::text::cell;
use schemas::{bounded, regular};
use serde::Serialize;

use crate::predict::model::Quantity;
use crate::table::{JsonRows, TableFormat, parquet_properties};

/// Description of a table in its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Weights files as given.
    pub weights: Vec<String>,
    /// The predicted quantity.
    pub quantity: Quantity,
}

/// Prediction for a crystal.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identifier.
    pub material_id: String,
    /// Conventional formula.
    pub formula: String,
    /// Prediction in the unit of the target.
    pub prediction: f64,
    /// Population standard deviation of several models, in the unit of the target.
    pub deviation: Option<f64>,
    /// Ends of the interval around the prediction, in the unit of the target.
    pub interval: Option<[f64; 2]>,
    /// The property itself, if the target is its logarithm.
    pub untransformed: Option<f64>,
}

/// A row in CSV and JSON, with the property and unit of the table.
#[derive(Debug, Serialize)]
struct Line<'a> {
    material_id: Cow<'a, str>,
    formula: Cow<'a, str>,
    property: Cow<'a, str>,
    unit: Cow<'a, str>,
    prediction: f64,
    deviation: Option<f64>,
    lower_90: Option<f64>,
    upper_90: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    untransformed: Option<f64>,
}

/// Writer of a table.
pub struct TableWriter<W: Write + Send> {
    writer: Writer<W>,
    quantity: Quantity,
}

enum Writer<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Csv(Box<csv::Writer<W>>),
    Json(JsonRows<W>),
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(out: W, format: TableFormat, description: &Description) -> io::Result<Self> {
        let quantity = description.quantity.clone();
        let writer = match format {
            TableFormat::Parquet => {
                let rows = ArrowWriter::try_new(out, schema(&quantity), Some(properties(description)?))?;
                Writer::Parquet(Box::new(rows))
            }
            TableFormat::Csv => Writer::Csv(Box::new(csv::Writer::from_writer(out))),
            TableFormat::Json => Writer::Json(JsonRows::new(out, false)?),
            TableFormat::JsonLines => Writer::Json(JsonRows::new(out, true)?),
        };
        Ok(Self { writer, quantity })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&mut self, rows: &[Row]) -> io::Result<()> {
        let Self { writer, quantity } = self;
        match writer {
            Writer::Parquet(writer) => writer.write(&batch(rows, quantity)?)?,
            Writer::Csv(writer) => {
                rows.iter().try_for_each(|row| writer.serialize(line(row, quantity, cell)))?
            }
            Writer::Json(writer) => {
                rows.iter().try_for_each(|row| writer.write(&line(row, quantity, Cow::Borrowed)))?;
            }
        }
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(self) -> io::Result<()> {
        match self.writer {
            Writer::Parquet(rows) => Ok(rows.close().map(drop)?),
            Writer::Csv(mut rows) => rows.flush(),
            Writer::Json(rows) => rows.finish(),
        }
    }
}

/// First columns of every table.
const FIRST_COLUMNS: [&str; 4] = ["material_id", "formula", "property", "unit"];

/// Whether a file is a table of predictions: it has their first columns.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn is_table(path: &Path, format: TableFormat) -> io::Result<bool> {
    let begins = |beginning: &str| bounded::begins_with(path, beginning.as_bytes());
    let [first, ..] = FIRST_COLUMNS;
    match format {
        TableFormat::Parquet => {
            let Ok(reader) = SerializedFileReader::new(regular::open(path)?) else { return Ok(false) };
            let columns = reader.metadata().file_metadata().schema_descr().columns();
            Ok(columns.iter().map(|column| column.name()).take(FIRST_COLUMNS.len()).eq(FIRST_COLUMNS))
        }
        TableFormat::Csv => begins(&FIRST_COLUMNS.join(",")),
        TableFormat::Json => begins(&format!("[\n{{\"{first}\":")),
        TableFormat::JsonLines => begins(&format!("{{\"{first}\":")),
    }
}

/// Adds property and unit to a row. `text` escapes a text for the format.
fn line<'a>(row: &'a Row, quantity: &'a Quantity, text: fn(&'a str) -> Cow<'a, str>) -> Line<'a> {
    Line {
        material_id: text(&row.material_id),
        formula: text(&row.formula),
        property: text(&quantity.property),
        unit: text(&quantity.unit),
        prediction: row.prediction,
        deviation: row.deviation,
        lower_90: row.interval.map(|[lower, _]| lower),
        upper_90: row.interval.map(|[_, upper]| upper),
        untransformed: row.untransformed,
    }
}

/// Returns the columns of the Parquet table.
fn schema(quantity: &Quantity) -> Arc<Schema> {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let mut fields = vec![
        text("material_id"),
        text("formula"),
        text("property"),
        text("unit"),
        Field::new("prediction", DataType::Float64, false),
        Field::new("deviation", DataType::Float64, true),
        Field::new("lower_90", DataType::Float64, true),
        Field::new("upper_90", DataType::Float64, true),
    ];
    if quantity.log10 {
        fields.push(Field::new("untransformed", DataType::Float64, false));
    }
    Arc::new(Schema::new(fields))
}

/// Returns the metadata of the Parquet table.
fn properties(description: &Description) -> io::Result<WriterProperties> {
    let Description { weights, quantity: Quantity { task, property, unit, log10 } } = description;
    Ok(parquet_properties([
        ("weights", serde_json::to_string(weights)?),
        ("task", task.clone()),
        ("property", property.clone()),
        ("unit", unit.clone()),
        ("transform", if *log10 { "log10" } else { "none" }.to_owned()),
    ]))
}

/// Returns rows as columns of the Parquet table.
fn batch(rows: &[Row], quantity: &Quantity) -> io::Result<RecordBatch> {
    let constant =
        |text: &String| -> ArrayRef { Arc::new(StringArray::from_iter_values(repeat_n(text, rows.len()))) };
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.material_id))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.formula))),
        constant(&quantity.property),
        constant(&quantity.unit),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.prediction))),
        Arc::new(rows.iter().map(|row| row.deviation).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.interval.map(|[lower, _]| lower)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.interval.map(|[_, upper]| upper)).collect::<Float64Array>()),
    ];
    if quantity.log10 {
        columns.push(Arc::new(rows.iter().map(|row| row.untransformed).collect::<Float64Array>()));
    }
    RecordBatch::try_new(schema(quantity), columns).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
