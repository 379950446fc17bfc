//! Predictions as a table: Parquet, CSV, JSON or JSON lines.
//!
//! | column | |
//! |---|---|
//! | `material_id` | identifier of the crystal |
//! | `prediction` | in the target's unit; the mean of several models |
//! | `deviation` | population standard deviation of several models, in the target's unit; empty for one |
//! | `untransformed` | `10^prediction`, only where the target is a decadic logarithm |

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::Serialize;

use crate::predict::error::PredictError;
use crate::predict::model::Quantity;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Parquet, compressed with zstd; what was predicted, and by which weights, is in its metadata.
    Parquet,
    /// CSV with a header.
    Csv,
    /// One JSON array with an object a line.
    Json,
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// The format that a table's name ends in.
    ///
    /// # Errors
    /// [`PredictError::Format`] for any other ending.
    pub fn of(path: &Path) -> Result<Self, PredictError> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("jsonl") => Ok(Self::JsonLines),
            _ => Err(PredictError::Format { path: path.to_owned() }),
        }
    }
}

/// What a table says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Weights files as they were named.
    pub weights: Vec<String>,
    /// What was predicted.
    pub quantity: Quantity,
}

/// Predictions for one crystal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Identifier.
    pub material_id: String,
    /// In the target's unit.
    pub prediction: f64,
    /// Population standard deviation of several models, in the target's unit.
    pub deviation: Option<f64>,
    /// The property itself, where the target is its logarithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untransformed: Option<f64>,
}

/// A table being written.
pub struct TableWriter<W: Write + Send>(Writer<W>);

enum Writer<W: Write + Send> {
    Parquet { rows: Box<ArrowWriter<W>>, schema: Arc<Schema> },
    Csv(Box<csv::Writer<W>>),
    Json { out: W, empty: bool },
    JsonLines(W),
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(mut out: W, format: Format, description: &Description) -> io::Result<Self> {
        Ok(Self(match format {
            Format::Parquet => {
                let schema = schema(&description.quantity);
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_key_value_metadata(Some(metadata(description)?))
                    .build();
                let rows = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
                Writer::Parquet { rows: Box::new(rows), schema }
            }
            Format::Csv => Writer::Csv(Box::new(csv::Writer::from_writer(out))),
            Format::Json => {
                out.write_all(b"[")?;
                Writer::Json { out, empty: true }
            }
            Format::JsonLines => Writer::JsonLines(out),
        }))
    }

    /// Appends rows.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&mut self, rows: &[Row]) -> io::Result<()> {
        match &mut self.0 {
            Writer::Parquet { rows: writer, schema } => writer.write(&batch(rows, schema)?)?,
            Writer::Csv(writer) => rows.iter().try_for_each(|row| writer.serialize(row))?,
            Writer::Json { out, empty } => {
                for row in rows {
                    out.write_all(if *empty { b"\n" } else { b",\n" })?;
                    *empty = false;
                    serde_json::to_writer(&mut *out, row)?;
                }
            }
            Writer::JsonLines(out) => {
                for row in rows {
                    serde_json::to_writer(&mut *out, row)?;
                    out.write_all(b"\n")?;
                }
            }
        }
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Writer::Parquet { rows, .. } => {
                rows.close()?;
                Ok(())
            }
            Writer::Csv(mut rows) => rows.flush(),
            Writer::Json { mut out, .. } => out.write_all(b"\n]\n"),
            Writer::JsonLines(mut out) => out.flush(),
        }
    }
}

/// Columns of the Parquet table.
fn schema(quantity: &Quantity) -> Arc<Schema> {
    let mut fields = vec![
        Field::new("material_id", DataType::Utf8, false),
        Field::new("prediction", DataType::Float64, false),
        Field::new("deviation", DataType::Float64, true),
    ];
    if quantity.log10 {
        fields.push(Field::new("untransformed", DataType::Float64, false));
    }
    Arc::new(Schema::new(fields))
}

/// Key-value metadata of the Parquet table.
fn metadata(description: &Description) -> io::Result<Vec<KeyValue>> {
    let Description { weights, quantity: Quantity { task, property, unit, log10 } } = description;
    let transform = if *log10 { "log10" } else { "none" };
    let entry = |key: &str, value: &str| KeyValue::new(format!("mmpt.{key}"), value.to_owned());
    Ok(vec![
        entry("weights", &serde_json::to_string(weights)?),
        entry("task", task),
        entry("property", property),
        entry("unit", unit),
        entry("transform", transform),
    ])
}

/// Rows as columns.
fn batch(rows: &[Row], schema: &Arc<Schema>) -> io::Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.material_id))),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.prediction))),
        Arc::new(rows.iter().map(|row| row.deviation).collect::<Float64Array>()),
    ];
    if schema.fields().len() > columns.len() {
        columns.push(Arc::new(rows.iter().map(|row| row.untransformed).collect::<Float64Array>()));
    }
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
