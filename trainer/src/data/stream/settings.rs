//! How an epoch is read.

use crate::data::connectivity::Graph;
use crate::data::error::DataError;
use crate::data::inputs::Inputs;
use crate::data::labels::PeriodicLabels;
use crate::data::limit::BatchLimit;
use crate::data::share::Share;

/// Crystals of the shuffle buffer unless asked for otherwise: eight row groups of a store's default
/// size, about 50 MB at 25 atoms a crystal.
pub const DEFAULT_SHUFFLE_BUFFER: usize = 8192;
/// Batches that wait or are being built unless asked for otherwise.
pub const DEFAULT_QUEUE: usize = 4;
/// Threads that build batches unless asked for otherwise.
pub const DEFAULT_WORKERS: usize = 1;
/// Most threads that build batches, and most batches that wait.
pub const MAX_WORKERS: usize = 1024;

/// How an epoch is read.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSettings {
    /// Seed of the run.
    pub seed: u64,
    /// Which epoch, counted from 0; each has its own order.
    pub epoch: u64,
    /// Crystals of the shuffle buffer; `None` reads row groups and crystals in the order of the
    /// shards.
    pub shuffle_buffer: Option<usize>,
    /// Size of the batches; of one process's share where they are shared. A budget of triplets holds for inputs
    /// that depend on angles alone.
    pub limit: BatchLimit,
    /// Which part of every batch to build. A last batch with fewer crystals than parts is left out.
    pub share: Share,
    /// Which labels the edges get.
    pub labels: PeriodicLabels,
    /// Which edges the batches hold; a budget of triplets counts those of the whole multigraph.
    pub graph: Graph,
    /// Threads that build batches, at least 1; no result depends on it.
    pub workers: usize,
    /// Batches that wait or are being built, at least 1.
    pub queue: usize,
    /// Batches at the beginning of the epoch that are not built: those before a resumed run.
    pub skip: u64,
    /// What the batches hold beside their atoms and edges.
    pub inputs: Inputs,
    /// Whether their bases list the triplets beside the dense pairs.
    pub with_triplets: bool,
    /// Property columns to read.
    pub properties: Vec<String>,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            epoch: 0,
            shuffle_buffer: Some(DEFAULT_SHUFFLE_BUFFER),
            limit: BatchLimit::default(),
            share: Share::default(),
            labels: PeriodicLabels::default(),
            graph: Graph::Multigraph,
            workers: DEFAULT_WORKERS,
            queue: DEFAULT_QUEUE,
            skip: 0,
            inputs: Inputs::default(),
            with_triplets: false,
            properties: Vec::new(),
        }
    }
}

impl StreamSettings {
    pub(super) fn check(&self) -> Result<(), DataError> {
        self.limit.check()?;
        for (setting, value) in [("workers", self.workers), ("queue", self.queue)] {
            if value == 0 {
                return Err(DataError::Setting { setting, value: "0".to_owned(), expected: "at least 1" });
            }
            if value > MAX_WORKERS {
                let value = value.to_string();
                return Err(DataError::Setting { setting, value, expected: "at most 1024" });
            }
        }
        Ok(())
    }
}
