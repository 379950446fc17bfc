//! The columns of the input: identifier, text and properties.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Schema};
use arrow::record_batch::RecordBatch;

use schemas::property::{PropertyKind, by_column};

use super::WorkerError;
use crate::source::{PropertyColumn, assign_columns};

/// Name of the column with the identifiers.
pub const ID_COLUMN: &str = "id";
/// Name of the column with the texts of the entries.
pub const TEXT_COLUMN: &str = "text";
/// Qualifier of the properties' keys. The columns are named like those of a table.
const QUALIFIER: &str = "table";
/// Name of the stream in messages.
pub(super) const INPUT_NAME: &str = "stdin";

/// Indices of the columns in the input.
#[derive(Debug)]
pub(super) struct InputColumns {
    id: usize,
    text: usize,
    labels: Vec<usize>,
    /// The properties of the store, in the order of the columns.
    pub properties: Vec<PropertyColumn>,
}

impl InputColumns {
    /// Finds the columns of a stream.
    ///
    /// # Errors
    /// Returns [`WorkerError::Column`] for a column that is missing or of an unsupported type, and
    /// [`WorkerError::Source`] for two columns that would be the same property.
    pub(super) fn new(schema: &Schema) -> Result<Self, WorkerError> {
        let find = |name: &str, allowed: &[DataType]| {
            let names = || schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
            let fault = |problem| WorkerError::Column { column: name.to_owned(), problem };
            let Some((at, field)) = schema.column_with_name(name) else {
                return Err(fault(format!("is missing; there are {}", names().join(", "))));
            };
            if allowed.contains(field.data_type()) {
                return Ok(at);
            }
            let allowed: Vec<String> = allowed.iter().map(DataType::to_string).collect();
            Err(fault(format!("is {}, not {}", field.data_type(), allowed.join(" or "))))
        };
        use DataType::{Binary, Boolean, LargeBinary, LargeUtf8, Utf8};
        let id = find(ID_COLUMN, &[Utf8, LargeUtf8])?;
        let text = find(TEXT_COLUMN, &[Utf8, LargeUtf8, Binary, LargeBinary])?;
        let (mut labels, mut keys, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        for (at, field) in schema.fields().iter().enumerate().filter(|(at, _)| *at != id && *at != text) {
            kinds.push(match field.data_type() {
                Boolean => PropertyKind::Boolean,
                number if number.is_numeric() => PropertyKind::Number,
                other => {
                    let problem = format!("is {other}, neither a number nor a boolean: no property");
                    return Err(WorkerError::Column { column: field.name().clone(), problem });
                }
            });
            labels.push(at);
            keys.push(field.name().clone());
        }
        let mut properties = assign_columns(INPUT_NAME, QUALIFIER, "", keys)?;
        for (property, kind) in properties.iter_mut().zip(kinds) {
            property.kind = kind;
            if kind == PropertyKind::Boolean && by_column(&property.column).is_some() {
                let problem = "is Boolean, but this property is documented as a number".to_owned();
                return Err(WorkerError::Column { column: property.key.clone(), problem });
            }
        }
        Ok(Self { id, text, labels, properties })
    }

    /// Returns the values of a batch.
    ///
    /// # Errors
    /// Returns an [`arrow::error::ArrowError`] if a column cannot be cast, which is an internal error.
    pub(super) fn rows(&self, batch: &RecordBatch) -> Result<InputRows, arrow::error::ArrowError> {
        let labels = self.labels.iter().map(|at| {
            let numbers = cast(batch.column(*at), &DataType::Float64)?;
            Ok(numbers.as_primitive::<Float64Type>().clone())
        });
        Ok(InputRows {
            ids: cast(batch.column(self.id), &DataType::LargeUtf8)?,
            texts: cast(batch.column(self.text), &DataType::LargeBinary)?,
            labels: labels.collect::<Result<_, arrow::error::ArrowError>>()?,
        })
    }
}

/// The rows of one batch.
#[derive(Debug)]
pub(super) struct InputRows {
    ids: ArrayRef,
    texts: ArrayRef,
    labels: Vec<Float64Array>,
}

impl InputRows {
    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns the identifier of a row, without surrounding white space.
    pub(super) fn id(&self, row: usize) -> Option<&str> {
        let ids = self.ids.as_string_opt::<i64>()?;
        ids.is_valid(row).then(|| ids.value(row).trim())
    }

    /// Returns the text of a row.
    pub(super) fn text(&self, row: usize) -> Option<&[u8]> {
        let texts = self.texts.as_binary_opt::<i64>()?;
        texts.is_valid(row).then(|| texts.value(row))
    }

    /// Returns the properties of a row. Values that are not finite are missing, as in a table.
    pub(super) fn properties(&self, row: usize) -> impl Iterator<Item = Option<f64>> {
        let value = move |column: &Float64Array| column.is_valid(row).then(|| column.value(row));
        self.labels.iter().map(move |column| value(column).filter(|value| value.is_finite()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;

    fn schema(columns: &[(&str, DataType)]) -> Schema {
        Schema::new(
            columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn numbers_and_booleans_are_properties_by_name() {
        let columns = [
            ("is metal", DataType::Boolean),
            ("e", DataType::Float32),
            ("text", DataType::Binary),
            ("band_gap", DataType::Int32),
            ("id", DataType::Utf8),
        ];
        let columns = InputColumns::new(&schema(&columns)).expect("good columns");
        let names: Vec<_> = columns.properties.iter().map(|property| property.column.as_str()).collect();
        assert_eq!(names, ["is_metal", "e", "band_gap_ev"]);
        let kinds: Vec<_> = columns.properties.iter().map(|property| property.kind).collect();
        assert_eq!(kinds, [PropertyKind::Boolean, PropertyKind::Number, PropertyKind::Number]);
    }

    #[test]
    fn other_columns_are_refused_by_name() {
        let refused = |columns: &[(&str, DataType)]| {
            InputColumns::new(&schema(columns)).expect_err("a column is at fault").to_string()
        };
        let id = ("id", DataType::Utf8);
        assert_eq!(refused(std::slice::from_ref(&id)), "column 'text' of the input is missing; there are id");
        let text = ("text", DataType::Utf8);
        let message = refused(&[("id", DataType::Int64), text.clone()]);
        assert_eq!(message, "column 'id' of the input is Int64, not Utf8 or LargeUtf8");
        let message = refused(&[id.clone(), text.clone(), ("split", DataType::Utf8)]);
        assert_eq!(
            message,
            "column 'split' of the input is Utf8, neither a number nor a boolean: no property"
        );
        let message = refused(&[id.clone(), text.clone(), ("band_gap", DataType::Boolean)]);
        assert!(message.ends_with("is Boolean, but this property is documented as a number"), "{message}");
        let (first, second) = (("a b", DataType::Int8), ("a-b", DataType::Int8));
        assert!(refused(&[id, text, first, second]).contains("would both be the column a_b"));
    }
}
