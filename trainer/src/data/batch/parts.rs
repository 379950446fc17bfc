//! Optional parts of a batch, for the models that need them.

use super::{BatchFloat, BatchSettings, Capacities, offsets_of};
use crate::data::basis::{AngularBasis, SPHERICAL, envelope, spherical};
use crate::data::bessel::ORDERS;
use crate::data::graph::CrystalGraph;
use crate::data::labels::HOME_DIRECTION;

/// Bases of DimeNet++ (specification, section 3) for N atoms, E edges, P pairs of edges and T triplets.
#[derive(Debug, Clone, PartialEq)]
pub struct Bases<R> {
    /// Envelope `u(d / cutoff)`, `[E]`.
    pub envelope: Vec<R>,
    /// Spherical radial basis S, `[E, 42]`.
    pub spherical: Vec<R>,
    /// Angular functions `Y_l(cos θ)` of every pair, `[P, 7]`. Pairs are ordered by atom j, then by edge ji in
    /// `outgoing` of j, then by edge kj in `incoming` of j. The functions are zero if kj is the reverse of ji.
    pub angular: Vec<R>,
    /// Index of the first pair of every atom j, then P, `[N + 1]`.
    pub pair_offsets: Vec<i32>,
    /// Lists of the triplets, if requested in addition to the dense pairs.
    pub triplets: Option<TripletLists>,
}

/// Lists of T triplets, sorted by (ji, kj).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TripletLists {
    /// Edge kj of every triplet, `[T]`.
    pub kj: Vec<i32>,
    /// Edge ji of every triplet, `[T]`.
    pub ji: Vec<i32>,
    /// Row of every triplet in [`Bases::angular`], `[T]`.
    pub pair: Vec<i32>,
}

/// Cosines of the angles of P pairs of edges, in the order of [`Bases::angular`].
#[derive(Debug, Clone, PartialEq)]
pub struct PairCosines<R> {
    /// Edge kj of every pair, `[P]`.
    pub kj: Vec<i32>,
    /// Edge ji of every pair, `[P]`.
    pub ji: Vec<i32>,
    /// `cos θ` of every pair (specification, section 2.5), `[P]`. It is 1 for a straight path and -1 for an edge and
    /// its reverse.
    pub cosine: Vec<R>,
}

/// Periodic labels of E edges (specification, section 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeLabels {
    /// Direction class, 0..=26, `[E]`.
    pub direction: Vec<i32>,
    /// 1 for an edge within one cell, 0 for any other, `[E]`.
    pub same_cell: Vec<i32>,
}

impl<R: BatchFloat> Bases<R> {
    pub(super) fn with_capacities_of(sizes: &Capacities, settings: &BatchSettings) -> Self {
        let lists = || TripletLists {
            kj: Vec::with_capacity(sizes.triplets),
            ji: Vec::with_capacity(sizes.triplets),
            pair: Vec::with_capacity(sizes.triplets),
        };
        Self {
            envelope: Vec::with_capacity(sizes.edges),
            spherical: Vec::with_capacity(SPHERICAL * sizes.edges),
            angular: Vec::with_capacity(ORDERS * sizes.pairs),
            pair_offsets: offsets_of(sizes.atoms),
            triplets: settings.with_triplets.then(lists),
        }
    }

    /// Adds a crystal whose first edge is `first_edge`. `first_pair` is a buffer.
    pub(super) fn push(
        &mut self,
        graph: &CrystalGraph,
        cutoff: f64,
        first_edge: i32,
        first_pair: &mut Vec<usize>,
    ) {
        for &distance in graph.distance() {
            let x = distance / cutoff;
            let u = envelope(x);
            self.envelope.push(R::from_f64(u));
            self.spherical.extend_from_slice(&spherical(x, u).map(R::from_f64));
        }
        self.push_pairs(graph, first_pair);
        if let Some(lists) = &mut self.triplets {
            lists.push(graph, first_edge, first_pair);
        }
    }

    /// Adds the pairs of a crystal. `first_pair` is set to the first pair of every edge ji.
    fn push_pairs(&mut self, graph: &CrystalGraph, first_pair: &mut Vec<usize>) {
        let (adjacency, basis) = (graph.adjacency(), AngularBasis::default());
        let angular = &mut self.angular;
        first_pair.clear();
        first_pair.resize(adjacency.edges(), 0);
        for atom in 0..adjacency.atoms() {
            let (incoming, outgoing) = (adjacency.incoming(atom), adjacency.outgoing(atom));
            let first = angular.len() / ORDERS;
            // Zeros first, atom by atom while they are in the cache: those of excluded pairs stay.
            angular.resize(angular.len() + ORDERS * incoming.len() * outgoing.len(), R::from_f64(0.0));
            let mut rows = angular[ORDERS * first..].chunks_exact_mut(ORDERS);
            for (position, &ji) in outgoing.iter().enumerate() {
                let ji = ji as usize;
                first_pair[ji] = first + position * incoming.len();
                let reverse = adjacency.reverse(ji);
                for (kj, row) in incoming.clone().zip(&mut rows) {
                    if reverse != Some(kj) {
                        let values = basis.values(graph.cosine(kj, ji));
                        for (place, value) in row.iter_mut().zip(values) {
                            *place = R::from_f64(value);
                        }
                    }
                }
            }
            self.pair_offsets.push((angular.len() / ORDERS) as i32);
        }
    }
}

impl TripletLists {
    fn push(&mut self, graph: &CrystalGraph, first_edge: i32, first_pair: &[usize]) {
        let adjacency = graph.adjacency();
        for (ji, first_pair) in first_pair.iter().enumerate() {
            let reverse = adjacency.reverse(ji);
            for (column, kj) in adjacency.incoming(adjacency.source(ji)).enumerate() {
                if reverse != Some(kj) {
                    self.kj.push(first_edge + kj as i32);
                    self.ji.push(first_edge + ji as i32);
                    self.pair.push((first_pair + column) as i32);
                }
            }
        }
    }
}

impl<R: BatchFloat> PairCosines<R> {
    pub(super) fn with_capacities_of(sizes: &Capacities) -> Self {
        Self {
            kj: Vec::with_capacity(sizes.pairs),
            ji: Vec::with_capacity(sizes.pairs),
            cosine: Vec::with_capacity(sizes.pairs),
        }
    }

    /// Adds a crystal whose first edge is `first_edge`.
    pub(super) fn push(&mut self, graph: &CrystalGraph, first_edge: i32) {
        let adjacency = graph.adjacency();
        for atom in 0..adjacency.atoms() {
            for &ji in adjacency.outgoing(atom) {
                for kj in adjacency.incoming(atom) {
                    self.kj.push(first_edge + kj as i32);
                    self.ji.push(first_edge + ji as i32);
                    self.cosine.push(R::from_f64(graph.cosine(kj, ji as usize)));
                }
            }
        }
    }
}

impl EdgeLabels {
    pub(super) fn with_capacities_of(sizes: &Capacities) -> Self {
        Self { direction: Vec::with_capacity(sizes.edges), same_cell: Vec::with_capacity(sizes.edges) }
    }

    /// Adds the directions of a crystal. For both kinds of labels, an edge stays in its cell if its direction is the
    /// home cell.
    pub(super) fn push(&mut self, directions: &[u8]) {
        self.direction.extend(directions.iter().map(|&label| i32::from(label)));
        self.same_cell.extend(directions.iter().map(|&label| i32::from(label == HOME_DIRECTION)));
    }
}
