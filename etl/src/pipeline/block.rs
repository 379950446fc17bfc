//! What blocks of records are processed with, and what becomes of them.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use schemas::part::Part;
use schemas::settings::FeatureSettings;

use super::bounds::Bounds;
use super::source_properties::SourceProperties;
use crate::filter::Filter;
use crate::labels::LabelTable;
use crate::reject::{Note, Origin, Reject};
use crate::source::ParserFactory;

/// The shared parameters of processing blocks.
pub(crate) struct Recipe {
    /// Creates the parser of a thread.
    pub parser: ParserFactory,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Schema of the rows.
    pub schema: SchemaRef,
    /// Value of the `source` column.
    pub source: String,
    /// Properties of the source itself.
    pub source_properties: SourceProperties,
    /// The labels of all crystals.
    pub labels: Arc<LabelTable>,
    /// Limits for single crystals.
    pub bounds: Bounds,
    /// Filters on the finished rows.
    pub filters: Arc<[Filter]>,
    /// The part whose entries are kept. Entries of other parts are ignored.
    pub part: Option<Part>,
    /// Whether to look for space groups.
    pub space_groups: bool,
}

/// The rows and rejects of one block.
#[derive(Debug, Default)]
pub(crate) struct ProcessedBlock {
    /// Index of the block in the input, counted from 0.
    pub number: u64,
    /// The rows in order.
    pub batches: Vec<RecordBatch>,
    /// Origin of every row.
    pub origins: Vec<Origin>,
    /// The rejected entries in order.
    pub rejects: Vec<Reject>,
    /// Remarks about entries in order.
    pub notes: Vec<Note>,
}

impl ProcessedBlock {
    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}
