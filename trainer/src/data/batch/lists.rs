//! Batches from lists of atoms and edges, and changes of a batch's edges.

use std::collections::BTreeMap;

use super::{BatchFloat, GraphBatch, LineGraph};
use crate::data::error::GraphError;
use crate::data::graph::LARGEST_ATOMIC_NUMBER;
use crate::data::share::Origin;

/// Lists of N atoms and E edges for [`GraphBatch::from_lists`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BatchLists {
    /// Atomic numbers, `[N]`.
    pub atomic_numbers: Vec<i32>,
    /// Index of the crystal of every atom, ascending, `[N]`.
    pub crystal_of_atom: Vec<i32>,
    /// Centre atom i of every edge, ascending, `[E]`.
    pub target: Vec<i32>,
    /// Neighbour atom j of every edge, `[E]`.
    pub source: Vec<i32>,
    /// Length of every edge in Å, `[E]`.
    pub distance: Vec<f64>,
    /// Pairs of the line graph, if the batch is to have it.
    pub line_graph: Option<LineLists>,
}

/// Lists of L pairs of edges. See [`LineGraph`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LineLists {
    /// Edge e1 of every pair, `[L]`.
    pub source: Vec<i32>,
    /// Edge e2 of every pair, ascending, `[L]`.
    pub target: Vec<i32>,
    /// Cosine of the angle at the atom that the edges share, `[L]`.
    pub cosine: Vec<f64>,
}

impl<R: BatchFloat> GraphBatch<R> {
    /// Builds a batch from lists. Crystals are named by their index. Their lattice parameters and the centre distances
    /// of the atoms are zero, and of the optional parts it has at most the line graph.
    ///
    /// # Errors
    /// [`GraphError`] if lists that belong together differ in length, an index or an atomic number is out of range,
    /// or a list does not ascend that should.
    pub fn from_lists(lists: BatchLists) -> Result<Self, GraphError> {
        let (atoms, edges) = (lists.atomic_numbers.len(), lists.target.len());
        check_length("crystal_of_atom", lists.crystal_of_atom.len(), atoms)?;
        check_length("source", lists.source.len(), edges)?;
        check_length("distance", lists.distance.len(), edges)?;
        check_indices("atomic_numbers", &lists.atomic_numbers, usize::from(LARGEST_ATOMIC_NUMBER) + 1)?;
        check_groups("crystal_of_atom", &lists.crystal_of_atom, atoms)?;
        check_groups("target", &lists.target, atoms)?;
        check_indices("source", &lists.source, atoms)?;
        let crystals = lists.crystal_of_atom.last().map_or(0, |&last| last as usize + 1);
        let atom_offsets = offsets(&lists.crystal_of_atom, crystals);
        let (outgoing, outgoing_edges) = grouped(&lists.source, atoms);
        Ok(Self {
            material_ids: (0..crystals).map(|crystal| crystal.to_string()).collect(),
            atom_offsets: atom_offsets.into_iter().map(|offset| offset as usize).collect(),
            lattice_parameters: vec![R::from_f64(0.0); 6 * crystals],
            centre_distances: vec![R::from_f64(0.0); atoms],
            incoming: offsets(&lists.target, atoms),
            outgoing,
            outgoing_edges,
            distance: cast(&lists.distance),
            line_graph: lists.line_graph.map(|pairs| LineGraph::from_lists(pairs, edges)).transpose()?,
            atomic_numbers: lists.atomic_numbers,
            crystal_of_atom: lists.crystal_of_atom,
            target: lists.target,
            source: lists.source,
            bases: None,
            labels: None,
            images: None,
            vectors: None,
            reverse: None,
            positions: None,
            properties: BTreeMap::new(),
            origin: Origin::default(),
            pairs: 0,
            triplets: 0,
        })
    }

    /// Replaces the edges by others of the same atoms, and removes the optional parts that describe edges.
    ///
    /// # Panics
    /// If a target or source is no atom of the batch, or the lists differ in length.
    pub fn replace_edges(&mut self, target: Vec<i32>, source: Vec<i32>, distance: Vec<R>) {
        assert_eq!([source.len(), distance.len()], [target.len(); 2], "lists of the same edges");
        self.incoming = offsets(&target, self.atoms());
        (self.target, self.source, self.distance) = (target, source, distance);
        (self.bases, self.line_graph, self.labels) = (None, None, None);
        (self.images, self.vectors, self.reverse) = (None, None, None);
        self.regroup_by_source();
    }

    /// Groups the edges by `source` again, after it was changed. The optional parts stay as they are, and no longer
    /// describe edges that have another source now.
    ///
    /// # Panics
    /// If a source is no atom of the batch.
    pub fn regroup_by_source(&mut self) {
        (self.outgoing, self.outgoing_edges) = grouped(&self.source, self.atoms());
    }
}

impl<R: BatchFloat> LineGraph<R> {
    /// Builds the line graph of a number of edges from its pairs.
    fn from_lists(lists: LineLists, edges: usize) -> Result<Self, GraphError> {
        check_length("source of the line graph", lists.source.len(), lists.target.len())?;
        check_length("cosine", lists.cosine.len(), lists.target.len())?;
        check_groups("target of the line graph", &lists.target, edges)?;
        check_indices("source of the line graph", &lists.source, edges)?;
        let (outgoing, outgoing_edges) = grouped(&lists.source, edges);
        Ok(Self {
            incoming: offsets(&lists.target, edges),
            outgoing,
            outgoing_edges,
            cosine: cast(&lists.cosine),
            source: lists.source,
            target: lists.target,
        })
    }
}

fn cast<R: BatchFloat>(values: &[f64]) -> Vec<R> {
    values.iter().map(|&value| R::from_f64(value)).collect()
}

fn check_length(list: &'static str, found: usize, expected: usize) -> Result<(), GraphError> {
    if found == expected { Ok(()) } else { Err(GraphError::Length { list, found, expected }) }
}

/// Refuses values outside `0..count`.
fn check_indices(list: &'static str, indices: &[i32], count: usize) -> Result<(), GraphError> {
    let wrong = |&index: &i32| usize::try_from(index).map_or(true, |index| index >= count);
    match indices.iter().position(wrong) {
        Some(position) => Err(GraphError::Index { list, position, value: indices[position], count }),
        None => Ok(()),
    }
}

/// Refuses values outside `0..count` and those that are less than the one before.
fn check_groups(list: &'static str, indices: &[i32], count: usize) -> Result<(), GraphError> {
    check_indices(list, indices, count)?;
    match indices.windows(2).position(|pair| pair[0] > pair[1]) {
        Some(position) => Err(GraphError::Ascent { list, position: position + 1 }),
        None => Ok(()),
    }
}

/// Returns the offsets of groups from the group of every item, `[groups + 1]`.
fn offsets(group_of_item: &[i32], groups: usize) -> Vec<i32> {
    let mut offsets = vec![0; groups + 1];
    for &group in group_of_item {
        offsets[group as usize + 1] += 1;
    }
    for group in 0..groups {
        offsets[group + 1] += offsets[group];
    }
    offsets
}

/// Returns the offsets of groups and the items of every group, ascending.
fn grouped(group_of_item: &[i32], groups: usize) -> (Vec<i32>, Vec<i32>) {
    let offsets = offsets(group_of_item, groups);
    let mut next = offsets.clone();
    let mut items = vec![0; group_of_item.len()];
    for (item, &group) in group_of_item.iter().enumerate() {
        let place = &mut next[group as usize];
        items[*place as usize] = item as i32;
        *place += 1;
    }
    (offsets, items)
}
