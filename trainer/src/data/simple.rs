//! The simple graph of a crystal, which has no parallel edges. It is the ablation of the periodic invariance
//! multi-graph module (PIMG).

use crate::data::edge_lists::{Edge, EdgeLists};
use crate::data::input::GraphInput;

/// Stands for no centre atom.
const NONE: u32 = u32::MAX;

/// Finder of the edges of a crystal without those from an atom to its own images, and with at most one edge from one
/// atom to another. The buffer is reused from crystal to crystal.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimpleEdges {
    /// For every atom as a neighbour, the last centre atom that it was kept for.
    last_target: Vec<u32>,
}

impl SimpleEdges {
    /// Appends the edges of a crystal with valid indices and lists to `edges`.
    ///
    /// Of parallel edges the first is kept. The edges of an atom are sorted by distance, and edges of equal distance
    /// have a fixed order (specification, section 2.3).
    pub(crate) fn list(&mut self, input: &GraphInput<'_>, edges: &mut EdgeLists) {
        self.last_target.clear();
        self.last_target.resize(input.atomic_numbers.len(), NONE);
        for (edge, (&source, &target)) in input.source.iter().zip(input.target).enumerate() {
            let last = &mut self.last_target[source as usize];
            if source == target || *last == target {
                continue;
            }
            *last = target;
            edges.push(Edge::of(input, edge));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::golden::OwnedInput;

    /// Returns source, target and image of every edge of the simple graph.
    fn simple(crystal: &OwnedInput) -> Vec<(u32, u32, [i16; 3])> {
        let (mut finder, mut edges) = (SimpleEdges::default(), EdgeLists::default());
        // Something to be forgotten.
        finder.list(&OwnedInput::caesium_chloride().borrow(), &mut edges);
        edges.clear();
        let input = crystal.borrow();
        finder.list(&input, &mut edges);
        let kept = edges.of(&input);
        assert_eq!(kept.direction.len(), kept.source.len());
        (0..kept.source.len())
            .map(|edge| (kept.source[edge], kept.target[edge], kept.image.map(|axis| axis[edge])))
            .collect()
    }

    #[test]
    fn an_atom_and_its_images_are_no_neighbours() {
        assert!(simple(&OwnedInput::simple_cubic(3.0)).is_empty());
    }

    #[test]
    fn of_parallel_edges_the_first_stays() {
        assert_eq!(simple(&OwnedInput::caesium_chloride()), [(1, 0, [0, 0, 0]), (0, 1, [0, 0, 0])]);
        let mut chain = OwnedInput::cubic(5.0, &[3, 9, 3], &[[0.0; 3], [0.2, 0.0, 0.0], [0.6, 0.0, 0.0]]);
        chain.edge(0, 1, [0, 0, 0]);
        chain.edge(0, 2, [-1, 0, 0]);
        chain.edge(0, 2, [0, 0, 0]);
        chain.edge(0, 1, [-1, 0, 0]);
        chain.edge(1, 0, [1, 0, 0]);
        chain.edge(1, 1, [1, 0, 0]);
        chain.edge(2, 0, [1, 0, 0]);
        let expected = [(1, 0, [0, 0, 0]), (2, 0, [-1, 0, 0]), (0, 1, [1, 0, 0]), (0, 2, [1, 0, 0])];
        assert_eq!(simple(&chain), expected);
    }
}
