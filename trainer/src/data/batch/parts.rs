//! Optional parts of a batch, for the models that need them.

use super::{BatchFloat, Capacities, offsets_of};
use crate::data::basis::{AngularBasis, SPHERICAL, envelope, spherical};
use crate::data::bessel::ORDERS;
use crate::data::graph::CrystalGraph;
use crate::data::input::GraphInput;
use crate::data::labels::HOME_DIRECTION;

/// Bases of DimeNet++ (specification, section 3) for N atoms, E edges and P pairs of edges.
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
}

/// Line graph of E edges: its nodes are the edges, and its L pairs join an edge e1 with the edges e2 that start where e1
/// ends. The reverse of an edge is among them. The edge itself is too, for a self edge that the graph has once
/// ([`SelfEdges::Once`](crate::data::connectivity::SelfEdges::Once)). Pairs are sorted by (e2, e1).
#[derive(Debug, Clone, PartialEq)]
pub struct LineGraph<R> {
    /// Edge e1 of every pair, which sends, `[L]`.
    pub source: Vec<i32>,
    /// Edge e2 of every pair, which receives, `[L]`.
    pub target: Vec<i32>,
    /// Offsets by e2, `[E + 1]`: the pairs `incoming[e]..incoming[e + 1]` end at edge e.
    pub incoming: Vec<i32>,
    /// Offsets by e1, `[E + 1]`: the entries `outgoing[e]..outgoing[e + 1]` of `outgoing_edges` start at edge e.
    pub outgoing: Vec<i32>,
    /// Pairs grouped by e1, ascending inside a group, `[L]`.
    pub outgoing_edges: Vec<i32>,
    /// Cosine of the angle between the two edges at the atom they share, `[L]`. It is 1 for an edge and its reverse,
    /// and -1 for a straight path: the negative of the specification's `cos θ` (section 2.5).
    pub cosine: Vec<R>,
}

/// Positions of N atoms in B crystals. They stay on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Positions {
    /// Wrapped fractional positions, `[N, 3]`.
    pub fractional: Vec<[f64; 3]>,
    /// Lattice vectors l1, l2, l3 of every crystal as rows, in Å, `[B, 3, 3]`.
    pub lattice_vectors: Vec<[[f64; 3]; 3]>,
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
    pub(super) fn with_capacities_of(sizes: &Capacities) -> Self {
        Self {
            envelope: Vec::with_capacity(sizes.edges),
            spherical: Vec::with_capacity(SPHERICAL * sizes.edges),
            angular: Vec::with_capacity(ORDERS * sizes.pairs),
            pair_offsets: offsets_of(sizes.atoms),
        }
    }

    /// Adds a crystal.
    pub(super) fn push(&mut self, graph: &CrystalGraph, cutoff: f64) {
        for &distance in graph.distance() {
            let x = distance / cutoff;
            let u = envelope(x);
            self.envelope.push(R::from_f64(u));
            self.spherical.extend_from_slice(&spherical(x, u).map(R::from_f64));
        }
        self.push_pairs(graph);
    }

    /// Adds the pairs of a crystal.
    fn push_pairs(&mut self, graph: &CrystalGraph) {
        let (adjacency, basis) = (graph.adjacency(), AngularBasis::default());
        let angular = &mut self.angular;
        for atom in 0..adjacency.atoms() {
            let (incoming, outgoing) = (adjacency.incoming(atom), adjacency.outgoing(atom));
            let first = angular.len() / ORDERS;
            // Zeros first, atom by atom while they are in the cache: those of excluded pairs stay.
            angular.resize(angular.len() + ORDERS * incoming.len() * outgoing.len(), R::from_f64(0.0));
            let mut rows = angular[ORDERS * first..].chunks_exact_mut(ORDERS);
            for &ji in outgoing {
                let ji = ji as usize;
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

impl<R: BatchFloat> LineGraph<R> {
    pub(super) fn with_capacities_of(sizes: &Capacities) -> Self {
        Self {
            source: Vec::with_capacity(sizes.pairs),
            target: Vec::with_capacity(sizes.pairs),
            incoming: offsets_of(sizes.edges),
            outgoing: offsets_of(sizes.edges),
            outgoing_edges: Vec::with_capacity(sizes.pairs),
            cosine: Vec::with_capacity(sizes.pairs),
        }
    }

    /// Adds a crystal whose first edge is `first_edge`. `with_itself` joins a self edge with itself, too.
    pub(super) fn push(&mut self, graph: &CrystalGraph, first_edge: i32, with_itself: bool) {
        let adjacency = graph.adjacency();
        for e2 in 0..adjacency.edges() {
            for e1 in adjacency.incoming(adjacency.source(e2)) {
                if with_itself || e1 != e2 {
                    self.source.push(first_edge + e1 as i32);
                    self.target.push(first_edge + e2 as i32);
                    self.cosine.push(R::from_f64(-graph.cosine(e1, e2)));
                }
            }
            self.incoming.push(self.target.len() as i32);
        }
        let first_pairs = &self.incoming[first_edge as usize..];
        for atom in 0..adjacency.atoms() {
            let incoming = adjacency.incoming(atom);
            for (place, e1) in incoming.clone().enumerate() {
                for e2 in adjacency.outgoing(atom).iter().map(|&e2| e2 as usize) {
                    if with_itself || e1 != e2 {
                        // The pair of e2 with itself is left out before this one.
                        let left_out = !with_itself && incoming.contains(&e2) && e2 < e1;
                        let pair = first_pairs[e2] + place as i32 - i32::from(left_out);
                        self.outgoing_edges.push(pair);
                    }
                }
                self.outgoing.push(self.outgoing_edges.len() as i32);
            }
        }
    }
}

impl Positions {
    pub(super) fn with_capacities_of(sizes: &Capacities) -> Self {
        Self {
            fractional: Vec::with_capacity(sizes.atoms),
            lattice_vectors: Vec::with_capacity(sizes.crystals),
        }
    }

    /// Adds the atoms and the lattice of a crystal.
    pub(super) fn push(&mut self, input: &GraphInput<'_>) {
        self.fractional.extend_from_slice(input.fractional_positions.as_chunks().0);
        self.lattice_vectors.push(input.lattice_vectors);
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
