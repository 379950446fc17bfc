//! Which crystals a run sees and how they become batches.

use serde::{Deserialize, Serialize};

use crate::data::limit::{BatchLimit, DEFAULT_BATCH_CRYSTALS};
use crate::data::stream::{DEFAULT_QUEUE, DEFAULT_SHUFFLE_BUFFER, DEFAULT_WORKERS};

/// Share of the crystals kept for validation by [`Validation::Hash`].
pub const DEFAULT_VALIDATION_FRACTION: f64 = 0.05;

/// Where the crystals of the validation set come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validation {
    /// None: every crystal is trained on, as in the paper.
    #[default]
    None,
    /// Those whose identifier's hash falls below [`DataConfig::validation_fraction`]: the same
    /// crystals in every run, whatever else the store holds.
    Hash,
    /// Those that the store's split column calls so.
    Split,
}

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Shards, folders of shards or glob patterns.
    pub shards: Vec<String>,
    /// Most crystals in a batch; of several processes, in each one's share.
    pub batch_crystals: usize,
    /// Most triplets in a batch; a crystal with more makes a batch alone. Several processes share
    /// batches of as many times more.
    #[serde(with = "super::optional")]
    pub batch_triplets: Option<usize>,
    /// Crystals among which the next one is drawn; fewer where they have more than 16 million edges together.
    pub shuffle_buffer: usize,
    /// Threads that turn crystals into batches.
    pub workers: usize,
    /// Finished batches that may wait for the model.
    pub queue: usize,
    /// Source of the validation set.
    pub validation: Validation,
    /// Share of the crystals kept for validation, in (0, 1); for [`Validation::Hash`] only.
    pub validation_fraction: f64,
}

impl DataConfig {
    /// How much a batch may hold; of several processes, each one's share.
    pub fn limit(&self) -> BatchLimit {
        BatchLimit { crystals: self.batch_crystals, triplets: self.batch_triplets }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            shards: Vec::new(),
            batch_crystals: DEFAULT_BATCH_CRYSTALS,
            batch_triplets: None,
            shuffle_buffer: DEFAULT_SHUFFLE_BUFFER,
            workers: DEFAULT_WORKERS,
            queue: DEFAULT_QUEUE,
            validation: Validation::default(),
            validation_fraction: DEFAULT_VALIDATION_FRACTION,
        }
    }
}
