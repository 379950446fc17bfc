//! An error of a row, and the values and comparisons that lead to it.

use std::fmt;

use arrow::array::{ArrayRef, AsArray};
use schemas::view::CrystalBatch;

/// An error of a row: the column or check, the expected value and the value found.
pub(super) type Fault = (String, String, String);

/// Creates an error of a column.
pub(super) fn fault(check: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Fault {
    (check.to_owned(), expected.to_string(), found.to_string())
}

/// Returns the list in a row of a column, or `None` if there is no such column of lists.
pub(super) fn list_at(batch: &CrystalBatch, row: usize, name: &str) -> Option<ArrayRef> {
    Some(batch.column(name)?.as_list_opt::<i32>()?.value(row))
}

/// Whether a number differs from the expected one by more than rounding errors.
pub(super) fn deviates(found: f64, expected: f64, relative: f64) -> bool {
    let is_near = (found - expected).abs() <= relative * expected.abs().max(1.0);
    // The negation makes NaN deviate too.
    !is_near
}
