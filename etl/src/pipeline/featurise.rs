//! Features of the crystals of a source as an iterator, without a store. The rows are those that `etl build` would
//! write, in the same order.
//!
//! Duplicates and invalid entries are left out as in a build. Label tables are not joined, and filters on properties
//! do not apply.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use schemas::settings::FeatureSettings;
use schemas::store::shard_schema;
use schemas::view::CrystalBatch;

use super::arrange::SeenIds;
use super::block::{ProcessedBlock, Recipe};
use super::bounds::Bounds;
use super::engine::{self, Stages};
use super::error::BuildError;
use super::process::BlockProcessor;
use super::reject_limit::RejectLimit;
use super::request::check_threads;
use super::source_properties::SourceProperties;
use crate::labels::LabelTable;
use crate::reject::{Note, Reject};
use crate::source::{InputKind, OpenSource, RawBlock, RecordReader, SourceOptions, UnreadFiles};

/// Largest number of finished blocks that wait for the caller.
const WAITING_BLOCKS: usize = 1;

/// A request to compute the features of a source.
#[derive(Debug, Clone)]
pub struct FeaturiseRequest {
    /// Kind of the inputs, see [`crate::source::detect`].
    pub kind: InputKind,
    /// Input files or folders, read one after another.
    pub inputs: Vec<PathBuf>,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Limits for single crystals.
    pub bounds: Bounds,
    /// Number of threads, at least 1. The results do not depend on it.
    pub threads: usize,
}

/// The crystals and rejects of consecutive entries of the input.
#[derive(Debug, Clone, Default)]
pub struct FeaturisedBlock {
    /// The crystals in the order of the input, with all columns of a shard.
    pub crystals: Vec<CrystalBatch>,
    /// The rejected entries in the order of the input.
    pub rejects: Vec<Reject>,
    /// Remarks about entries in the order of the input.
    pub notes: Vec<Note>,
    /// Number of bytes of the inputs that were read up to the end of the block, as stored on disk.
    pub bytes_read: u64,
}

/// An iterator over the blocks of the input in order. It ends after the first error. Dropping it stops its threads.
#[derive(Debug)]
pub struct Featurised {
    /// `None` after the end of the input.
    blocks: Option<Receiver<FeaturisedBlock>>,
    run: Option<JoinHandle<Result<(), Stop>>>,
    unread: UnreadFiles,
    total_bytes: u64,
}

impl Featurised {
    /// Returns the total size of the inputs in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Returns how many files of the inputs are not read because of their endings.
    pub fn unread(&self) -> &UnreadFiles {
        &self.unread
    }
}

/// Starts computing the features of a source.
///
/// Memory holds at most a few blocks for each thread, regardless of the size of the input, and 16 bytes per
/// identifier for finding duplicates.
///
/// # Errors
/// Returns a [`BuildError`] if the input cannot be opened or the threads cannot be started. A later error of the
/// input as a whole is the last item of the iterator. Errors of single entries are rejects.
pub fn featurise(request: &FeaturiseRequest) -> Result<Featurised, BuildError> {
    let FeaturiseRequest { kind, inputs, settings, bounds, threads } = request;
    check(settings, bounds, *threads)?;
    let options = SourceOptions {
        property_columns: Some(Vec::new()),
        embedded_labels: false,
        ..SourceOptions::default()
    };
    featurise_source(kind.open(inputs, &options)?, settings, *bounds, *threads)
}

/// Starts computing the features of a source that is already open, as [`featurise`] does. Its label tables are not
/// joined.
///
/// # Errors
/// Returns the errors of [`featurise`].
pub fn featurise_source(
    opened: OpenSource,
    settings: &FeatureSettings,
    bounds: Bounds,
    threads: usize,
) -> Result<Featurised, BuildError> {
    check(settings, &bounds, threads)?;
    let total_bytes = opened.total_bytes();
    let OpenSource { name, reader, parser, properties, classes, unread, .. } = opened;
    let stages = Rows {
        recipe: Arc::new(Recipe {
            parser,
            settings: settings.clone(),
            schema: shard_schema(&[], &properties),
            source: name,
            source_properties: SourceProperties::new(&properties, &classes),
            labels: Arc::new(LabelTable::default()),
            bounds,
            filters: Arc::new([]),
            part: None,
            space_groups: false,
        }),
    };
    let no_threads = |message| BuildError::Threads { threads, message };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| no_threads(error.to_string()))?;
    let (sender, blocks) = sync_channel(WAITING_BLOCKS);
    let run = move || engine::run(&pool, &stages, (reader, 0), Default::default(), sender).map(drop);
    let run = std::thread::Builder::new()
        .name("featurise".to_owned())
        .spawn(run)
        .map_err(|error| no_threads(error.to_string()))?;
    Ok(Featurised { blocks: Some(blocks), run: Some(run), unread, total_bytes })
}

/// Checks the settings and limits of a request.
fn check(settings: &FeatureSettings, bounds: &Bounds, threads: usize) -> Result<(), BuildError> {
    bounds.check()?;
    check_threads(threads)?;
    Ok(settings.check()?)
}

impl Iterator for Featurised {
    type Item = Result<FeaturisedBlock, BuildError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(block) = self.blocks.as_ref()?.recv() {
            return Some(Ok(block));
        }
        // The sender is dropped when the run is over: at the end of the input, after an error or after a panic.
        self.blocks = None;
        match self.run.take()?.join() {
            Ok(Ok(()) | Err(Stop::Dropped)) => None,
            Ok(Err(Stop::Failed(error))) => Some(Err(error)),
            Err(_) => Some(Err(BuildError::ThreadLost)),
        }
    }
}

impl Drop for Featurised {
    fn drop(&mut self) {
        // The run may be waiting for the receiver, which is now dropped.
        self.blocks = None;
        if let Some(run) = self.run.take() {
            // A panic has already printed its message. Nothing has to be undone.
            let _ = run.join();
        }
    }
}

/// Reasons for stopping before the end of the input.
#[derive(Debug)]
enum Stop {
    /// The iterator was dropped.
    Dropped,
    /// The input as a whole cannot be read.
    Failed(BuildError),
}

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        Stop::Failed(error)
    }
}

/// The stages that turn blocks of records into blocks of rows.
struct Rows {
    recipe: Arc<Recipe>,
}

impl Stages for Rows {
    /// The reader of records, and the number of the next block.
    type Reader = (Box<dyn RecordReader>, u64);
    type Arranger = (SeenIds, RejectLimit);
    type Writer = SyncSender<FeaturisedBlock>;
    type Worker = BlockProcessor;
    /// The number of the block, its records, and the bytes read up to its end.
    type Raw = (u64, RawBlock, u64);
    type Processed = (ProcessedBlock, u64);
    type Arranged = (ProcessedBlock, u64);
    type Encoded = FeaturisedBlock;
    type Error = Stop;

    fn worker(&self) -> BlockProcessor {
        BlockProcessor::new(&self.recipe)
    }

    fn read(&self, (reader, next): &mut Self::Reader, raw: &mut Self::Raw) -> Result<bool, Stop> {
        let (number, block, bytes_read) = raw;
        block.clear();
        let more = reader.read_block(block).map_err(BuildError::from)?;
        *bytes_read = reader.bytes_read();
        *number = *next;
        *next += 1;
        // The reader may return the last block together with the end of the input.
        Ok(more || !block.is_empty())
    }

    fn is_large(&self, (_, block, _): &Self::Raw) -> bool {
        block.is_large()
    }

    fn process(
        &self,
        worker: &mut BlockProcessor,
        (number, block, bytes_read): &mut Self::Raw,
    ) -> Result<Self::Processed, Stop> {
        let processed = worker.process(*number, block)?;
        // A large block is freed before the next one is read.
        block.clear();
        Ok((processed, *bytes_read))
    }

    fn arrange(
        &self,
        (seen, limit): &mut Self::Arranger,
        block: Option<Self::Processed>,
    ) -> Result<Vec<Self::Arranged>, Stop> {
        let Some((mut block, bytes_read)) = block else { return Ok(Vec::new()) };
        seen.drop_duplicates(&mut block)?;
        limit.add(&block)?;
        Ok(vec![(block, bytes_read)])
    }

    fn encode(
        &self,
        _: &mut BlockProcessor,
        (block, bytes_read): Self::Arranged,
    ) -> Result<FeaturisedBlock, Stop> {
        let batches = block.batches.into_iter().filter(|batch| batch.num_rows() > 0);
        let crystals = batches.map(|batch| CrystalBatch::new(Path::new("").into(), batch));
        let crystals = crystals.collect::<Result<_, _>>().map_err(BuildError::from)?;
        Ok(FeaturisedBlock { crystals, rejects: block.rejects, notes: block.notes, bytes_read })
    }

    fn write(&self, blocks: &mut Self::Writer, block: FeaturisedBlock) -> Result<(), Stop> {
        blocks.send(block).map_err(|_| Stop::Dropped)
    }
}
