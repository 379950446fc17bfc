//! Batches: several crystals as one graph, with all bases that depend on data alone.

mod lists;
mod parts;

use std::collections::BTreeMap;

use crate::data::connectivity::{Graph, SelfEdges};
use crate::data::derived::{DerivedEdges, longest_edge};
use crate::data::error::DataError;
use crate::data::graph::{CrystalGraph, edge_vector};
use crate::data::input::GraphInput;
use crate::data::inputs::Inputs;
use crate::data::share::Origin;
pub use lists::{BatchLists, LineLists};
pub use parts::{Bases, EdgeLabels, LineGraph, Positions};

/// Maximum number of edges of a batch. Their radial basis takes 700 MiB in single precision.
const MAX_BATCH_EDGES: usize = 1 << 22;
/// Maximum number of pairs of edges of a batch. Their angular basis takes 900 MiB in single precision.
const MAX_BATCH_PAIRS: usize = 1 << 25;
/// Stands for the reverse of an edge without one in [`GraphBatch::reverse`].
const NO_REVERSE: i32 = -1;

/// Floating-point type of a batch. Values are computed in double precision and then cast.
pub trait BatchFloat: Copy + Send + Sync + 'static {
    /// Returns the nearest value of the type.
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

/// A batch of B crystals with N atoms, E edges, P pairs of edges, T triplets and L pairs of the line graph.
///
/// Atoms keep their order. Edges are sorted by target, so that the edges of a crystal and those of an atom are
/// contiguous. A *pair* is an edge with one that ends where it starts. A *triplet* is a pair that is not an edge with
/// its exact reverse (specification, section 2.5).
#[derive(Debug, Clone, PartialEq)]
pub struct GraphBatch<R> {
    /// Identifiers of the crystals, `[B]`.
    pub material_ids: Vec<String>,
    /// Index of the first atom of every crystal, then N, `[B + 1]`.
    pub atom_offsets: Vec<usize>,
    /// Atomic numbers, `[N]`.
    pub atomic_numbers: Vec<i32>,
    /// Index of the crystal of every atom, `[N]`.
    pub crystal_of_atom: Vec<i32>,
    /// Lattice parameters a, b, c in Å and alpha, beta, gamma in degrees, `[B, 6]`.
    pub lattice_parameters: Vec<R>,
    /// Distance of every atom from the centre of its crystal in Å (specification, section 2.6), `[N]`.
    pub centre_distances: Vec<R>,
    /// Centre atom i of every edge, `[E]`.
    pub target: Vec<i32>,
    /// Neighbour atom j of every edge, `[E]`.
    pub source: Vec<i32>,
    /// Offsets by target, `[N + 1]`: the edges `incoming[i]..incoming[i + 1]` end at atom i.
    pub incoming: Vec<i32>,
    /// Offsets by source, `[N + 1]`: the entries `outgoing[j]..outgoing[j + 1]` of `outgoing_edges` start at atom j.
    pub outgoing: Vec<i32>,
    /// Edges grouped by source atom, ascending inside a group, `[E]`.
    pub outgoing_edges: Vec<i32>,
    /// Length of every edge in Å, `[E]`.
    pub distance: Vec<R>,
    /// Bases of DimeNet++, if the inputs include them and the host computes them.
    pub bases: Option<Bases<R>>,
    /// Line graph, if the inputs include it.
    pub line_graph: Option<LineGraph<R>>,
    /// Periodic labels of the edges, if the inputs include them.
    pub labels: Option<EdgeLabels>,
    /// Cell image k of every edge's neighbour along l1, l2 and l3, `[E, 3]`, if the inputs include it.
    pub images: Option<Vec<i32>>,
    /// Displacement v of every edge from its centre to its neighbour in Å (specification, section 2.2), `[E, 3]`, if
    /// the inputs include it, or the device computes the bases.
    pub vectors: Option<Vec<R>>,
    /// Exact reverse of every edge (specification, section 2.5), -1 where there is none, `[E]`, if the device computes
    /// the bases.
    pub reverse: Option<Vec<i32>>,
    /// Fractional positions and lattice vectors, if the inputs include them.
    pub positions: Option<Positions>,
    /// Values of the requested property columns, `[B]` each; NaN for a missing value.
    pub properties: BTreeMap<String, Vec<f64>>,
    /// Position of the batch in its epoch; the default for a batch of no epoch.
    pub origin: Origin,
    pairs: usize,
    triplets: usize,
}

/// Sizes of the previous batch, as capacities for the next one.
#[derive(Debug, Clone, Copy, Default)]
struct Capacities {
    crystals: usize,
    atoms: usize,
    edges: usize,
    pairs: usize,
}

impl<R> GraphBatch<R> {
    fn sizes(&self) -> Capacities {
        Capacities { crystals: self.crystals(), atoms: self.atoms(), edges: self.edges(), pairs: self.pairs }
    }

    /// Returns the number of crystals, B.
    pub fn crystals(&self) -> usize {
        self.material_ids.len()
    }

    /// Returns the number of atoms, N.
    pub fn atoms(&self) -> usize {
        self.atomic_numbers.len()
    }

    /// Returns the atomic numbers as bytes, `[N]`; 0 for a value that does not fit into a byte.
    pub fn atomic_numbers_as_bytes(&self) -> Vec<u8> {
        self.atomic_numbers.iter().map(|&number| u8::try_from(number).unwrap_or(0)).collect()
    }

    /// Returns the number of edges, E.
    pub fn edges(&self) -> usize {
        self.target.len()
    }

    /// Returns the number of pairs of edges, P; 0 without inputs that depend on angles.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Returns the number of triplets, T; 0 without inputs that depend on angles.
    pub fn triplets(&self) -> usize {
        self.triplets
    }

    /// Returns the number of pairs of the line graph, L; 0 without it.
    pub fn line_pairs(&self) -> usize {
        self.line_graph.as_ref().map_or(0, |pairs| pairs.target.len())
    }
}

impl<R: BatchFloat> GraphBatch<R> {
    fn with_capacities_of(sizes: &Capacities, settings: &BatchSettings) -> Self {
        let &Capacities { crystals, atoms, edges, .. } = sizes;
        let inputs = settings.inputs;
        let on_device = settings.inputs.bases && settings.bases_on_device;
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
            incoming: offsets_of(atoms),
            outgoing: offsets_of(atoms),
            outgoing_edges: Vec::with_capacity(edges),
            distance: Vec::with_capacity(edges),
            bases: (inputs.bases && !on_device).then(|| Bases::with_capacities_of(sizes)),
            line_graph: inputs.line_graph.then(|| LineGraph::with_capacities_of(sizes)),
            labels: inputs.labels.then(|| EdgeLabels::with_capacities_of(sizes)),
            images: inputs.images.then(|| Vec::with_capacity(3 * edges)),
            vectors: (inputs.vectors || on_device).then(|| Vec::with_capacity(3 * edges)),
            reverse: on_device.then(|| Vec::with_capacity(edges)),
            positions: inputs.positions.then(|| Positions::with_capacities_of(sizes)),
            properties: BTreeMap::new(),
            origin: Origin::default(),
            pairs: 0,
            triplets: 0,
        }
    }
}

/// Returns an empty list of offsets with capacity for a number of groups.
fn offsets_of(groups: usize) -> Vec<i32> {
    let mut offsets = Vec::with_capacity(groups + 1);
    offsets.push(0);
    offsets
}

/// Settings of the construction of batches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchSettings {
    /// Radius of the neighbour search and scale of the bases, in Å.
    pub cutoff_angstrom: f64,
    /// Parts of the batch besides atoms and edges.
    pub inputs: Inputs,
    /// Whether the device computes the bases of DimeNet++, from the edges' vectors and reverses. A batch has a twentieth
    /// of the bytes then.
    pub bases_on_device: bool,
    /// Which edges the batch holds.
    pub graph: Graph,
}

/// Builder of batches, which reuses its buffers.
#[derive(Debug, Clone)]
pub struct BatchBuilder<R> {
    settings: BatchSettings,
    properties: Vec<String>,
    graph: CrystalGraph,
    derived: DerivedEdges,
    batch: GraphBatch<R>,
}

impl<R: BatchFloat> BatchBuilder<R> {
    /// Creates a builder of batches with the given property columns.
    pub fn new(settings: BatchSettings, properties: &[String]) -> Self {
        let mut builder = Self {
            settings,
            properties: properties.to_vec(),
            graph: CrystalGraph::default(),
            derived: DerivedEdges::default(),
            batch: GraphBatch::with_capacities_of(&Capacities::default(), &settings),
        };
        builder.add_property_columns();
        builder
    }

    fn add_property_columns(&mut self) {
        self.batch.properties = self.properties.iter().map(|name| (name.clone(), Vec::new())).collect();
    }

    /// Adds a crystal. `properties` has a value for each requested column, NaN if it is missing; columns beyond its
    /// end get NaN.
    ///
    /// # Errors
    /// [`DataError::Crystal`] if the crystal is not a valid graph or exceeds the limits of a store,
    /// [`DataError::BatchTooLarge`] if the batch would become too large for memory. The batch is unchanged in that
    /// case.
    pub fn push(&mut self, input: &GraphInput<'_>, properties: &[f64]) -> Result<(), DataError> {
        let BatchSettings { cutoff_angstrom: cutoff, graph, .. } = self.settings;
        if graph == Graph::Multigraph {
            self.rebuild(input, cutoff)?;
            return self.add(input, properties);
        }
        // The whole crystal is checked first.
        self.graph.rebuild_without_angles(input, cutoff).map_err(|error| error.of(input.material_id))?;
        // Taken out, as the edges are borrowed from it.
        let mut derived = std::mem::take(&mut self.derived);
        derived.rebuild(input, graph);
        let input = derived.of(input);
        let rebuilt = self.rebuild(&input, longest_edge(graph, cutoff));
        let added = rebuilt.and_then(|()| self.add(&input, properties));
        self.derived = derived;
        added
    }

    /// Rebuilds `graph` with the parts that the inputs need. No edge may be longer than `longest`, in Å.
    fn rebuild(&mut self, input: &GraphInput<'_>, longest: f64) -> Result<(), DataError> {
        let rebuilt = match self.settings.inputs.angles() {
            true => self.graph.rebuild(input, longest),
            false => self.graph.rebuild_without_angles(input, longest),
        };
        rebuilt.map_err(|error| error.of(input.material_id))
    }

    /// Adds the crystal from which `graph` was built.
    fn add(&mut self, input: &GraphInput<'_>, properties: &[f64]) -> Result<(), DataError> {
        let adjacency = self.graph.adjacency();
        let (atoms, edges) = (self.batch.atoms() + adjacency.atoms(), self.batch.edges() + adjacency.edges());
        let pairs = if self.settings.inputs.angles() { self.batch.pairs + adjacency.pairs() } else { 0 };
        check_size(atoms, edges, pairs, input.material_id)?;

        let first_edge = self.batch.edges() as i32;
        self.push_atoms(input);
        self.push_edges(input);
        self.push_parts(input, first_edge);
        for (index, name) in self.properties.iter().enumerate() {
            if let Some(column) = self.batch.properties.get_mut(name) {
                column.push(properties.get(index).copied().unwrap_or(f64::NAN));
            }
        }
        Ok(())
    }

    /// Returns the crystals added since the last call as a batch.
    pub fn finish(&mut self) -> GraphBatch<R> {
        let next = GraphBatch::with_capacities_of(&self.batch.sizes(), &self.settings);
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
        if let Some(positions) = &mut batch.positions {
            positions.push(input);
        }
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
        batch.distance.extend(self.graph.distance().iter().map(|&distance| R::from_f64(distance)));
    }

    /// Adds the optional parts of a crystal whose first edge is `first_edge`.
    fn push_parts(&mut self, input: &GraphInput<'_>, first_edge: i32) {
        let (batch, graph) = (&mut self.batch, &self.graph);
        if let Some(bases) = &mut batch.bases {
            bases.push(graph, self.settings.cutoff_angstrom);
        }
        if let Some(line_graph) = &mut batch.line_graph {
            let once = Graph::Undirected { self_edges: SelfEdges::Once };
            line_graph.push(graph, first_edge, self.settings.graph == once);
        }
        if let Some(labels) = &mut batch.labels {
            labels.push(input.direction);
        }
        if let Some(images) = &mut batch.images {
            let [k1, k2, k3] = input.image;
            let cells = k1.iter().zip(k2).zip(k3);
            images.extend(cells.flat_map(|((&k1, &k2), &k3)| [k1, k2, k3].map(i32::from)));
        }
        if let Some(vectors) = &mut batch.vectors {
            let edges = 0..input.target.len();
            vectors.extend(edges.flat_map(|edge| edge_vector(input, edge).map(R::from_f64)));
        }
        if let Some(reverse) = &mut batch.reverse {
            let edges = 0..input.target.len();
            reverse.extend(edges.map(|edge| match graph.adjacency().reverse(edge) {
                Some(reverse) => first_edge + reverse as i32,
                None => NO_REVERSE,
            }));
        }
        if self.settings.inputs.angles() {
            batch.pairs += graph.adjacency().pairs();
            batch.triplets += graph.adjacency().triplets();
        }
    }
}

/// Refuses a batch of too many atoms, edges or pairs. `last` is the crystal added last.
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

/// Shifts indices within a crystal to indices within the batch.
fn shifted(indices: &[u32], by: i32) -> impl Iterator<Item = i32> + '_ {
    indices.iter().map(move |&index| index as i32 + by)
}

#[cfg(test)]
mod tests;
