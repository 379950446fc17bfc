//! The undirected multigraph of a crystal, in which every edge has its reverse.

use crate::data::connectivity::SelfEdges;
use crate::data::edge_lists::{Edge, EdgeLists};
use crate::data::input::GraphInput;
use crate::data::labels::HOME_DIRECTION;

/// Images that Matformer joins every atom with: l3, l2, l1, l2 + l3, l1 + l3 and l1 + l2.
const LATTICE_IMAGES: [[i16; 3]; 6] = [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]];

/// Finder of the edges of the undirected multigraph. The buffers are reused from crystal to crystal.
#[derive(Debug, Clone, Default)]
pub(crate) struct UndirectedEdges {
    /// Undirected edges, each as the directed edge whose target does not exceed its source.
    pairs: Vec<Edge>,
    directed: Vec<Edge>,
}

impl UndirectedEdges {
    /// Appends the edges of a crystal with valid indices and lists to `edges`, ordered by target, source and image.
    ///
    /// An edge i←j with image k stands for the pair of i and j with k, and each pair of the set yields this edge and
    /// j←i with -k. `with_lattice` adds the pairs of every atom with its own images along the lattice.
    pub(crate) fn list(
        &mut self,
        input: &GraphInput<'_>,
        self_edges: SelfEdges,
        with_lattice: bool,
        edges: &mut EdgeLists,
    ) {
        let Self { pairs, directed } = self;
        pairs.clear();
        pairs.extend((0..input.target.len()).map(|edge| {
            let edge = Edge::of(input, edge);
            if edge.target <= edge.source { edge } else { edge.reverse() }
        }));
        if with_lattice {
            let sites = 0..input.atomic_numbers.len() as u32;
            pairs.extend(sites.flat_map(|site| LATTICE_IMAGES.map(|image| lattice_edge(site, image))));
        }
        pairs.sort_unstable();
        pairs.dedup_by_key(|edge| edge.ends());
        directed.clear();
        directed.extend(pairs.iter().flat_map(|edge| [*edge, edge.reverse()]));
        directed.sort_unstable();
        if self_edges == SelfEdges::Once {
            directed.dedup_by_key(|edge| edge.ends());
        }
        directed.iter().for_each(|edge| edges.push(*edge));
    }
}

/// Whether an image is one that Matformer joins every atom with, in either direction.
pub(crate) fn is_lattice_image(image: [i16; 3]) -> bool {
    LATTICE_IMAGES.contains(&image) || LATTICE_IMAGES.contains(&image.map(|step| -step))
}

/// Returns the edge from an atom to one of its [`LATTICE_IMAGES`].
fn lattice_edge(site: u32, image: [i16; 3]) -> Edge {
    let [first, second, third] = image.map(|step| step as u8);
    let direction = HOME_DIRECTION + 9 * first + 3 * second + third;
    Edge { target: site, source: site, image, direction }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::golden::OwnedInput;

    /// Returns target, source and image of every edge of a form of the graph.
    fn undirected(
        crystal: &OwnedInput,
        self_edges: SelfEdges,
        with_lattice: bool,
    ) -> Vec<(u32, u32, [i16; 3])> {
        let (mut finder, mut edges) = (UndirectedEdges::default(), EdgeLists::default());
        // Something to be forgotten.
        finder.list(&OwnedInput::caesium_chloride().borrow(), SelfEdges::Twice, true, &mut edges);
        edges.clear();
        let input = crystal.borrow();
        finder.list(&input, self_edges, with_lattice, &mut edges);
        let input = edges.of(&input);
        let found: Vec<Edge> = (0..input.target.len()).map(|edge| Edge::of(&input, edge)).collect();
        assert!(found.is_sorted());
        for edge in &found {
            // Those of the image's signs, as the crystal's own are.
            let [first, second, third] = edge.image.map(|component| (component.signum() + 1) as u8);
            assert_eq!(edge.direction, 9 * first + 3 * second + third);
        }
        found.iter().map(Edge::ends).collect()
    }

    #[test]
    fn an_edge_seen_from_one_side_gains_the_other() {
        let mut chain = OwnedInput::cubic(5.0, &[3, 9], &[[0.0; 3], [0.4, 0.0, 0.0]]);
        chain.edge(0, 1, [0, 0, 0]);
        chain.edge(0, 1, [-1, 0, 0]);
        chain.edge(1, 0, [0, 0, 0]);
        chain.edge(1, 0, [1, 1, 0]);
        let expected = [
            (0, 1, [-1, -1, 0]),
            (0, 1, [-1, 0, 0]),
            (0, 1, [0, 0, 0]),
            (1, 0, [0, 0, 0]),
            (1, 0, [1, 0, 0]),
            (1, 0, [1, 1, 0]),
        ];
        for self_edges in [SelfEdges::Twice, SelfEdges::Once] {
            assert_eq!(undirected(&chain, self_edges, false), expected);
        }
    }

    #[test]
    fn a_self_edge_is_there_twice_or_once() {
        let mut chain = OwnedInput::cubic(5.0, &[3], &[[0.0; 3]]);
        chain.edge(0, 0, [0, 0, -1]);
        chain.edge(0, 0, [0, 0, 1]);
        // A list that was cut inside a shell.
        chain.edge(0, 0, [0, -1, 0]);
        let (below, down, up, above) =
            ((0, 0, [0, -1, 0]), (0, 0, [0, 0, -1]), (0, 0, [0, 0, 1]), (0, 0, [0, 1, 0]));
        assert_eq!(undirected(&chain, SelfEdges::Twice, false), [below, down, down, up, up, above]);
        assert_eq!(undirected(&chain, SelfEdges::Once, false), [below, down, up, above]);
    }

    #[test]
    fn lattice_edges_join_those_that_are_there() {
        let none = OwnedInput::cubic(5.0, &[3, 9], &[[0.0; 3], [0.5; 3]]);
        let alone = undirected(&none, SelfEdges::Twice, true);
        assert_eq!(alone.len(), 2 * 12);
        let mut images: Vec<[i16; 3]> = LATTICE_IMAGES.to_vec();
        images.extend(LATTICE_IMAGES.map(|image| image.map(|component| -component)));
        images.sort_unstable();
        let expected: Vec<_> =
            (0..2).flat_map(|site| images.iter().map(move |image| (site, site, *image))).collect();
        assert_eq!(alone, expected);

        let mut some = none;
        some.edge(0, 0, [-1, 0, 0]);
        some.edge(0, 0, [1, 0, 0]);
        some.edge(1, 1, [0, 0, 1]);
        some.edge(1, 1, [1, 1, 1]);
        let counts = |edge| undirected(&some, SelfEdges::Twice, true).iter().filter(|e| **e == edge).count();
        assert_eq!([[1, 0, 0], [-1, 0, 0], [0, 1, 0]].map(|image| counts((0, 0, image))), [2, 2, 1]);
        assert_eq!([[0, 0, 1], [0, 0, -1], [1, 1, 1]].map(|image| counts((1, 1, image))), [1, 1, 1]);
    }
}
