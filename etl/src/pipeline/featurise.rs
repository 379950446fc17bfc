//! Crystals of any source as rows, without a store: what `etl build` would write, in order, while it
//! is still being read.
//!
//! The engine and the row builder are those of a build. Duplicates and bad entries are left out as
//! there; label tables are not joined, and no filter on properties applies.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use schemas::settings::FeatureSettings;
use schemas::store::shard_schema;
use schemas::view::CrystalBatch;

use super::arrange::SeenIds;
use super::check_threads;
use super::engine::{self, Stages};
use super::error::BuildError;
use super::outlook::Outlook;
use super::process::{BlockProcessor, Bounds, ProcessedBlock, Recipe};
use crate::labels::LabelTable;
use crate::reject::{Note, Reject};
use crate::source::{InputKind, OpenSource, RawBlock, RecordReader, SourceOptions, UnreadFiles};

/// Finished blocks that may wait for the caller.
const WAITING_BLOCKS: usize = 1;

/// What to featurise, and how.
#[derive(Debug, Clone)]
pub struct FeaturiseRequest {
    /// Kind of the inputs, see [`crate::source::detect`].
    pub kind: InputKind,
    /// Its files or folders, read one after another.
    pub inputs: Vec<PathBuf>,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Bounds on single crystals.
    pub bounds: Bounds,
    /// Number of threads, at least 1; no result depends on it.
    pub threads: usize,
}

/// Consecutive entries of the input: those that are crystals, and those that are not.
#[derive(Debug, Clone, Default)]
pub struct FeaturisedBlock {
    /// The crystals in the order of the input, with every column of a store's row.
    pub crystals: Vec<CrystalBatch>,
    /// The entries left out, in the order of their records.
    pub rejects: Vec<Reject>,
    /// Remarks about entries, in the order of their records.
    pub notes: Vec<Note>,
}

/// Iterator over the blocks of the input in order; ends after the first error. Dropping it stops its
/// threads.
#[derive(Debug)]
pub struct Featurised {
    /// `None` once the input has ended.
    blocks: Option<Receiver<FeaturisedBlock>>,
    run: Option<JoinHandle<Result<(), Stop>>>,
    unread: UnreadFiles,
}

impl Featurised {
    /// Files among the inputs that are not read.
    pub fn unread(&self) -> &UnreadFiles {
        &self.unread
    }
}

/// Starts to featurise the entries of a source.
///
/// In memory are at most a few blocks for each thread, whatever the input's size, and 16 bytes for
/// each identifier, by which duplicates are found.
///
/// # Errors
/// [`BuildError`] if the input cannot be opened or the threads cannot be started. What goes wrong
/// with the input as a whole later comes as the last item; faults of single entries are rejects.
pub fn featurise(request: &FeaturiseRequest) -> Result<Featurised, BuildError> {
    let FeaturiseRequest { kind, inputs, settings, bounds, threads } = request;
    if bounds.max_sites == 0 {
        let problem = "must be at least 1".to_owned();
        return Err(BuildError::Option { option: "max_sites", value: "0".to_owned(), problem });
    }
    check_threads(*threads)?;
    settings.check()?;
    let options = SourceOptions {
        property_columns: Some(Vec::new()),
        embedded_labels: false,
        ..SourceOptions::default()
    };
    let OpenSource { name, reader, parser, properties, unread, .. } = kind.open(inputs, &options)?;
    let source_properties = properties.len();
    let columns: Vec<(String, String)> =
        properties.into_iter().map(|property| (property.column, property.key)).collect();
    let stages = Rows {
        recipe: Arc::new(Recipe {
            parser,
            settings: settings.clone(),
            schema: shard_schema(&[], &columns),
            source: name,
            source_properties,
            labels: Arc::new(LabelTable::default()),
            bounds: *bounds,
            filters: Arc::new([]),
            part: None,
        }),
    };
    let no_threads = |message| BuildError::Threads { threads: *threads, message };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(*threads)
        .build()
        .map_err(|error| no_threads(error.to_string()))?;
    let (sender, blocks) = sync_channel(WAITING_BLOCKS);
    let run = move || engine::run(&pool, &stages, (reader, 0), Default::default(), sender).map(drop);
    let run = std::thread::Builder::new()
        .name("featurise".to_owned())
        .spawn(run)
        .map_err(|error| no_threads(error.to_string()))?;
    Ok(Featurised { blocks: Some(blocks), run: Some(run), unread })
}

impl Iterator for Featurised {
    type Item = Result<FeaturisedBlock, BuildError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(block) = self.blocks.as_ref()?.recv() {
            return Some(Ok(block));
        }
        // Without a sender the run is over: at the end of the input, by an error or by a panic.
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
        // The run may be waiting for room, which now has no other end.
        self.blocks = None;
        if let Some(run) = self.run.take() {
            // A panic has already been told by its message; there is nothing left to undo.
            let _ = run.join();
        }
    }
}

/// Why a run stops before the end.
#[derive(Debug)]
enum Stop {
    /// Nobody waits for the blocks any more.
    Dropped,
    /// The input as a whole cannot be read on.
    Failed(BuildError),
}

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        Stop::Failed(error)
    }
}

/// Blocks of records into blocks of rows.
struct Rows {
    recipe: Arc<Recipe>,
}

impl Stages for Rows {
    /// The records, and the number of the next block.
    type Reader = (Box<dyn RecordReader>, u64);
    type Arranger = (SeenIds, Outlook);
    type Writer = SyncSender<FeaturisedBlock>;
    type Worker = BlockProcessor;
    type Raw = (u64, RawBlock);
    type Processed = ProcessedBlock;
    type Arranged = ProcessedBlock;
    type Encoded = FeaturisedBlock;
    type Error = Stop;

    fn worker(&self) -> BlockProcessor {
        BlockProcessor::new(&self.recipe)
    }

    fn read(&self, (reader, next): &mut Self::Reader, (number, block): &mut Self::Raw) -> Result<bool, Stop> {
        block.clear();
        let more = reader.read_block(block).map_err(BuildError::from)?;
        *number = *next;
        *next += 1;
        // The last block may come together with the end of the input.
        Ok(more || !block.is_empty())
    }

    fn is_large(&self, (_, block): &Self::Raw) -> bool {
        block.is_large()
    }

    fn process(
        &self,
        worker: &mut BlockProcessor,
        (number, block): &mut Self::Raw,
    ) -> Result<ProcessedBlock, Stop> {
        let processed = worker.process(*number, block)?;
        // Nothing of a large block is kept until the next one is read into its buffers.
        block.clear();
        Ok(processed)
    }

    fn arrange(
        &self,
        (seen, outlook): &mut Self::Arranger,
        block: Option<ProcessedBlock>,
    ) -> Result<Vec<ProcessedBlock>, Stop> {
        let Some(mut block) = block else { return Ok(Vec::new()) };
        seen.drop_duplicates(&mut block)?;
        outlook.see(&block)?;
        Ok(vec![block])
    }

    fn encode(&self, _: &mut BlockProcessor, block: ProcessedBlock) -> Result<FeaturisedBlock, Stop> {
        let batches = block.batches.into_iter().filter(|batch| batch.num_rows() > 0);
        let crystals = batches.map(CrystalBatch::new).collect::<Result<_, _>>().map_err(BuildError::from)?;
        Ok(FeaturisedBlock { crystals, rejects: block.rejects, notes: block.notes })
    }

    fn write(&self, blocks: &mut Self::Writer, block: FeaturisedBlock) -> Result<(), Stop> {
        blocks.send(block).map_err(|_| Stop::Dropped)
    }
}
