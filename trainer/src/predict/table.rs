//! Predictions as a table: Parquet, CSV, JSON or JSON lines.
//!
//! Of numbers there is a row for each crystal and property:
//!
//! | column | content |
//! |---|---|
//! | `material_id` | identifier of the crystal |
//! | `formula` | conventional formula, such as `NaCl` |
//! | `property` | the predicted property, by its column in a store |
//! | `unit` | unit of the property and of all its numbers but `transformed`; `1` for pure numbers, empty if it is not known |
//! | `prediction` | the prediction, or the mean of several models |
//! | `deviation` | population standard deviation of several models; empty for a single one |
//! | `lower_90`, `upper_90` | ends of an interval that is to hold the true value for 90 % of new crystals; empty unless every model has predictions for a validation part that chose neither weights, rates nor the end of its training |
//! | `transformed` | the model's target, such as the decadic logarithm of `prediction`; only if a target is transformed |
//!
//! Of numbers of the sites there is a row for each site, with two columns after `property`:
//!
//! | column | content |
//! |---|---|
//! | `site` | index of the site, from 0, in the order of the store or file |
//! | `element` | symbol of its element |
//!
//! Several models are averaged in the unit of the target: where the target is a logarithm, `prediction` is their geometric
//! mean in the unit of the property.
//!
//! Of classes there is a row for each crystal, with `material_id`, `formula`, `property` and:
//!
//! | column | content |
//! |---|---|
//! | `prediction` | name of the most probable class |
//! | `confidence` | its probability, the mean of several models; calibrated if every model has such predictions for a validation part |
//! | `deviation` | population standard deviation of several models; empty for a single one |
//! | `probability_CLASS` | probability of each class |
//!
//! All rows end with three columns, which are empty for weights without a record of their training crystals:
//!
//! | column | content |
//! |---|---|
//! | `domain_distance` | distance from the nearest training crystal by the model's embedding and the composition, divided by the median of that distance among the training crystals; the mean of several models |
//! | `unseen_elements` | symbols of the elements that no training crystal holds, separated by spaces |
//! | `out_of_domain` | whether there are such elements, or the distance is larger than that of 95 % of the training crystals |

mod batch;
mod cells;
mod description;
mod row;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use parquet::arrow::ArrowWriter;
use parquet::file::reader::{FileReader, SerializedFileReader};
use schemas::text::cell;
use schemas::{bounded, regular};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use self::batch::{batch, schema};
use self::cells::{Cell, Column, cells, columns};
pub use self::description::Description;
use self::description::properties;
pub use self::row::{Answer, DomainRow, PredictedNumber, Row, Site};
use crate::predict::model::Quantity;
use crate::table::{JsonRows, TableFormat};

/// A row in JSON: its values by the names of their columns.
struct Line<'a>(&'a [Column], Vec<Cell<'a>>);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(columns, cells) = self;
        let mut map = serializer.serialize_map(Some(cells.len()))?;
        for (column, cell) in columns.iter().zip(cells) {
            map.serialize_entry(&column.name, cell)?;
        }
        map.end()
    }
}

/// Writer of a table.
pub struct TableWriter<W: Write + Send> {
    writer: Writer<W>,
    quantity: Quantity,
    columns: Vec<Column>,
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
        let columns = columns(&quantity);
        let writer = match format {
            TableFormat::Parquet => {
                let rows = ArrowWriter::try_new(out, schema(&columns), Some(properties(description)?))?;
                Writer::Parquet(Box::new(rows))
            }
            TableFormat::Csv => {
                let mut rows = csv::Writer::from_writer(out);
                rows.write_record(columns.iter().map(|column| &column.name))?;
                Writer::Csv(Box::new(rows))
            }
            TableFormat::Json => Writer::Json(JsonRows::new(out, false)?),
            TableFormat::JsonLines => Writer::Json(JsonRows::new(out, true)?),
        };
        Ok(Self { writer, quantity, columns })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&mut self, rows: &[Row]) -> io::Result<()> {
        let Self { writer, quantity, columns } = self;
        match writer {
            Writer::Parquet(writer) => writer.write(&batch(rows, quantity, columns)?)?,
            Writer::Csv(writer) => {
                rows.iter().try_for_each(|row| writer.serialize(cells(row, quantity, cell)))?;
            }
            Writer::Json(writer) => {
                let mut line = |row| writer.write(&Line(columns, cells(row, quantity, Cow::Borrowed)));
                rows.iter().try_for_each(&mut line)?;
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
const FIRST_COLUMNS: [&str; 3] = ["material_id", "formula", "property"];

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
        TableFormat::Csv => begins(&(FIRST_COLUMNS.join(",") + ",")),
        TableFormat::Json => begins(&format!("[\n{{\"{first}\":")),
        TableFormat::JsonLines => begins(&format!("{{\"{first}\":")),
    }
}

#[cfg(test)]
mod tests;
