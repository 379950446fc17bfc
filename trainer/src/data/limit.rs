//! Where one batch ends and the next begins.

use crate::data::adjacency::Adjacency;
use crate::data::error::DataError;
use crate::data::stored::StoredCrystal;

/// Crystals of a batch unless asked for otherwise (specification, section 6).
pub const DEFAULT_BATCH_CRYSTALS: usize = 64;
/// Triplets of a batch that is not trained with unless asked for otherwise: some 1,800 atoms with twelve neighbours
/// each (12² triplets an atom), so that neither large crystals nor dense shells exhaust the memory.
pub const DEFAULT_BATCH_TRIPLETS: usize = 1 << 18;

/// How much a batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    /// Most crystals, at least 1.
    pub crystals: usize,
    /// Most triplets, if limited: a batch closes before the crystal that would exceed the budget, unless
    /// it has no crystal yet for one of the processes that share it; alone, a crystal that exceeds the
    /// budget makes a batch of its own.
    pub triplets: Option<usize>,
}

impl Default for BatchLimit {
    fn default() -> Self {
        Self { crystals: DEFAULT_BATCH_CRYSTALS, triplets: None }
    }
}

impl BatchLimit {
    /// The limit of a batch that so many processes share.
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

/// Gathers crystals into groups within the limit, in the order they come.
#[derive(Debug)]
pub(crate) struct BatchPlanner {
    limit: BatchLimit,
    /// Fewest crystals of a group but the last: each of the processes that share it needs one.
    least: usize,
    adjacency: Adjacency,
    crystals: Vec<StoredCrystal>,
    triplets: usize,
}

impl BatchPlanner {
    pub(crate) fn new(limit: BatchLimit, least: usize) -> Self {
        Self { limit, least, adjacency: Adjacency::default(), crystals: Vec::new(), triplets: 0 }
    }

    /// Takes a crystal in; gives the group that is complete without it, or with it.
    ///
    /// # Errors
    /// [`DataError::Crystal`] if triplets are counted and the crystal is no valid graph.
    pub(crate) fn push(&mut self, crystal: StoredCrystal) -> Result<Option<Vec<StoredCrystal>>, DataError> {
        let mut complete = None;
        if let Some(budget) = self.limit.triplets {
            let input = crystal.input();
            self.adjacency.rebuild(&input).map_err(|error| error.of(input.material_id))?;
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

    /// The last group, if it has any crystal.
    pub(crate) fn finish(&mut self) -> Option<Vec<StoredCrystal>> {
        self.triplets = 0;
        let group = std::mem::take(&mut self.crystals);
        (!group.is_empty()).then_some(group)
    }
}
