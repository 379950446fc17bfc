//! Sizes of the batch over all ranks, and the weights of means over it.

use std::sync::Arc;

use burn::prelude::*;

use super::{Alone, Ranks};

/// Sizes of a batch, or of a rank's share of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sizes {
    /// Number of crystals.
    pub crystals: usize,
    /// Number of atoms.
    pub atoms: usize,
    /// Number of edges.
    pub edges: usize,
    /// Number of pairs of the line graph.
    pub line_pairs: usize,
    /// Number of hidden atoms of each view.
    pub hidden: [usize; 2],
}

/// Sizes of a rank's share and of the whole batch. They weigh means over the share for the mean over the batch.
#[derive(Debug, Clone)]
pub struct GlobalSizes {
    ranks: Arc<dyn Ranks>,
    /// Sizes of this rank's share.
    share: Sizes,
    /// Sizes of all shares together.
    sizes: Sizes,
}

/// Rows of a matrix that the ranks share, such as the atoms of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Number of rows on all ranks.
    pub count: usize,
    /// The ranks.
    pub ranks: &'a Arc<dyn Ranks>,
}

impl GlobalSizes {
    /// Sums the sizes of the shares over the ranks. Every rank must call it for every batch.
    pub fn of(share: Sizes, ranks: &Arc<dyn Ranks>) -> Self {
        let Sizes { crystals, atoms, edges, line_pairs, hidden: [first, second] } = share;
        // Exact: counts are far below 2^53.
        let mut counts = [crystals, atoms, edges, line_pairs, first, second].map(|count| count as f64);
        ranks.sum_f64(&mut counts);
        let [crystals, atoms, edges, line_pairs, first, second] = counts.map(|count| count as usize);
        let sizes = Sizes { crystals, atoms, edges, line_pairs, hidden: [first, second] };
        Self { ranks: Arc::clone(ranks), share, sizes }
    }

    /// Returns the sizes of a batch on a single rank.
    pub fn alone(sizes: Sizes) -> Self {
        Self { ranks: Arc::new(Alone), share: sizes, sizes }
    }

    /// Returns the ranks.
    pub fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Returns the atoms of all ranks as rows.
    pub fn atom_rows(&self) -> Rows<'_> {
        Rows { count: self.sizes.atoms, ranks: &self.ranks }
    }

    /// Returns the edges of all ranks as rows.
    pub fn edge_rows(&self) -> Rows<'_> {
        Rows { count: self.sizes.edges, ranks: &self.ranks }
    }

    /// Returns the number of crystals on all ranks.
    pub fn crystals(&self) -> usize {
        self.sizes.crystals
    }

    /// Returns the number of pairs of the line graph on all ranks.
    pub fn line_pairs(&self) -> usize {
        self.sizes.line_pairs
    }

    /// Returns the weight of one of `items` items on all ranks in this rank's loss: `ranks / max(items, 1)`.
    ///
    /// It is a factor and not a divisor, since the backward pass of a division by a number rounds the number to
    /// single precision.
    fn weight(&self, items: usize) -> f64 {
        self.ranks.count() as f64 / items.max(1) as f64
    }

    /// Returns the factor that makes a sum over this rank's edges this rank's loss for a mean over all edges.
    pub fn per_edge(&self) -> f64 {
        self.weight(self.sizes.edges)
    }

    /// Returns the factor that makes a sum over this rank's atoms this rank's loss for a mean over all atoms.
    pub fn per_atom(&self) -> f64 {
        self.weight(self.sizes.atoms)
    }

    /// Returns the factor that makes a sum over this rank's hidden atoms this rank's loss for a mean over all hidden
    /// atoms of the view.
    pub fn per_hidden(&self, view: usize) -> f64 {
        self.weight(self.sizes.hidden.get(view).copied().unwrap_or(0))
    }

    /// Weighs a mean over this rank's crystals as this rank's loss for a mean over all crystals.
    pub fn of_crystals<const D: usize>(&self, mean: Tensor<D>) -> Tensor<D> {
        self.weighed(mean, self.ranks.count() * self.share.crystals, self.sizes.crystals)
    }

    /// Weighs a mean over this rank's atoms as this rank's loss for a mean over all atoms.
    pub fn of_atoms<const D: usize>(&self, mean: Tensor<D>) -> Tensor<D> {
        self.weighed(mean, self.ranks.count() * self.share.atoms, self.sizes.atoms)
    }

    /// Weighs a mean over this rank's atoms, so that the sum over the ranks is the mean over all atoms.
    pub fn part_of_atoms<const D: usize>(&self, mean: Tensor<D>) -> Tensor<D> {
        self.weighed(mean, self.share.atoms, self.sizes.atoms)
    }

    /// Weighs a mean over this rank's crystals, so that the sum over the ranks is the mean over all crystals.
    pub fn part_of_crystals<const D: usize>(&self, mean: Tensor<D>) -> Tensor<D> {
        self.weighed(mean, self.share.crystals, self.sizes.crystals)
    }

    /// Returns `mean · own / all`, and the mean itself on a single rank.
    fn weighed<const D: usize>(&self, mean: Tensor<D>, own: usize, all: usize) -> Tensor<D> {
        if self.ranks.is_alone() { mean } else { mean * (own as f64 / all.max(1) as f64) }
    }
}
