//! Many crystals as one graph, with every basis that depends on data alone.

use std::collections::BTreeMap;

use crate::data::connectivity::Graph;
use crate::data::basis::{AngularBasis, SPHERICAL, envelope, spherical};
use crate::data::bessel::ORDERS;
use crate::data::error::DataError;
use crate::data::graph::CrystalGraph;
use crate::data::input::GraphInput;
use crate::data::labels::HOME_DIRECTION;
use crate::data::share::Origin;
use crate::data::simple::SimpleEdges;

/// Most edges of a batch, whose radial basis takes 700 MiB in single precision.
const MAX_BATCH_EDGES: usize = 1 << 22;
/// Most pairs of edges of a batch, whose angular basis takes 900 MiB in single precision.
const MAX_BATCH_PAIRS: usize = 1 << 25;

/// Floating-point type of a batch. Everything is computed in double precision and then cast.
pub trait BatchFloat: Copy + Send + Sync + 'static {
    /// The nearest value of the type.
    fn from_f64(value: f64) -> Self;
}

impl BatchFloat for f32 {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl BatchFloat for f64 {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// A batch of B crystals with N atoms, E edges, P pairs of edges and T triplets.
///
/// Atoms keep their order; edges are sorted by target, so those of a crystal and those of an atom lie
/// together. A *pair* is an edge with one that ends where it starts, a *triplet* a pair that is not
/// an edge with its exact reverse (specification, section 2.5).
#[derive(Debug, Clone, PartialEq)]
pub struct GraphBatch<R> {
    /// Identifiers, `[B]`.
    pub material_ids: Vec<String>,
    /// First atom of every crystal, and N, `[B + 1]`.
    pub atom_offsets: Vec<usize>,
    /// Atomic numbers, `[N]`.
    pub atomic_numbers: Vec<i32>,
    /// Index of the crystal of every atom, `[N]`.
    pub crystal_of_atom: Vec<i32>,
    /// a, b, c in Å, alpha, beta, gamma in degrees, `[B, 6]`.
    pub lattice_parameters: Vec<R>,
    /// Distance to the crystal's centre in Å (specification, section 2.6), `[N]`.
    pub centre_distances: Vec<R>,
    /// Centre atom i of every edge, `[E]`.
    pub target: Vec<i32>,
    /// Neighbour atom j of every edge, `[E]`.
    pub source: Vec<i32>,
    /// Edges `incoming[i]..incoming[i + 1]` end at atom i, `[N + 1]`.
    pub incoming: Vec<i32>,
    /// Entries `outgoing[j]..outgoing[j + 1]` of `outgoing_edges` start at atom j, `[N + 1]`.
    pub outgoing: Vec<i32>,
    /// Edges grouped by source atom, ascending inside a group, `[E]`.
    pub outgoing_edges: Vec<i32>,
    /// Length of every edge in Å, `[E]`.
    pub distance: Vec<R>,
    /// Envelope `u(d / cutoff)` (specification, section 3), `[E]`.
    pub envelope: Vec<R>,
    /// Spherical radial basis S (specification, section 3), `[E, 42]`.
    pub spherical: Vec<R>,
    /// Direction label of every edge, 0..=26, `[E]`.
    pub direction: Vec<i32>,
    /// 1 where an edge stays in the same cell, else 0, `[E]`.
    pub same_cell: Vec<i32>,
    /// `Y_l(cos θ)` of every pair (specification, section 3), `[P, 7]`: for each atom j, for each edge ji in
    /// `outgoing` of j, for each edge kj in `incoming` of j; zeros where kj is the reverse of ji.
    pub angular: Vec<R>,
    /// First pair of every atom j, and P, `[N + 1]`.
    pub pair_offsets: Vec<i32>,
    /// Edge kj of every triplet, `[T]`; triplets are sorted by (ji, kj). Empty unless asked for.
    pub triplet_kj: Vec<i32>,
    /// Edge ji of every triplet, `[T]`. Empty unless asked for.
    pub triplet_ji: Vec<i32>,
    /// Row of `angular` of every triplet, `[T]`. Empty unless asked for.
    pub triplet_pair: Vec<i32>,
    /// Requested property columns, `[B]` each; NaN where a crystal has no value.
    pub properties: BTreeMap<String, Vec<f64>>,
    /// What the batch is a part of; nothing for one that comes from no epoch.
    pub origin: Origin,
    triplets: usize,
}

impl<R> Default for GraphBatch<R> {
    fn default() -> Self {
        Self::with_capacities_of(&Capacities::default())
    }
}

/// Sizes of the batch before, which the next one will hardly differ from.
#[derive(Debug, Clone, Copy, Default)]
struct Capacities {
    crystals: usize,
    atoms: usize,
    edges: usize,
    pairs: usize,
    triplets: usize,
}

impl<R> GraphBatch<R> {
    fn with_capacities_of(sizes: &Capacities) -> Self {
        let &Capacities { crystals, atoms, edges, pairs, triplets } = sizes;
        let from_zero = |count: usize| {
            let mut offsets = Vec::with_capacity(count + 1);
            offsets.push(0);
            offsets
        };
        let mut atom_offsets = Vec::with_capacity(crystals + 1);
        atom_offsets.push(0);
        Self {
            material_ids: Vec::with_capacity(crystals),
            atom_offsets,
            atomic_numbers: Vec::with_capacity(atoms),
            crystal_of_atom: Vec::with_capacity(atoms),
            lattice_parameters: Vec::with_capacity(6 * crystals),
            centre_distances: Vec::with_capacity(atoms),
            target: Vec::with_capacity(edges),
            source: Vec::with_capacity(edges),
            incoming: from_zero(atoms),
            outgoing: from_zero(atoms),
            outgoing_edges: Vec::with_capacity(edges),
            distance: Vec::with_capacity(edges),
            envelope: Vec::with_capacity(edges),
            spherical: Vec::with_capacity(SPHERICAL * edges),
            direction: Vec::with_capacity(edges),
            same_cell: Vec::with_capacity(edges),
            angular: Vec::with_capacity(ORDERS * pairs),
            pair_offsets: from_zero(atoms),
            triplet_kj: Vec::with_capacity(triplets),
            triplet_ji: Vec::with_capacity(triplets),
            triplet_pair: Vec::with_capacity(triplets),
            properties: BTreeMap::new(),
            origin: Origin::default(),
            triplets: 0,
        }
    }

    fn sizes(&self) -> Capacities {
        Capacities {
            crystals: self.crystals(),
            atoms: self.atoms(),
            edges: self.edges(),
            pairs: self.pairs(),
            triplets: self.triplet_kj.len(),
        }
    }

    /// Number B of crystals.
    pub fn crystals(&self) -> usize {
        self.material_ids.len()
    }

    /// Number N of atoms.
    pub fn atoms(&self) -> usize {
        self.atomic_numbers.len()
    }

    /// Atomic numbers as bytes, `[N]`; 0 for a value that does not fit into one.
    pub fn atomic_numbers_as_bytes(&self) -> Vec<u8> {
        self.atomic_numbers.iter().map(|&number| u8::try_from(number).unwrap_or(0)).collect()
    }

    /// Number E of edges.
    pub fn edges(&self) -> usize {
        self.target.len()
    }

    /// Number P of pairs of edges.
    pub fn pairs(&self) -> usize {
        self.angular.len() / ORDERS
    }

    /// Number T of triplets, whether or not they are listed.
    pub fn triplets(&self) -> usize {
        self.triplets
    }
}

/// What a batch is built with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchSettings {
    /// Radius of the neighbour search and scale of the bases, in Å.
    pub cutoff_angstrom: f64,
    /// Whether to list the triplets beside the dense pairs.
    pub with_triplets: bool,
    /// Which of the edges the batch holds.
    pub graph: Graph,
}

/// Puts crystals into batches, reusing its buffers.
#[derive(Debug, Clone)]
pub struct BatchBuilder<R> {
    settings: BatchSettings,
    properties: Vec<String>,
    angular_basis: AngularBasis,
    graph: CrystalGraph,
    simple: SimpleEdges,
    /// First pair of every edge ji of the current crystal.
    first_pair: Vec<usize>,
    batch: GraphBatch<R>,
}

impl<R: BatchFloat> BatchBuilder<R> {
    /// A builder of batches with the given property columns.
    pub fn new(settings: BatchSettings, properties: &[String]) -> Self {
        let mut builder = Self {
            settings,
            properties: properties.to_vec(),
            angular_basis: AngularBasis::default(),
            graph: CrystalGraph::default(),
            simple: SimpleEdges::default(),
            first_pair: Vec::new(),
            batch: GraphBatch::default(),
        };
        builder.add_property_columns();
        builder
    }

    fn add_property_columns(&mut self) {
        self.batch.properties = self.properties.iter().map(|name| (name.clone(), Vec::new())).collect();
    }

    /// Adds a crystal; `properties` has one value (NaN if missing) for each requested column, and
    /// columns beyond its end get NaN.
    ///
    /// # Errors
    /// [`DataError::Crystal`] if the crystal is no valid graph or larger than any of a store,
    /// [`DataError::BatchTooLarge`] if the batch would hold more than memory should; the batch then is as it
    /// was.
    pub fn push(&mut self, input: &GraphInput<'_>, properties: &[f64]) -> Result<(), DataError> {
        let cutoff = self.settings.cutoff_angstrom;
        self.graph.rebuild(input, cutoff).map_err(|error| error.of(input.material_id))?;
        if self.settings.graph == Graph::Simple {
            // After the whole crystal has been checked. Taken out, as the edges are borrowed from it.
            let mut simple = std::mem::take(&mut self.simple);
            simple.rebuild(input);
            let input = simple.of(input);
            let rebuilt = self.graph.rebuild(&input, cutoff).map_err(|error| error.of(input.material_id));
            let added = rebuilt.and_then(|()| self.add(&input, properties));
            self.simple = simple;
            return added;
        }
        self.add(input, properties)
    }

    /// Adds the crystal that `graph` was built from.
    fn add(&mut self, input: &GraphInput<'_>, properties: &[f64]) -> Result<(), DataError> {
        let adjacency = self.graph.adjacency();
        let (atoms, edges) = (self.batch.atoms() + adjacency.atoms(), self.batch.edges() + adjacency.edges());
        check_size(atoms, edges, self.batch.pairs() + adjacency.pairs(), input.material_id)?;

        let first_edge = self.batch.edges() as i32;
        self.push_atoms(input);
        self.push_edges(input);
        self.push_pairs();
        if self.settings.with_triplets {
            self.push_triplets(first_edge);
        }
        self.batch.triplets += self.graph.adjacency().triplets();
        for (index, name) in self.properties.iter().enumerate() {
            if let Some(column) = self.batch.properties.get_mut(name) {
                column.push(properties.get(index).copied().unwrap_or(f64::NAN));
            }
        }
        Ok(())
    }

    /// The crystals added since the last call as a batch.
    pub fn finish(&mut self) -> GraphBatch<R> {
        let next = GraphBatch::with_capacities_of(&self.batch.sizes());
        let batch = std::mem::replace(&mut self.batch, next);
        self.add_property_columns();
        batch
    }

    fn push_atoms(&mut self, input: &GraphInput<'_>) {
        let batch = &mut self.batch;
        let crystal = batch.crystals() as i32;
        batch.material_ids.push(input.material_id.to_owned());
        batch.atomic_numbers.extend(input.atomic_numbers.iter().map(|&number| i32::from(number)));
        batch.crystal_of_atom.resize(batch.atomic_numbers.len(), crystal);
        batch.atom_offsets.push(batch.atomic_numbers.len());
        batch.lattice_parameters.extend(input.lattice_parameters.map(R::from_f64));
        batch.centre_distances.extend(self.graph.centre_distance().iter().map(|&value| R::from_f64(value)));
    }

    fn push_edges(&mut self, input: &GraphInput<'_>) {
        let batch = &mut self.batch;
        let adjacency = self.graph.adjacency();
        let first_atom = (batch.atomic_numbers.len() - input.atomic_numbers.len()) as i32;
        let first_edge = batch.target.len() as i32;
        batch.target.extend(shifted(input.target, first_atom));
        batch.source.extend(shifted(input.source, first_atom));
        batch.incoming.extend(shifted(&adjacency.incoming_offsets()[1..], first_edge));
        batch.outgoing.extend(shifted(&adjacency.outgoing_offsets()[1..], first_edge));
        batch.outgoing_edges.extend(shifted(adjacency.outgoing_edges(), first_edge));
        batch.direction.extend(input.direction.iter().map(|&label| i32::from(label)));
        batch.same_cell.extend(input.direction.iter().map(|&label| i32::from(label == HOME_DIRECTION)));
        for &distance in self.graph.distance() {
            let x = distance / self.settings.cutoff_angstrom;
            let u = envelope(x);
            batch.distance.push(R::from_f64(distance));
            batch.envelope.push(R::from_f64(u));
            batch.spherical.extend_from_slice(&spherical(x, u).map(R::from_f64));
        }
    }

    fn push_pairs(&mut self) {
        let adjacency = self.graph.adjacency();
        let angular = &mut self.batch.angular;
        self.first_pair.clear();
        self.first_pair.resize(adjacency.edges(), 0);
        for atom in 0..adjacency.atoms() {
            let (incoming, outgoing) = (adjacency.incoming(atom), adjacency.outgoing(atom));
            let first = angular.len() / ORDERS;
            // Zeros first, atom by atom while they are in the cache: those of excluded pairs stay.
            angular.resize(angular.len() + ORDERS * incoming.len() * outgoing.len(), R::from_f64(0.0));
            let mut rows = angular[ORDERS * first..].chunks_exact_mut(ORDERS);
            for (position, &ji) in outgoing.iter().enumerate() {
                let ji = ji as usize;
                self.first_pair[ji] = first + position * incoming.len();
                let reverse = adjacency.reverse(ji);
                for (kj, row) in incoming.clone().zip(&mut rows) {
                    if reverse != Some(kj) {
                        let values = self.angular_basis.values(self.graph.cosine(kj, ji));
                        for (place, value) in row.iter_mut().zip(values) {
                            *place = R::from_f64(value);
                        }
                    }
                }
            }
            self.batch.pair_offsets.push((angular.len() / ORDERS) as i32);
        }
    }

    fn push_triplets(&mut self, first_edge: i32) {
        let adjacency = self.graph.adjacency();
        for ji in 0..adjacency.edges() {
            let reverse = adjacency.reverse(ji);
            for (column, kj) in adjacency.incoming(adjacency.source(ji)).enumerate() {
                if reverse != Some(kj) {
                    self.batch.triplet_kj.push(first_edge + kj as i32);
                    self.batch.triplet_ji.push(first_edge + ji as i32);
                    self.batch.triplet_pair.push((self.first_pair[ji] + column) as i32);
                }
            }
        }
    }
}

/// Refuses a batch of so many atoms, edges and pairs of edges, the last of which are those of the crystal `last`.
fn check_size(atoms: usize, edges: usize, pairs: usize, last: &str) -> Result<(), DataError> {
    let counts = [
        ("atoms", atoms, i32::MAX as usize),
        ("edges", edges, MAX_BATCH_EDGES),
        ("triplets", pairs, MAX_BATCH_PAIRS),
    ];
    match counts.into_iter().find(|(_, count, limit)| count > limit) {
        None => Ok(()),
        Some((items, count, limit)) => {
            Err(DataError::BatchTooLarge { items, count, limit, last: last.to_owned() })
        }
    }
}

/// Indices within a crystal as indices within the batch.
fn shifted(indices: &[u32], by: i32) -> impl Iterator<Item = i32> + '_ {
    indices.iter().map(move |&index| index as i32 + by)
}

#[cfg(test)]
mod tests;
