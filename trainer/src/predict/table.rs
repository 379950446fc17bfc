//! Predictions as a table: Parquet, CSV, JSON or JSON lines.
//!
//! Of numbers there is a row for each crystal and property:
//!
//! | column | content |
//! |---|---|
//! | `material_id` | identifier of the crystal |
//! | `formula` | conventional formula, such as `NaCl` |
//! | `property` | the predicted property, by its column in a store |
//! | `unit` | unit of the property and of all its numbers but `transformed`; `1` for pure numbers |
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

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use schemas::text::cell;
use schemas::{bounded, regular};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::predict::model::Quantity;
use crate::report::classes::{most_probable, probability_columns};
use crate::table::{JsonRows, TableFormat, parquet_properties};
use crate::task::{TargetColumn, Transform};

/// Description of a table in its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Weights files as given.
    pub weights: Vec<String>,
    /// The predicted quantity.
    pub quantity: Quantity,
}

/// Prediction for a crystal, or for one of its sites.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identifier.
    pub material_id: String,
    /// Conventional formula.
    pub formula: String,
    /// The site, if its number is predicted.
    pub site: Option<Site>,
    /// What is predicted.
    pub answer: Answer,
    /// How the crystal compares with the training crystals, if they are recorded.
    pub domain: Option<DomainRow>,
}

impl Row {
    /// Whether it is the first row of its crystal.
    pub(super) fn begins_crystal(&self) -> bool {
        let is_first = self.site.is_none_or(|site| site.index == 0);
        is_first && !matches!(&self.answer, Answer::Number(number) if number.target > 0)
    }
}

/// A site of a crystal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Index in the crystal, from 0.
    pub index: usize,
    /// Symbol of its element.
    pub element: &'static str,
}

/// How a crystal compares with the training crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainRow {
    /// Domain distance: 1 is usual among the training crystals.
    pub distance: f64,
    /// Symbols of the elements that no training crystal holds, separated by spaces.
    pub unseen_elements: String,
    /// Whether the crystal is unlike the training crystals.
    pub is_outside: bool,
}

/// A predicted number or class.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A number.
    Number(PredictedNumber),
    /// A class.
    Class {
        /// Probabilities of the classes, `[K]`.
        probabilities: Vec<f64>,
        /// Population standard deviation of several models' probabilities of the predicted class.
        deviation: Option<f64>,
    },
}

/// A predicted number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictedNumber {
    /// Index of the target.
    pub target: usize,
    /// Prediction in the unit of the property.
    pub prediction: f64,
    /// Population standard deviation of several models, in the unit of the property.
    pub deviation: Option<f64>,
    /// Ends of the interval around the prediction, in the unit of the property.
    pub interval: Option<[f64; 2]>,
    /// Prediction in the unit of the target, if that is transformed.
    pub transformed: Option<f64>,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    kind: CellKind,
    is_nullable: bool,
}

/// Type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Text,
    Number,
    Count,
    Flag,
}

/// A value of the table.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Cell<'a> {
    Text(Option<Cow<'a, str>>),
    Number(Option<f64>),
    Count(u64),
    Flag(Option<bool>),
}

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

/// Whether a target of a quantity is transformed.
fn is_transformed(quantity: &Quantity) -> bool {
    quantity.targets.iter().any(|target| target.transform != Transform::None)
}

/// Returns the columns of a table.
fn columns(quantity: &Quantity) -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind, is_nullable: false };
    let text = |name: &str| column(name, CellKind::Text);
    let number = |name: &str| column(name, CellKind::Number);
    let optional = |name: &str| Column { is_nullable: true, ..number(name) };
    let domain = [
        ("domain_distance", CellKind::Number),
        ("unseen_elements", CellKind::Text),
        ("out_of_domain", CellKind::Flag),
    ];
    let domain = domain.map(|(name, kind)| Column { is_nullable: true, ..column(name, kind) });
    let mut columns = vec![text("material_id"), text("formula"), text("property")];
    if quantity.per_site {
        columns.extend([column("site", CellKind::Count), text("element")]);
    }
    if !quantity.classes.is_empty() {
        columns.extend([text("prediction"), number("confidence"), optional("deviation")]);
        columns.extend(probability_columns(&quantity.classes).iter().map(|name| number(name)));
        columns.extend(domain);
        return columns;
    }
    columns.extend([text("unit"), number("prediction")]);
    columns.extend(["deviation", "lower_90", "upper_90"].map(optional));
    if is_transformed(quantity) {
        columns.push(optional("transformed"));
    }
    columns.extend(domain);
    columns
}

/// Returns the values of a row. `text` escapes a text for the format.
fn cells<'a>(row: &'a Row, quantity: &'a Quantity, text: fn(&'a str) -> Cow<'a, str>) -> Vec<Cell<'a>> {
    let text = |content: &'a str| Cell::Text(Some(text(content)));
    let mut cells = vec![text(&row.material_id), text(&row.formula)];
    match &row.answer {
        Answer::Number(number) => {
            let target = quantity.targets.get(number.target);
            let property = target.map_or("", |target| &target.property);
            let unit = target.map_or("", |target| &target.unit);
            let [lower, upper] = [0, 1].map(|end| number.interval.map(|interval| interval[end]));
            cells.push(text(property));
            if let Some(Site { index, element }) = row.site {
                cells.extend([Cell::Count(index as u64), text(element)]);
            }
            cells.push(text(unit));
            cells.extend([Some(number.prediction), number.deviation, lower, upper].map(Cell::Number));
            if is_transformed(quantity) {
                cells.push(Cell::Number(number.transformed));
            }
        }
        Answer::Class { probabilities, deviation } => {
            let predicted = most_probable(probabilities);
            let property = quantity.targets.first().map_or("", |target| &target.property);
            let class = quantity.classes.get(predicted).map_or("", String::as_str);
            cells.extend([property, class].map(text));
            cells.extend([probabilities.get(predicted).copied(), *deviation].map(Cell::Number));
            cells.extend(probabilities.iter().map(|probability| Cell::Number(Some(*probability))));
        }
    }
    let domain = row.domain.as_ref();
    cells.push(Cell::Number(domain.map(|domain| domain.distance)));
    cells.push(domain.map_or(Cell::Text(None), |domain| text(&domain.unseen_elements)));
    cells.push(Cell::Flag(domain.map(|domain| domain.is_outside)));
    cells
}

/// Returns the schema of the Parquet table.
fn schema(columns: &[Column]) -> Arc<Schema> {
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

/// Returns the metadata of the Parquet table. Those of several properties are separated by commas.
fn properties(description: &Description) -> io::Result<WriterProperties> {
    let Description { weights, quantity: Quantity { task, targets, classes, .. } } = description;
    let joined = |of: fn(&TargetColumn) -> &str| targets.iter().map(of).collect::<Vec<_>>().join(",");
    let mut entries = vec![
        ("weights", serde_json::to_string(weights)?),
        ("task", task.clone()),
        ("property", joined(|target| &target.property)),
        ("unit", joined(|target| &target.unit)),
        ("transform", joined(|target| target.transform.name())),
    ];
    if !classes.is_empty() {
        entries.push(("classes", serde_json::to_string(classes)?));
    }
    Ok(parquet_properties(entries))
}

/// Returns rows as columns of the Parquet table.
fn batch(rows: &[Row], quantity: &Quantity, columns: &[Column]) -> io::Result<RecordBatch> {
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

#[cfg(test)]
mod tests;
