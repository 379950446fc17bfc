//! In place of the filters, which polars evaluates: none.

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;

/// A filter, none of which is understood.
#[derive(Debug, thiserror::Error)]
#[error("filter '{0}': there are no filters here")]
pub struct FilterError(String);

/// A filter that cannot be.
#[derive(Debug, Clone)]
pub enum Filter {}

impl Filter {
    /// Refuses every filter.
    ///
    /// # Errors
    /// [`FilterError`], always.
    pub fn new(text: &str, _: &Schema) -> Result<Self, FilterError> {
        Err(FilterError(text.to_owned()))
    }

    /// The filter as given.
    pub fn text(&self) -> &str {
        match *self {}
    }

    /// Whether each row passes.
    ///
    /// # Errors
    /// None.
    pub fn matches(&self, _: &RecordBatch) -> Result<Vec<bool>, FilterError> {
        match *self {}
    }
}
