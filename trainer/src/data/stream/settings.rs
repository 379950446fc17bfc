//! Settings of an epoch of batches.

use crate::data::connectivity::Graph;
use crate::data::error::DataError;
use crate::data::inputs::Inputs;
use crate::data::labels::PeriodicLabels;
use crate::data::limit::BatchLimit;
use crate::data::share::Share;

/// Default number of crystals in the shuffle buffer: eight row groups of a store's default size, about 50 MB at 25
/// atoms per crystal.
pub const DEFAULT_SHUFFLE_BUFFER: usize = 8192;
/// Default number of batches that wait or are being built.
pub const DEFAULT_QUEUE: usize = 4;
/// Default number of threads that build batches.
pub const DEFAULT_WORKERS: usize = 1;
/// Maximum number of threads that build batches, and of waiting batches.
pub const MAX_WORKERS: usize = 1024;

/// Settings of an epoch of batches.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSettings {
    /// Seed of the run.
    pub seed: u64,
    /// Index of the epoch, from 0. Each epoch has its own order.
    pub epoch: u64,
    /// Number of crystals in the shuffle buffer; `None` keeps the order of the shards.
    pub shuffle_buffer: Option<usize>,
    /// Limit of the batches; of one process's share if they are shared. A limit of triplets only holds for inputs
    /// with angles.
    pub limit: BatchLimit,
    /// Whether to leave out a last batch with fewer crystals than the limit.
    pub drop_incomplete: bool,
    /// Part of every batch to build. A last batch with fewer crystals than parts is left out.
    pub share: Share,
    /// Kind of the edges' labels.
    pub labels: PeriodicLabels,
    /// Edges of the batches. A limit of triplets counts those of the multigraph.
    pub graph: Graph,
    /// Number of threads that build batches, at least 1. Results do not depend on it.
    pub workers: usize,
    /// Number of batches that wait or are being built, at least 1.
    pub queue: usize,
    /// Number of batches at the beginning of the epoch to skip, for a resumed run.
    pub skip: u64,
    /// Parts of the batches besides atoms and edges.
    pub inputs: Inputs,
    /// Whether the device computes the bases.
    pub bases_on_device: bool,
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
            drop_incomplete: false,
            share: Share::default(),
            labels: PeriodicLabels::default(),
            graph: Graph::Multigraph,
            workers: DEFAULT_WORKERS,
            queue: DEFAULT_QUEUE,
            skip: 0,
            inputs: Inputs::default(),
            bases_on_device: false,
            properties: Vec::new(),
        }
    }
}

impl StreamSettings {
    /// Returns the minimum number of crystals of the last batch of all processes.
    pub(super) fn least_last(&self) -> usize {
        if self.drop_incomplete { self.limit.times(self.share.count).crystals } else { self.share.count }
    }

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
