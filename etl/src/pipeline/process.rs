//! Conversion of a block of raw records into rows.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use schemas::part::Part;

use super::bounds::Bounds;
use super::error::BuildError;
use super::rows::RowBuilder;
use super::source_properties::SourceProperties;
use crate::filter::Filter;
use crate::labels::LabelTable;
use crate::reject::{Note, Origin, Reject};
use crate::source::{ParserFactory, RawBlock, RecordParser, Sink};

/// The shared parameters of processing blocks.
pub(crate) struct Recipe {
    /// Creates the parser of a thread.
    pub parser: ParserFactory,
    /// Settings of the features.
    pub settings: schemas::settings::FeatureSettings,
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

/// Buffers of a thread for processing blocks.
pub(super) struct BlockProcessor {
    parser: Box<dyn RecordParser>,
    rows: RowBuilder,
}

impl BlockProcessor {
    /// Creates the buffers of a thread.
    pub(super) fn new(recipe: &Arc<Recipe>) -> Self {
        Self { parser: (recipe.parser)(), rows: RowBuilder::new(Arc::clone(recipe)) }
    }

    /// Processes the block with the index `number` in the input, from 0.
    ///
    /// # Errors
    /// Returns a [`BuildError`] for errors of filters and columns. Errors of entries become rejects.
    pub(super) fn process(&mut self, number: u64, raw: &RawBlock) -> Result<ProcessedBlock, BuildError> {
        let mut early = raw.rejects.iter().peekable();
        let mut early_notes = raw.notes.iter().peekable();
        for (position, record) in raw.records.iter().enumerate() {
            while let Some((_, reject)) = early.next_if(|(before, _)| *before <= position) {
                self.rows.reject(reject.clone());
            }
            while let Some((_, note)) = early_notes.next_if(|(before, _)| *before <= position) {
                self.rows.note(note.clone());
            }
            if self.rows.begin_record(raw, record) {
                self.parser.parse(&raw.bytes, record, &mut self.rows);
                self.rows.end_record();
            }
        }
        early.for_each(|(_, reject)| self.rows.reject(reject.clone()));
        early_notes.for_each(|(_, note)| self.rows.note(note.clone()));
        Ok(ProcessedBlock { number, ..self.rows.take_block()? })
    }
}
