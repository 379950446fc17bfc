//! A batch of crystals as tensors.

use std::sync::Arc;

use burn::prelude::*;
use burn::tensor::Element;

use super::mask::{Masks, View};
use crate::data::basis::SPHERICAL;
use crate::data::bessel::ORDERS;
use crate::data::{BatchFloat, GraphBatch};
use crate::device;
use crate::ops::{Edges, Triplets};
use crate::ranks::{Ranks, Sizes, Whole};

/// Tensors of a batch; N atoms, E edges, B crystals.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Number of crystals.
    pub crystals: usize,
    /// Number of atoms.
    pub atoms: usize,
    /// Number of edges.
    pub edge_count: usize,
    /// Ends, groups and angles of the edges.
    pub edges: Edges,
    /// Z of every atom, shape `[N]`.
    pub atomic_numbers: Tensor<1, Int>,
    /// Crystal of every atom, shape `[N]`.
    pub crystal_of_atom: Tensor<1, Int>,
    /// Atoms of every crystal, shape `[B, 1]`.
    pub atom_counts: Tensor<2>,
    /// a, b, c in Å, α, β, γ in degrees, shape `[B, 6]`.
    pub lattice_parameters: Tensor<2>,
    /// Distance of every atom from its crystal's centre in Å, shape `[N]`.
    pub centre_distances: Tensor<1>,
    /// Length of every edge in Å, shape `[E]`.
    pub distances: Tensor<1>,
    /// `x = d / cutoff`, shape `[E, 1]`.
    pub scaled_distances: Tensor<2>,
    /// Envelope `u(x)`, shape `[E, 1]`.
    pub envelope: Tensor<2>,
    /// Spherical basis without its angular part, shape `[E, 42]`.
    pub spherical: Tensor<2>,
    /// Number of edges that end at each atom, shape `[N, 1]`.
    pub degrees: Tensor<2>,
    /// Direction label of every edge, shape `[E]`.
    pub directions: Tensor<1, Int>,
    /// Same-cell label of every edge, shape `[E]`.
    pub same_cell: Tensor<1, Int>,
    /// What the two views hide.
    pub views: [View; 2],
    /// What its items count in means over the batch of which this is one rank's share.
    pub whole: Whole,
}

impl Batch {
    /// Moves a batch that is not shared to a device. `device` is the one without automatic
    /// differentiation: the tensors are data.
    pub fn new<R: Element + BatchFloat>(
        batch: GraphBatch<R>,
        masks: &Masks,
        cutoff_angstrom: f64,
        device: &Device,
    ) -> Self {
        let whole = Whole::alone(sizes(&batch, masks));
        Self::of_whole(batch, masks, cutoff_angstrom, whole, device)
    }

    /// As [`Batch::new`], of this rank's share of a batch; every rank must do so.
    pub fn shared<R: Element + BatchFloat>(
        batch: GraphBatch<R>,
        masks: &Masks,
        cutoff_angstrom: f64,
        ranks: &Arc<dyn Ranks>,
        device: &Device,
    ) -> Self {
        let whole = Whole::of(sizes(&batch, masks), ranks);
        Self::of_whole(batch, masks, cutoff_angstrom, whole, device)
    }

    fn of_whole<R: Element + BatchFloat>(
        batch: GraphBatch<R>,
        masks: &Masks,
        cutoff_angstrom: f64,
        whole: Whole,
        device: &Device,
    ) -> Self {
        let (crystals, atoms, edge_count) = (batch.crystals(), batch.atoms(), batch.edges());
        let pairs = batch.pairs();
        let float = |values: Vec<R>| -> Tensor<1> {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), (device, R::dtype()))
        };
        let int = |values: Vec<i32>| -> Tensor<1, Int> {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), device)
        };
        let numbers = |values: Vec<usize>| -> Tensor<2> {
            let count = values.len();
            let values = values.into_iter().map(|value| R::from_f64(value as f64)).collect();
            float(values).reshape([count, 1])
        };
        let view = |hidden: &[bool], weight: f64| {
            let weights = hidden.iter().map(|&hidden| R::from_f64(if hidden { weight } else { 0.0 }));
            View {
                hidden: Tensor::from_data(TensorData::new(hidden.to_vec(), [atoms]), device),
                weights: float(weights.collect()),
            }
        };
        let views = [view(&masks.first, whole.per_hidden(0)), view(&masks.second, whole.per_hidden(1))];
        let degrees = batch.incoming.windows(2).map(|pair| (pair[1] - pair[0]) as usize).collect();
        let atom_counts = batch.atom_offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let triplets =
            (!batch.triplet_ji.is_empty() || !device::computes_on_host(device)).then(|| Triplets {
                incoming_edge: int(batch.triplet_kj),
                outgoing_edge: int(batch.triplet_ji),
                pair: int(batch.triplet_pair),
            });
        let distances = float(batch.distance);
        Self {
            crystals,
            atoms,
            edge_count,
            edges: Edges {
                target: int(batch.target),
                source: int(batch.source),
                incoming: int(batch.incoming),
                outgoing: int(batch.outgoing),
                outgoing_edges: int(batch.outgoing_edges),
                pair_offsets: int(batch.pair_offsets),
                angular: float(batch.angular).reshape([pairs, ORDERS]),
                triplets,
            },
            atomic_numbers: int(batch.atomic_numbers),
            crystal_of_atom: int(batch.crystal_of_atom),
            atom_counts: numbers(atom_counts),
            lattice_parameters: float(batch.lattice_parameters).reshape([crystals, 6]),
            centre_distances: float(batch.centre_distances),
            scaled_distances: distances.clone().reshape([edge_count, 1]) / cutoff_angstrom,
            distances,
            envelope: float(batch.envelope).reshape([edge_count, 1]),
            spherical: float(batch.spherical).reshape([edge_count, SPHERICAL]),
            degrees: numbers(degrees),
            directions: int(batch.direction),
            same_cell: int(batch.same_cell),
            views,
            whole,
        }
    }
}

/// The sizes of a batch.
fn sizes<R>(batch: &GraphBatch<R>, masks: &Masks) -> Sizes {
    let hidden = [&masks.first, &masks.second].map(|view| view.iter().filter(|&&hidden| hidden).count());
    Sizes { crystals: batch.crystals(), atoms: batch.atoms(), edges: batch.edges(), hidden }
}
