//! The stages of the pipeline for crystals. See the `engine` module.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::record_batch::RecordBatch;
use schemas::manifest::ShardEntry;
use schemas::name::shard_name;

use super::arrange::{Arranger, Commit, SeenIds, Step};
use super::block::{ProcessedBlock, Recipe};
use super::engine::{Stages, default_limit};
use super::error::BuildError;
use super::inputs::InputHasher;
use super::journal::{Journal, RejectLog};
use super::process::BlockProcessor;
use super::progress::{BuildProgress, Position};
use super::sorted::{Merger, SortKeys, write_run};
use crate::labels::Fate;
use crate::reject::Reject;
use crate::shard::{EncodedRowGroup, ShardFormat, ShardWriter};
use crate::source::{RawBlock, RecordReader};

/// From this number of columns on, a row group takes some ten megabytes for its properties alone. Only as many are
/// then between the stages as for a single thread.
const WIDE_COLUMNS: usize = 1024;

/// What a pass of the stages reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// From the source into shards, in the order of the input.
    Shards,
    /// From the source into sorted runs.
    Runs,
    /// From sorted runs into shards.
    Merge,
}

/// Origin of the rows: records of the source, or sorted runs.
pub(super) enum Input<'a> {
    /// Records of the source.
    Records {
        /// Reads records from the source.
        reader: Box<dyn RecordReader>,
        /// Hashes the inputs.
        hasher: InputHasher,
    },
    /// Runs of rows that were processed before.
    Runs(Merger<'a>),
}

/// The input and the position in it.
pub(super) struct Cursor<'a> {
    /// Origin of the rows.
    pub input: Input<'a>,
    /// Index of the next block.
    pub next: u64,
    /// Blocks with a lower index were processed by the run that is resumed.
    pub resume_at: u64,
}

/// A block of records or of rows.
#[derive(Default)]
pub(super) struct RawPiece {
    number: u64,
    block: RawBlock,
    merged: Option<RecordBatch>,
}

/// A step of the output after encoding.
pub(super) enum EncodedStep {
    Rejects(Vec<Reject>),
    RowGroup(EncodedRowGroup),
    /// A sorted run, which is written as it is.
    Run(Vec<RecordBatch>),
    EndFile,
    Commit(Commit),
}

/// Creates and names the files of a run.
pub(super) struct Output<'a> {
    /// Staging folder of the unfinished run.
    pub staging: &'a Path,
    /// Folder of the store.
    pub store: &'a Path,
    /// Format of the shards.
    pub format: &'a ShardFormat,
    /// Prefix of the shards' names.
    pub prefix: &'a str,
    /// Number of finished files of this pass, including those of the resumed run.
    pub files: usize,
    /// The file being written.
    pub open: Option<ShardWriter>,
    /// Complete files that are not yet in the journal.
    pub complete: Vec<ShardEntry>,
    /// Journal of the run.
    pub journal: Journal,
    /// Rejects of the run.
    pub rejects: RejectLog,
    /// The present pass. The journal follows the blocks of its input.
    pub pass: Pass,
}

/// The state shared by all threads.
pub(super) struct CrystalStages<'a> {
    /// Converts blocks into rows.
    pub recipe: Arc<Recipe>,
    /// Encodes rows.
    pub format: &'a ShardFormat,
    /// Sorts rows, unless they stay in the order of the input.
    pub keys: Option<&'a SortKeys>,
    /// Set from outside to cancel the run.
    pub cancel: &'a AtomicBool,
    /// Receives the progress of the run.
    pub progress: &'a dyn BuildProgress,
    /// Total size of the inputs in bytes.
    pub total_bytes: u64,
    /// Folder of the store, for messages.
    pub store: PathBuf,
    /// Identifiers of the rows from the resumed run, if label tables are joined.
    pub kept_before: SeenIds,
    /// The present pass.
    pub pass: Pass,
}

impl<'a> Stages for CrystalStages<'a> {
    type Reader = Cursor<'a>;
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
            // A sorted run is as large as memory allows, so only one is made at a time.
            _ if self.pass == Pass::Runs => 1,
            WIDE_COLUMNS.. => default_limit(1),
            _ => default_limit(threads),
        }
    }

    fn worker(&self) -> BlockProcessor {
        BlockProcessor::new(&self.recipe)
    }

    fn read(&self, cursor: &mut Cursor<'a>, piece: &mut RawPiece) -> Result<bool, BuildError> {
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
                    // The reader may return the last block together with the end of the input.
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
            // The rows do not tell the other names by which their labels were found.
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
                // A large piece is freed before the next one is read.
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
/// Returns a [`BuildError`] if the rows do not have the schema of the format.
pub(super) fn encode_step(
    format: &ShardFormat,
    keys: Option<&SortKeys>,
    step: Step,
) -> Result<EncodedStep, BuildError> {
    Ok(match step {
        Step::Rejects(rejects) => EncodedStep::Rejects(rejects),
        Step::RowGroup(batches) => EncodedStep::RowGroup(format.encode(&batches)?),
        Step::SortedFile(batches) => EncodedStep::Run(match keys {
            Some(keys) => keys.sort(&batches)?,
            // Never so: without keys there are row groups and no sorted files.
            None => batches,
        }),
        Step::EndFile => EncodedStep::EndFile,
        Step::Commit(commit) => EncodedStep::Commit(commit),
    })
}

impl Output<'_> {
    /// Writes the next step of the output.
    ///
    /// # Errors
    /// Returns a [`BuildError`] if a file cannot be written.
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
        let files = match self.pass {
            Pass::Runs => &mut journal.runs,
            Pass::Shards | Pass::Merge => &mut journal.shards,
        };
        files.append(&mut self.complete);
        match self.pass {
            Pass::Shards | Pass::Runs => {
                journal.blocks = commit.blocks;
                journal.counts = commit.counts;
                (journal.rejects_sha256, journal.rejects_bytes) = self.rejects.sync()?;
                journal.input_ended = commit.input_ended;
            }
            Pass::Merge => journal.merged_blocks = commit.blocks,
        }
        journal.write(self.staging)
    }
}
