//! Limits of a batch, and the grouping of crystals into batches.

use crate::data::adjacency::Adjacency;
use crate::data::error::DataError;
use crate::data::stored::StoredCrystal;

/// Default number of crystals in a batch (specification, section 6).
pub const DEFAULT_BATCH_CRYSTALS: usize = 64;
/// Default number of triplets in a batch for inference. It holds about 1,800 atoms with twelve neighbours each (12²
/// triplets per atom), so that neither large crystals nor dense shells exhaust the memory.
pub const DEFAULT_BATCH_TRIPLETS: usize = 1 << 18;

/// Limit of the size of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    /// Maximum number of crystals, at least 1.
    pub crystals: usize,
    /// Maximum number of triplets, if limited. A batch is closed before the crystal that would exceed the limit,
    /// unless it has fewer crystals than the processes that share it. Without other processes, a crystal that exceeds
    /// the limit makes a batch of its own.
    pub triplets: Option<usize>,
}

impl Default for BatchLimit {
    fn default() -> Self {
        Self { crystals: DEFAULT_BATCH_CRYSTALS, triplets: None }
    }
}

impl BatchLimit {
    /// Returns the limit of a batch that `count` processes share.
    pub(crate) fn times(&self, count: usize) -> Self {
        Self {
            crystals: self.crystals.saturating_mul(count),
            triplets: self.triplets.map(|triplets| triplets.saturating_mul(count)),
        }
    }

    /// Refuses limits below 1.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let refuse =
            |setting| Err(DataError::Setting { setting, value: "0".to_owned(), expected: "at least 1" });
        match self {
            Self { crystals: 0, .. } => refuse("batch_crystals"),
            Self { triplets: Some(0), .. } => refuse("batch_triplets"),
            _ => Ok(()),
        }
    }
}

/// Groups crystals in their order into batches within the limit.
#[derive(Debug)]
pub(crate) struct BatchPlanner {
    limit: BatchLimit,
    /// Minimum number of crystals of a batch but the last, one for each process.
    least: usize,
    adjacency: Adjacency,
    crystals: Vec<StoredCrystal>,
    triplets: usize,
}

impl BatchPlanner {
    pub(crate) fn new(limit: BatchLimit, least: usize) -> Self {
        Self { limit, least, adjacency: Adjacency::default(), crystals: Vec::new(), triplets: 0 }
    }

    /// Adds a crystal. Returns a batch if one is complete, either without this crystal or with it.
    ///
    /// # Errors
    /// [`DataError::Crystal`] if triplets are counted and the crystal is not a valid graph.
    pub(crate) fn push(&mut self, crystal: StoredCrystal) -> Result<Option<Vec<StoredCrystal>>, DataError> {
        let mut complete = None;
        if let Some(budget) = self.limit.triplets {
            let input = crystal.input();
            let rebuilt = self.adjacency.rebuild(&input);
            rebuilt.map_err(|error| crystal.locate(error.of(input.material_id)))?;
            let triplets = self.adjacency.triplets();
            let exceeded = self.triplets.saturating_add(triplets) > budget;
            if exceeded && self.crystals.len() >= self.least {
                complete = self.finish();
            }
            self.triplets += triplets;
        }
        self.crystals.push(crystal);
        // A crystal cannot both begin a group behind a complete one and fill it, unless groups
        // have one crystal, which then never wait for the next.
        if complete.is_none() && self.crystals.len() >= self.limit.crystals {
            complete = self.finish();
        }
        Ok(complete)
    }

    /// Returns the last batch, if it has any crystals.
    pub(crate) fn finish(&mut self) -> Option<Vec<StoredCrystal>> {
        self.triplets = 0;
        let group = std::mem::take(&mut self.crystals);
        (!group.is_empty()).then_some(group)
    }
}
