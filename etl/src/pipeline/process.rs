//! Conversion of a block of raw records into rows.

use std::sync::Arc;

use super::block::{ProcessedBlock, Recipe};
use super::error::BuildError;
use super::rows::RowBuilder;
use crate::source::{RawBlock, RecordParser, Sink};

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
