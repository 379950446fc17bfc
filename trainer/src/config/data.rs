//! Settings of the data of a run: shards, batches and the validation set.

use serde::{Deserialize, Serialize};

use super::fault::{BETWEEN_0_AND_1, Range, at_least_one};
use super::section::{Setting, section};
use crate::data::limit::{BatchLimit, DEFAULT_BATCH_CRYSTALS, DEFAULT_BATCH_TRIPLETS};
use crate::data::stream::{
    DEFAULT_QUEUE, DEFAULT_SHUFFLE_BUFFER, DEFAULT_WORKERS, MAX_WORKERS, StreamSettings,
};

/// Number of threads or of waiting batches.
const THREADS: Range<usize> = Range { holds: |count| (1..=MAX_WORKERS).contains(count), needed: "1 to 1024" };

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

impl Setting for Validation {}

section! {
    /// The data of a run.
    pub struct DataConfig {
        /// Shards, folders of shards or glob patterns, such as `["data/oqmd/*.parquet"]`.
        pub shards: Vec<String> = Vec::new();
        /// Most crystals in a batch; of several processes, in each one's share.
        pub batch_crystals: usize = DEFAULT_BATCH_CRYSTALS, in at_least_one();
        /// Most triplets in a batch, or "none": bounds memory. A crystal with more makes a batch alone. Several
        /// processes share batches of as many times more.
        pub batch_triplets: Option<usize> = None, in at_least_one(), with "super::optional";
        /// Whether a last batch of an epoch with fewer crystals than the batches may have is left out of training.
        pub drop_incomplete: bool = false;
        /// Crystals among which the next one is drawn; bounds memory.
        pub shuffle_buffer: usize = DEFAULT_SHUFFLE_BUFFER, in at_least_one();
        /// Threads that turn crystals into batches.
        pub workers: usize = DEFAULT_WORKERS, in THREADS;
        /// Finished batches that may wait for the model.
        pub queue: usize = DEFAULT_QUEUE, in THREADS;
        /// Validation set: "none", "hash" (by hash of the identifier), "split" (the store's split column).
        pub validation: Validation = Validation::default();
        /// Share of the crystals that "hash" keeps for validation.
        pub validation_fraction: f64 = 0.05, in BETWEEN_0_AND_1;
    }
}

impl DataConfig {
    /// Returns the limit of a batch; with several processes, of each one's share.
    pub fn limit(&self) -> BatchLimit {
        BatchLimit { crystals: self.batch_crystals, triplets: self.batch_triplets }
    }

    /// Returns the settings of a stream that reads every crystal once in the order of the shards, for inference.
    /// Results do not depend on the batches, so these have at most [`DEFAULT_BATCH_TRIPLETS`] triplets if the
    /// configuration sets no limit.
    pub fn in_order(&self) -> StreamSettings {
        let triplets = self.batch_triplets.unwrap_or(DEFAULT_BATCH_TRIPLETS);
        StreamSettings {
            shuffle_buffer: None,
            limit: BatchLimit { triplets: Some(triplets), ..self.limit() },
            workers: self.workers,
            queue: self.queue,
            ..StreamSettings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_in_order_are_bounded_by_their_triplets() {
        let mut data = DataConfig::default();
        assert_eq!(data.in_order().limit.triplets, Some(DEFAULT_BATCH_TRIPLETS));
        data.batch_triplets = Some(7);
        assert_eq!(data.in_order().limit.triplets, Some(7));
    }
}
