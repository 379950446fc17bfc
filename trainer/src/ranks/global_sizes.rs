//! Sizes of the batch that the ranks share, for means over it.

use std::sync::Arc;

use burn::prelude::*;

use super::{Alone, Ranks};

/// The sizes of a batch, or of one rank's share of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sizes {
    /// Crystals.
    pub crystals: usize,
    /// Atoms.
    pub atoms: usize,
    /// Edges.
    pub edges: usize,
    /// Atoms that each view hides.
    pub hidden: [usize; 2],
}

/// What a rank's items count in the means over the batch that all ranks share.
#[derive(Debug, Clone)]
pub struct GlobalSizes {
    ranks: Arc<dyn Ranks>,
    /// Sizes of this rank's share.
    share: Sizes,
    /// Sizes of all shares together.
    sizes: Sizes,
}

impl GlobalSizes {
    /// Adds the sizes of all shares up: every rank must do so for every batch.
    pub fn of(share: Sizes, ranks: &Arc<dyn Ranks>) -> Self {
        let Sizes { crystals, atoms, edges, hidden: [first, second] } = share;
        // Exact: counts are far below 2^53.
        let mut counts = [crystals, atoms, edges, first, second].map(|count| count as f64);
        ranks.sum_f64(&mut counts);
        let [crystals, atoms, edges, first, second] = counts.map(|count| count as usize);
        let sizes = Sizes { crystals, atoms, edges, hidden: [first, second] };
        Self { ranks: Arc::clone(ranks), share, sizes }
    }

    /// A batch that is not shared.
    pub fn alone(sizes: Sizes) -> Self {
        Self { ranks: Arc::new(Alone), share: sizes, sizes }
    }

    /// The ranks.
    pub fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Crystals of all shares.
    pub fn crystals(&self) -> usize {
        self.sizes.crystals
    }

    /// What one of so many items of all shares counts in this rank's loss: `ranks / items`, 0 items
    /// counting as 1.
    ///
    /// A factor, not a divisor: the backward pass of a division by a number rounds it to single
    /// precision.
    fn weight(&self, items: usize) -> f64 {
        self.ranks.count() as f64 / items.max(1) as f64
    }

    /// Factor of a sum over this rank's edges in a mean over all.
    pub fn per_edge(&self) -> f64 {
        self.weight(self.sizes.edges)
    }

    /// Factor of a sum over the atoms that a view hides in a mean over all of them.
    pub fn per_hidden(&self, view: usize) -> f64 {
        self.weight(self.sizes.hidden.get(view).copied().unwrap_or(0))
    }

    /// A mean over this rank's crystals, weighed for the mean over all.
    pub fn of_crystals<const D: usize>(&self, mean: Tensor<D>) -> Tensor<D> {
        self.weighed(mean, self.ranks.count() * self.share.crystals, self.sizes.crystals)
    }

    /// Part that a mean over this rank's atoms has in the one over all: the parts add up to it.
    pub fn part_of_atoms<const D: usize>(&self, mean: Tensor<D>) -> Tensor<D> {
        self.weighed(mean, self.share.atoms, self.sizes.atoms)
    }

    /// Part that a mean over this rank's crystals has in the one over all: the parts add up to it.
    pub fn part_of_crystals<const D: usize>(&self, mean: Tensor<D>) -> Tensor<D> {
        self.weighed(mean, self.share.crystals, self.sizes.crystals)
    }

    /// `mean · own / all`; a rank that is alone has all there is.
    fn weighed<const D: usize>(&self, mean: Tensor<D>, own: usize, all: usize) -> Tensor<D> {
        if self.ranks.is_alone() { mean } else { mean * (own as f64 / all.max(1) as f64) }
    }
}
