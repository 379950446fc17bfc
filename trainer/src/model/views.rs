//! The two masked views of a batch, as one batch of twice the atoms.
//!
//! The decoders treat both views alike. One batch of both takes half of the operations, whose number decides where an
//! operation costs more than its work.

use burn::prelude::*;

use super::edge_labels::EdgeLabels;
use crate::ops::{BySource, Edges};

/// Both masked views of a batch of N atoms and E edges. The atoms and edges of the second view follow those of the
/// first.
#[derive(Debug, Clone)]
pub struct Views {
    /// Edges of both views; there are no angles.
    pub edges: Edges,
    /// True for a hidden atom, which its view replaces by `[MASK]`, shape `[2 N]`.
    pub hidden: Tensor<1, Bool>,
    /// [`crate::ranks::GlobalSizes::per_hidden`] for a hidden atom, 0 for any other, shape `[2 N]`. The weighted sum
    /// over a view is the mean over its hidden atoms on a single rank, and 0 if it hides none.
    pub weights: Tensor<1>,
    /// Atomic number of every atom, shape `[2 N]`.
    pub atomic_numbers: Tensor<1, Int>,
    /// Distance of every atom from the centre of its crystal in Å, shape `[2 N]`.
    pub centre_distances: Tensor<1>,
    /// Number of edges that end at every atom, shape `[2 N, 1]`.
    pub degrees: Tensor<2>,
    /// Length of every edge in Å: those of the batch, once for each view; shape `[2 E]`.
    pub distances: Tensor<1>,
    labels: Option<EdgeLabels>,
}

/// The parts of a batch that its views have twice.
pub(super) struct Single<'a> {
    pub(super) edges: &'a Edges,
    /// Number of edges, E.
    pub(super) edge_count: usize,
    pub(super) atomic_numbers: &'a Tensor<1, Int>,
    pub(super) centre_distances: &'a Tensor<1>,
    pub(super) degrees: &'a Tensor<2>,
    pub(super) distances: &'a Tensor<1>,
    pub(super) labels: Option<&'a EdgeLabels>,
}

/// Joins a tensor with itself along the rows.
fn twice<const D: usize>(tensor: &Tensor<D>) -> Tensor<D> {
    Tensor::cat(vec![tensor.clone(), tensor.clone()], 0)
}

/// Joins integers with themselves plus `by`.
fn shifted(tensor: &Tensor<1, Int>, by: usize) -> Tensor<1, Int> {
    Tensor::cat(vec![tensor.clone(), tensor.clone() + by as i64], 0)
}

/// Joins offsets with those of a second list of `count` entries.
fn offsets(tensor: &Tensor<1, Int>, count: usize) -> Tensor<1, Int> {
    let groups = tensor.dims()[0] - 1;
    Tensor::cat(vec![tensor.clone(), tensor.clone().narrow(0, 1, groups) + count as i64], 0)
}

impl Views {
    /// Creates the views of a batch from their masks, `hidden` and `weights`.
    pub(super) fn new(batch: &Single<'_>, hidden: Tensor<1, Bool>, weights: Tensor<1>) -> Self {
        let &Single { edges, edge_count, .. } = batch;
        let atoms = batch.atomic_numbers.dims()[0];
        Self {
            edges: Edges {
                target: shifted(&edges.target, atoms),
                source: shifted(&edges.source, atoms),
                incoming: offsets(&edges.incoming, edge_count),
                by_source: edges.by_source.as_ref().map(|by_source| BySource {
                    offsets: offsets(&by_source.offsets, edge_count),
                    edges: shifted(&by_source.edges, edge_count),
                }),
                angles: None,
                triplets: None,
            },
            hidden,
            weights,
            atomic_numbers: shifted(batch.atomic_numbers, 0),
            centre_distances: twice(batch.centre_distances),
            degrees: twice(batch.degrees),
            distances: twice(batch.distances),
            labels: batch.labels.map(|labels| EdgeLabels {
                directions: shifted(&labels.directions, 0),
                same_cell: shifted(&labels.same_cell, 0),
            }),
        }
    }

    /// Returns the periodic labels of the edges of both views.
    ///
    /// # Panics
    /// If the batch was built without them.
    pub fn labels(&self) -> &EdgeLabels {
        self.labels.as_ref().expect("`Inputs::labels` must ask for them")
    }
}

/// Joins the rows of both views.
///
/// # Shapes
/// `[N, width]` to `[2 N, width]`.
pub fn in_both_views(rows: Tensor<2>) -> Tensor<2> {
    twice(&rows)
}

/// Returns the rows of view 0 or 1 among those of both.
pub fn of_view<const D: usize>(rows: &Tensor<D>, view: usize) -> Tensor<D> {
    let count = rows.dims()[0] / 2;
    rows.clone().narrow(0, view * count, count)
}
