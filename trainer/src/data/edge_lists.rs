//! Lists of edges that replace those of a crystal.

use crate::data::input::GraphInput;
use crate::data::labels::DIRECTIONS;

/// A directed edge. Edges are ordered by target, source and image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    /// Centre atom i.
    pub(crate) target: u32,
    /// Neighbour atom j.
    pub(crate) source: u32,
    /// Cell image k of the neighbour.
    pub(crate) image: [i16; 3],
    /// Direction label.
    pub(crate) direction: u8,
}

impl Edge {
    /// Returns an edge of a crystal with valid lists.
    pub(crate) fn of(input: &GraphInput<'_>, edge: usize) -> Self {
        Self {
            target: input.target[edge],
            source: input.source[edge],
            image: input.image.map(|axis| axis[edge]),
            direction: input.direction[edge],
        }
    }

    /// Returns the edge from the other end, with image -k and the opposite direction.
    pub(crate) fn reverse(self) -> Self {
        Self {
            target: self.source,
            source: self.target,
            // No neighbour search finds the image that has no opposite.
            image: self.image.map(i16::saturating_neg),
            direction: DIRECTIONS as u8 - 1 - self.direction,
        }
    }

    /// Returns what tells the edge from others.
    pub(crate) fn ends(&self) -> (u32, u32, [i16; 3]) {
        (self.target, self.source, self.image)
    }
}

/// Edges of a crystal, ascending by target. The buffers are reused from crystal to crystal.
#[derive(Debug, Clone, Default)]
pub(crate) struct EdgeLists {
    source: Vec<u32>,
    target: Vec<u32>,
    image: [Vec<i16>; 3],
    direction: Vec<u8>,
}

impl EdgeLists {
    /// Removes all edges.
    pub(crate) fn clear(&mut self) {
        self.source.clear();
        self.target.clear();
        self.image.iter_mut().for_each(Vec::clear);
        self.direction.clear();
    }

    /// Appends an edge.
    pub(crate) fn push(&mut self, edge: Edge) {
        self.source.push(edge.source);
        self.target.push(edge.target);
        for (axis, component) in self.image.iter_mut().zip(edge.image) {
            axis.push(component);
        }
        self.direction.push(edge.direction);
    }

    /// Returns the crystal with these edges instead of its own.
    pub(crate) fn of<'a>(&'a self, input: &GraphInput<'a>) -> GraphInput<'a> {
        GraphInput {
            source: &self.source,
            target: &self.target,
            image: [&self.image[0], &self.image[1], &self.image[2]],
            direction: &self.direction,
            ..*input
        }
    }
}
