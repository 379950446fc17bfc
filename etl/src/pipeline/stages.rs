//! The pipeline's stages for crystals, see the `engine` module.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::record_batch::RecordBatch;
use schemas::manifest::ShardEntry;
use schemas::name::shard_name;

use super::arrange::{Arranger, Commit, SeenIds, Step};
use super::engine::{OUTPUT_PIECES_PER_THREAD, Stages};
use super::error::BuildError;
use super::inputs::InputHasher;
use super::journal::{Journal, RejectLog};
use super::process::{BlockProcessor, ProcessedBlock, Recipe};
use super::sorted::{Merger, SortKeys, write_run};
use super::{BuildProgress, Position};
use crate::labels::Fate;
use crate::reject::Reject;
use crate::shard::{EncodedRowGroup, ShardFormat, ShardWriter};
use crate::source::{RawBlock, RecordReader};

/// From so many columns on, a row group takes some ten megabytes for its properties alone: so few are in flight as
/// for one thread.
const WIDE_COLUMNS: usize = 1024;

/// Where rows come from: records that are still to be read, or sorted runs.
pub(super) enum Input {
    /// The source itself.
    Records {
        /// Cuts records out of the source.
        reader: Box<dyn RecordReader>,
        /// Hashes the inputs alongside.
        hasher: InputHasher,
    },
    /// Runs of rows that were processed before.
    Runs(Merger),
}

/// The input and how far it is read.
pub(super) struct Cursor {
    /// Where rows come from.
    pub input: Input,
    /// Number of the next block.
    pub next: u64,
    /// Blocks below this number were dealt with by the run that is resumed.
    pub resume_at: u64,
}

/// A block of either input.
#[derive(Default)]
pub(super) struct RawPiece {
    number: u64,
    block: RawBlock,
    merged: Option<RecordBatch>,
}

/// A step of the output, encoded.
pub(super) enum EncodedStep {
    Rejects(Vec<Reject>),
    RowGroup(EncodedRowGroup),
    /// A sorted run, to be written as it is.
    Run(Vec<RecordBatch>),
    EndFile,
    Commit(Commit),
}

/// Names and makes the files of a run.
pub(super) struct Output<'a> {
    /// Folder of the unfinished run.
    pub staging: &'a Path,
    /// Folder of the store.
    pub store: &'a Path,
    /// Format of the shards.
    pub format: &'a ShardFormat,
    /// First part of the shards' names.
    pub prefix: &'a str,
    /// Finished files of this pass, those of the resumed run included.
    pub files: usize,
    /// The file being written.
    pub open: Option<ShardWriter>,
    /// Files that are complete but not yet in the journal.
    pub complete: Vec<ShardEntry>,
    /// Notes of the run.
    pub journal: Journal,
    /// Rejects of the run.
    pub rejects: RejectLog,
    /// Whether rows come from the source; then the journal follows the source's blocks.
    pub from_source: bool,
    /// Whether the files are sorted runs.
    pub runs: bool,
}

/// Everything the threads share.
pub(super) struct CrystalStages<'a> {
    /// How blocks become rows.
    pub recipe: Arc<Recipe>,
    /// How rows are encoded.
    pub format: &'a ShardFormat,
    /// How rows are sorted.
    pub keys: &'a SortKeys,
    /// Set from outside to stop the run.
    pub cancel: &'a AtomicBool,
    /// Told how far the run is.
    pub progress: &'a dyn BuildProgress,
    /// Size of the inputs.
    pub total_bytes: u64,
    /// Folder of the store, for messages.
    pub store: PathBuf,
    /// Identifiers of the rows of the run that is resumed, where label tables are joined.
    pub kept_before: SeenIds,
    /// Whether the output is sorted runs: each is as large as memory allows, so one is made at a time.
    pub(crate) runs: bool,
}

impl<'a> Stages for CrystalStages<'a> {
    type Reader = Cursor;
    type Arranger = Arranger;
    type Writer = Output<'a>;
    type Worker = BlockProcessor;
    type Raw = RawPiece;
    type Processed = ProcessedBlock;
    type Arranged = Step;
    type Encoded = EncodedStep;
    type Error = BuildError;

    fn output_limit(&self, threads: usize) -> usize {
        match self.format.schema().fields().len() {
            _ if self.runs => 1,
            WIDE_COLUMNS.. => OUTPUT_PIECES_PER_THREAD,
            _ => OUTPUT_PIECES_PER_THREAD * threads,
        }
    }

    fn worker(&self) -> BlockProcessor {
        BlockProcessor::new(&self.recipe)
    }

    fn read(&self, cursor: &mut Cursor, piece: &mut RawPiece) -> Result<bool, BuildError> {
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(BuildError::Cancelled { store: self.store.clone() });
            }
            piece.number = cursor.next;
            let more = match &mut cursor.input {
                Input::Records { reader, hasher } => {
                    piece.block.clear();
                    let more = reader.read_block(&mut piece.block)?;
                    let bytes_read = reader.bytes_read();
                    hasher.advance(bytes_read)?;
                    let position = Position { bytes_read, total_bytes: self.total_bytes };
                    self.progress.position(position);
                    // The last block may come together with the end of the input.
                    more || !piece.block.is_empty()
                }
                Input::Runs(merger) => {
                    piece.merged = merger.next_batch()?;
                    piece.merged.is_some()
                }
            };
            cursor.next += 1;
            if !more || piece.number >= cursor.resume_at {
                return Ok(more);
            }
            // The rows themselves do not tell by what else they were found in label tables.
            for record in piece.block.records.iter().filter(|record| !record.alias.is_empty()) {
                let text = |range: &Range<usize>| {
                    String::from_utf8_lossy(piece.block.bytes.get(range.clone()).unwrap_or_default())
                };
                let is_kept = self.kept_before.contains(&text(&record.name));
                let fate = if is_kept { Fate::Kept } else { Fate::LeftOut };
                self.recipe.labels.mark(&text(&record.alias), fate);
            }
        }
    }

    fn is_large(&self, piece: &RawPiece) -> bool {
        piece.block.is_large()
    }

    fn process(
        &self,
        worker: &mut BlockProcessor,
        piece: &mut RawPiece,
    ) -> Result<ProcessedBlock, BuildError> {
        match piece.merged.take() {
            Some(batch) => {
                Ok(ProcessedBlock { number: piece.number, batches: vec![batch], ..Default::default() })
            }
            None => {
                let block = worker.process(piece.number, &piece.block);
                // Nothing of a large piece is kept until the next one is read into its buffers.
                piece.block.clear();
                block
            }
        }
    }

    fn arrange(
        &self,
        arranger: &mut Arranger,
        block: Option<ProcessedBlock>,
    ) -> Result<Vec<Step>, BuildError> {
        if let Some(block) = &block {
            self.progress.entries(block.rows() as u64, block.rejects.len() as u64);
        }
        arranger.arrange(block)
    }

    fn encode(&self, _: &mut BlockProcessor, step: Step) -> Result<EncodedStep, BuildError> {
        encode_step(self.format, self.keys, step)
    }

    fn write(&self, output: &mut Output<'a>, step: EncodedStep) -> Result<(), BuildError> {
        output.write(step)
    }
}

/// Encodes a step of the output.
///
/// # Errors
/// [`BuildError`] if the rows do not have the format's schema.
pub(super) fn encode_step(
    format: &ShardFormat,
    keys: &SortKeys,
    step: Step,
) -> Result<EncodedStep, BuildError> {
    Ok(match step {
        Step::Rejects(rejects) => EncodedStep::Rejects(rejects),
        Step::RowGroup(batches) => EncodedStep::RowGroup(format.encode(&batches)?),
        Step::SortedFile(batches) => EncodedStep::Run(keys.sort(&batches)?),
        Step::EndFile => EncodedStep::EndFile,
        Step::Commit(commit) => EncodedStep::Commit(commit),
    })
}

impl Output<'_> {
    /// Writes the next step of the output.
    ///
    /// # Errors
    /// [`BuildError`] if a file cannot be written.
    pub(super) fn write(&mut self, step: EncodedStep) -> Result<(), BuildError> {
        match step {
            EncodedStep::Rejects(rejects) => {
                rejects.iter().try_for_each(|reject| self.rejects.push(reject))?
            }
            EncodedStep::RowGroup(row_group) => {
                let mut shard = match self.open.take() {
                    Some(shard) => shard,
                    None => {
                        let path = self.store.join(shard_name(self.prefix, self.files));
                        self.format.create(self.staging, &path)?
                    }
                };
                shard.append(row_group)?;
                self.open = Some(shard);
            }
            EncodedStep::Run(batches) => {
                let run = write_run(self.staging, self.files, self.format.schema(), &batches)?;
                self.complete.push(run);
                self.files += 1;
            }
            EncodedStep::EndFile => {
                if let Some(shard) = self.open.take() {
                    self.complete.push(shard.finish()?);
                    self.files += 1;
                }
            }
            EncodedStep::Commit(commit) => self.commit(commit)?,
        }
        Ok(())
    }

    fn commit(&mut self, commit: Commit) -> Result<(), BuildError> {
        let journal = &mut self.journal;
        let files = if self.runs { &mut journal.runs } else { &mut journal.shards };
        files.append(&mut self.complete);
        if self.from_source {
            journal.blocks = commit.blocks;
            journal.counts = commit.counts;
            (journal.rejects_sha256, journal.rejects_bytes) = self.rejects.sync()?;
            journal.input_ended = commit.input_ended;
        } else {
            journal.merged_blocks = commit.blocks;
        }
        journal.write(self.staging)
    }
}
