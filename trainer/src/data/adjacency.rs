//! Adjacency of a crystal's edges, and the pairs that are excluded from the triplets (specification, section 2.5).

use std::ops::Range;

use schemas::limits;

use crate::data::error::GraphError;
use crate::data::input::GraphInput;

/// Marks an edge without a reverse.
const NONE: u32 = u32::MAX;

/// Edges of one crystal grouped by target and by source, and the reverse of every edge.
///
/// A pair (kj, ji) is an edge kj that ends where the edge ji starts. A triplet is a pair that is not an edge with its
/// exact reverse. The buffers are reused from crystal to crystal.
#[derive(Debug, Clone, Default)]
pub struct Adjacency {
    source: Vec<u32>,
    incoming: Vec<u32>,
    outgoing: Vec<u32>,
    outgoing_edges: Vec<u32>,
    reverse: Vec<u32>,
    next_outgoing: Vec<u32>,
    pairs: usize,
    excluded: usize,
}

impl Adjacency {
    /// Replaces the content by the edges of a crystal.
    ///
    /// # Errors
    /// [`GraphError`] if lists that belong together differ in length, an edge refers to a missing site, edges do not
    /// ascend by target, or there are more edges than a store may hold.
    pub fn rebuild(&mut self, input: &GraphInput<'_>) -> Result<(), GraphError> {
        self.rebuild_without_reverses(input)?;
        self.find_reverses(input);
        Ok(())
    }

    /// Replaces the content as [`Adjacency::rebuild`] does, but without reverse edges and triplets.
    pub(crate) fn rebuild_without_reverses(&mut self, input: &GraphInput<'_>) -> Result<(), GraphError> {
        check_edges(input)?;
        let sites = input.atomic_numbers.len();
        // Before anything takes a step for each pair.
        limits::check(sites, input.source, input.target)?;
        self.source.clear();
        self.source.extend_from_slice(input.source);
        offsets(&mut self.incoming, input.target, sites);
        offsets(&mut self.outgoing, input.source, sites);
        self.next_outgoing.clear();
        self.next_outgoing.extend_from_slice(&self.outgoing[..sites]);
        self.outgoing_edges.clear();
        self.outgoing_edges.resize(input.source.len(), 0);
        for (edge, &source) in input.source.iter().enumerate() {
            let next = &mut self.next_outgoing[source as usize];
            self.outgoing_edges[*next as usize] = edge as u32;
            *next += 1;
        }
        self.reverse.clear();
        self.excluded = 0;
        self.pairs = (0..sites).map(|atom| self.incoming(atom).len() * self.outgoing(atom).len()).sum();
        Ok(())
    }

    /// Finds the reverse of every edge: for the edge i←j with image k, the edge j←i with image -k.
    fn find_reverses(&mut self, input: &GraphInput<'_>) {
        let image = |edge: usize| input.image.map(|axis| i32::from(axis[edge]));
        for (edge, (&source, &target)) in input.source.iter().zip(input.target).enumerate() {
            let backwards = image(edge).map(|component| -component);
            let mut candidates = bounds(&self.incoming, source as usize);
            let found = candidates.find(|&other| input.source[other] == target && image(other) == backwards);
            self.excluded += usize::from(found.is_some());
            self.reverse.push(found.map_or(NONE, |other| other as u32));
        }
    }

    /// Returns the number of atoms.
    pub fn atoms(&self) -> usize {
        self.incoming.len().saturating_sub(1)
    }

    /// Returns the number of edges.
    pub fn edges(&self) -> usize {
        self.source.len()
    }

    /// Returns the number of pairs of an edge with one that ends where it starts.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Returns the number of triplets: all pairs except those of an edge and its reverse.
    pub fn triplets(&self) -> usize {
        self.pairs - self.excluded
    }

    /// Returns the edges that end at an atom.
    pub fn incoming(&self, atom: usize) -> Range<usize> {
        bounds(&self.incoming, atom)
    }

    /// Returns the edges that start at an atom, ascending.
    pub fn outgoing(&self, atom: usize) -> &[u32] {
        &self.outgoing_edges[bounds(&self.outgoing, atom)]
    }

    /// Returns the atom at which an edge starts.
    pub fn source(&self, edge: usize) -> usize {
        self.source[edge] as usize
    }

    /// Returns the exact reverse of an edge, if the graph has it.
    pub fn reverse(&self, edge: usize) -> Option<usize> {
        let reverse = self.reverse[edge];
        (reverse != NONE).then_some(reverse as usize)
    }

    /// Returns the offsets of the edges by target, shape `[atoms + 1]`.
    pub(crate) fn incoming_offsets(&self) -> &[u32] {
        &self.incoming
    }

    /// Returns the offsets of [`Adjacency::outgoing_edges`] by source, shape `[atoms + 1]`.
    pub(crate) fn outgoing_offsets(&self) -> &[u32] {
        &self.outgoing
    }

    /// Returns all edges grouped by source, ascending inside a group, shape `[edges]`.
    pub(crate) fn outgoing_edges(&self) -> &[u32] {
        &self.outgoing_edges
    }
}

/// Refuses edges that cannot be indexed.
fn check_edges(input: &GraphInput<'_>) -> Result<(), GraphError> {
    let edges = input.target.len();
    let lengths = [
        ("edge_source", input.source.len()),
        ("edge_k1", input.image[0].len()),
        ("edge_k2", input.image[1].len()),
        ("edge_k3", input.image[2].len()),
        ("edge_direction", input.direction.len()),
    ];
    if let Some((list, found)) = lengths.into_iter().find(|(_, found)| *found != edges) {
        return Err(GraphError::Length { list, found, expected: edges });
    }
    let sites = input.atomic_numbers.len();
    let mut before = 0;
    for (edge, (&source, &target)) in input.source.iter().zip(input.target).enumerate() {
        let site = source.max(target);
        if site as usize >= sites {
            return Err(GraphError::Site { edge, site, sites });
        }
        if target < before {
            return Err(GraphError::Order { edge });
        }
        before = target;
    }
    Ok(())
}

/// Computes the offsets of groups from the group of every item. Groups are below `groups`.
fn offsets(offsets: &mut Vec<u32>, group_of_item: &[u32], groups: usize) {
    offsets.clear();
    offsets.resize(groups + 1, 0);
    for &group in group_of_item {
        offsets[group as usize + 1] += 1;
    }
    for group in 0..groups {
        offsets[group + 1] += offsets[group];
    }
}

/// Returns the range of a group's items.
fn bounds(offsets: &[u32], group: usize) -> Range<usize> {
    offsets[group] as usize..offsets[group + 1] as usize
}

#[cfg(test)]
mod tests;
