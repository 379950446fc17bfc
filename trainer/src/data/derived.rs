//! The edges of a form of the graph, from those that the store holds.

use crate::data::connectivity::{Graph, SelfEdges};
use crate::data::edge_lists::{Edge, EdgeLists};
use crate::data::input::GraphInput;
use crate::data::simple::SimpleEdges;
use crate::data::undirected::UndirectedEdges;

/// Maximum length in Å of an edge along the lattice, which the cutoff does not bound.
const LONGEST_LATTICE_EDGE_ANGSTROM: f64 = 1e6;

/// Edges of one crystal in a form of the graph. The buffers are reused from crystal to crystal.
#[derive(Debug, Clone, Default)]
pub(crate) struct DerivedEdges {
    simple: SimpleEdges,
    undirected: UndirectedEdges,
    edges: EdgeLists,
}

impl DerivedEdges {
    /// Replaces the content by the edges of a crystal with valid indices and lists.
    pub(crate) fn rebuild(&mut self, input: &GraphInput<'_>, graph: Graph) {
        let edges = &mut self.edges;
        edges.clear();
        match graph {
            Graph::Multigraph => (0..input.target.len()).for_each(|edge| edges.push(Edge::of(input, edge))),
            Graph::Simple => self.simple.list(input, edges),
            Graph::Undirected { self_edges } => self.undirected.list(input, self_edges, false, edges),
            Graph::UndirectedWithLattice => self.undirected.list(input, SelfEdges::Twice, true, edges),
        }
    }

    /// Returns the crystal with these edges instead of its own.
    pub(crate) fn of<'a>(&'a self, input: &GraphInput<'a>) -> GraphInput<'a> {
        self.edges.of(input)
    }
}

/// Returns the maximum length of an edge in Å in a form of the graph, from the cutoff of the stored edges.
pub(crate) fn longest_edge(graph: Graph, cutoff_angstrom: f64) -> f64 {
    match graph {
        Graph::Multigraph | Graph::Simple | Graph::Undirected { .. } => cutoff_angstrom,
        Graph::UndirectedWithLattice => LONGEST_LATTICE_EDGE_ANGSTROM,
    }
}
