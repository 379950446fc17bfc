//! Properties, splits and folds of crystals.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int8Type, Schema};
use schemas::property::PropertyKind;
use schemas::store::{LabelKind, label_kind};

/// Name of the column with the test folds.
const FOLD: &str = "fold";

/// A value of a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// A property.
    Number(f64),
    /// A property that is true or false.
    Flag(bool),
    /// The index of a test fold.
    Fold(i8),
    /// The part of a split, or a class.
    Part(&'a str),
    /// Numbers of the sites, `[nsites]`.
    Sites(&'a [f64]),
}

impl Value<'_> {
    /// Returns the value as one of a column of a kind: stores hold booleans as numbers.
    pub(super) fn of_kind(self, kind: Option<LabelKind>) -> Self {
        match (self, kind) {
            (Self::Number(number), Some(LabelKind::Property(PropertyKind::Boolean))) => {
                Self::Flag(number != 0.0)
            }
            (value, _) => value,
        }
    }
}

/// The labels of one crystal: each name with its value, which may be missing.
pub(super) type Labels<'a> = [(&'a str, Option<Value<'a>>)];

/// Returns the names of the label columns of a store: splits, folds and properties, in the order of the shards. The column
/// `split` restates the only split and is not among them.
pub(super) fn label_columns(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter().filter(|field| field.name() == FOLD || label_kind(field).is_some());
    fields.map(|field| field.name().clone()).collect()
}

/// Returns the value of a label column in a row. A number that is not finite is missing, and so is a list with one.
pub(super) fn value(column: &ArrayRef, row: usize) -> Option<Value<'_>> {
    if column.is_null(row) {
        return None;
    }
    if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
        Some(numbers.value(row)).filter(|number| number.is_finite()).map(Value::Number)
    } else if let Some(folds) = column.as_primitive_opt::<Int8Type>() {
        Some(Value::Fold(folds.value(row)))
    } else if let Some(lists) = column.as_list_opt::<i32>() {
        let numbers = lists.values().as_primitive_opt::<Float64Type>()?.values();
        let (start, end) = (lists.value_offsets().get(row)?, lists.value_offsets().get(row + 1)?);
        let numbers = numbers.get(usize::try_from(*start).ok()?..usize::try_from(*end).ok()?)?;
        numbers.iter().all(|number| number.is_finite()).then_some(Value::Sites(numbers))
    } else {
        column.as_string_opt::<i32>().map(|parts| Value::Part(parts.value(row)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int8Array, ListArray, StringArray};
    use schemas::property::{PropertyColumn, PropertyKind};
    use schemas::store::shard_schema;

    use super::*;

    #[test]
    fn labels_are_splits_folds_and_properties() {
        let phase = PropertyColumn { kind: PropertyKind::Class, ..PropertyColumn::number("phase", "phase") };
        let properties = [PropertyColumn::number("band_gap_ev", "gap"), phase];
        let schema = shard_schema(&["split_x".to_owned()], &properties);
        assert_eq!(label_columns(&schema), ["fold", "split_x", "band_gap_ev", "phase"]);
    }

    #[test]
    fn values_that_say_nothing_are_missing() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN)]));
        assert_eq!([0, 1, 2].map(|row| value(&numbers, row)), [Some(Value::Number(1.5)), None, None]);
        let folds: ArrayRef = Arc::new(Int8Array::from(vec![Some(3)]));
        let parts: ArrayRef = Arc::new(StringArray::from(vec!["val"]));
        assert_eq!(value(&folds, 0), Some(Value::Fold(3)));
        assert_eq!(value(&parts, 0), Some(Value::Part("val")));
        let lists = vec![Some(vec![Some(1.0)]), None, Some(vec![Some(2.0), Some(-0.5)])];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists));
        assert_eq!([1, 2].map(|row| value(&lists, row)), [None, Some(Value::Sites(&[2.0, -0.5]))]);
        let boolean = Some(LabelKind::Property(PropertyKind::Boolean));
        assert_eq!(
            [0.0, 1.0].map(|number| Value::Number(number).of_kind(boolean)),
            [false, true].map(Value::Flag)
        );
        assert_eq!(Value::Fold(1).of_kind(boolean), Value::Fold(1));
    }
}
