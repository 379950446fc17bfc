//! Sizes of crystals, and of the largest batch that they can make.

use arrow::array::{Array, ListArray, UInt32Array};
use rayon::prelude::*;
use schemas::limits::pairs;
use serde::Serialize;

use crate::data::batch::GraphBatch;
use crate::data::error::DataError;
use crate::data::inputs::Inputs;
use crate::data::limit::BatchLimit;
use crate::data::subset::{RowGroup, Selection};

/// Columns that [`sizes`] reads.
const COLUMNS: [&str; 3] = ["atomic_numbers", "edge_source", "edge_target"];

/// Size of one or more crystals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Size {
    /// Number of atoms.
    pub atoms: u64,
    /// Number of edges of the multigraph.
    pub edges: u64,
    /// Number of ordered pairs of edges of which the second ends at the site where the first starts; 0 for inputs
    /// without angles.
    pub pairs: u64,
}

impl Size {
    /// Returns a lower bound of the number of triplets: the pairs less one for each edge, which has at most one
    /// reverse.
    fn least_triplets(&self) -> u64 {
        self.pairs.saturating_sub(self.edges)
    }

    fn add(&mut self, other: &Self) {
        self.atoms += other.atoms;
        self.edges += other.edges;
        self.pairs += other.pairs;
    }
}

impl<R> From<&GraphBatch<R>> for Size {
    fn from(batch: &GraphBatch<R>) -> Self {
        Self { atoms: batch.atoms() as u64, edges: batch.edges() as u64, pairs: batch.pairs() as u64 }
    }
}

/// The largest batch that crystals can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LargestBatch {
    /// Number of crystals, at most that of the limit.
    pub crystals: usize,
    /// Size of the batch. It is an upper bound if the limit has a number of triplets.
    pub size: Size,
}

/// Returns the sizes of all crystals of a selection for batches with these inputs, in the order of the shards. Reads
/// three columns.
///
/// # Errors
/// [`DataError`] if a shard cannot be read.
pub fn sizes(selection: &Selection, inputs: Inputs) -> Result<Vec<Size>, DataError> {
    let groups: Vec<Result<Vec<Size>, DataError>> = selection
        .row_groups()
        .par_iter()
        .map(|row_group| of_row_group(selection, row_group, inputs))
        .collect();
    let mut sizes = Vec::new();
    for group in groups {
        sizes.extend(group?);
    }
    Ok(sizes)
}

/// Returns the sizes of the crystals of a row group.
fn of_row_group(selection: &Selection, row_group: &RowGroup, inputs: Inputs) -> Result<Vec<Size>, DataError> {
    let mut sizes = Vec::new();
    let mut degrees = Vec::new();
    for batch in selection.batches(row_group, &COLUMNS)? {
        let (batch, members) = batch?;
        // Types were checked when the shard was opened.
        let column = |name: &str| batch.column_by_name(name).map(|column| column.as_any());
        let lists = |name| column(name).and_then(|column| column.downcast_ref::<ListArray>());
        let [Some(atoms), Some(source), Some(target)] = COLUMNS.map(lists) else { continue };
        for (row, _) in members.into_iter().enumerate().filter(|(_, member)| *member) {
            let (source, target) = (source.value(row), target.value(row));
            let ends = [&source, &target].map(|list| list.as_any().downcast_ref::<UInt32Array>());
            let [Some(source), Some(target)] = ends else { continue };
            // The length of a list, not `nsites`, whose value in a damaged shard is not yet checked here.
            let atoms = atoms.value(row).len();
            let pairs = match inputs.angles() {
                true => pairs(atoms, source.values(), target.values(), &mut degrees),
                false => 0,
            };
            sizes.push(Size { atoms: atoms as u64, edges: target.len() as u64, pairs });
        }
    }
    Ok(sizes)
}

/// Returns the batch of the largest weight that these crystals can make within the limit, in any order. The weight of
/// a batch must be the sum of its crystals' weights.
///
/// Without a limit of triplets it consists of the heaviest crystals. With one it is a knapsack problem, and the
/// result is an upper bound: the limit is filled with the crystals of the largest weight per triplet, and the last
/// one is counted whole (G. B. Dantzig, Oper. Res. 5, 266, 1957, doi:10.1287/opre.5.2.266).
pub fn largest_batch(sizes: &[Size], limit: BatchLimit, weight: impl Fn(&Size) -> f64) -> LargestBatch {
    let of = |indices: &mut dyn Iterator<Item = usize>| {
        let mut batch = LargestBatch::default();
        for index in indices {
            batch.crystals += 1;
            batch.size.add(&sizes[index]);
        }
        batch
    };
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|a, b| weight(&sizes[*b]).total_cmp(&weight(&sizes[*a])));
    let heaviest = of(&mut order.iter().copied().take(limit.crystals));
    let Some(budget) = limit.triplets else { return heaviest };
    // A crystal that exceeds the budget makes a batch of its own.
    let alone = of(&mut order.first().copied().into_iter());
    // A crystal without triplets always has room.
    let worth = |index: usize| match sizes[index].least_triplets() {
        0 => f64::INFINITY,
        triplets => weight(&sizes[index]) / triplets as f64,
    };
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)));
    let mut triplets = 0;
    let fits = |index: &usize| {
        let has_room = triplets < budget as u64;
        triplets += sizes[*index].least_triplets();
        has_room
    };
    let filled = of(&mut order.iter().copied().take_while(fits));
    let heavier = |a: LargestBatch, b: LargestBatch| if weight(&a.size) >= weight(&b.size) { a } else { b };
    let lighter = |a: LargestBatch, b: LargestBatch| if weight(&a.size) <= weight(&b.size) { a } else { b };
    let LargestBatch { crystals, size } = heavier(alone, lighter(heaviest, filled));
    // What fills the budget may be more crystals than a batch has.
    LargestBatch { crystals: crystals.min(limit.crystals), size }
}

#[cfg(test)]
mod tests;
