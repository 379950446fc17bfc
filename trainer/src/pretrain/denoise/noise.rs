//! Noise on the atoms and cells of a batch.

use std::f64::consts::SQRT_2;
use std::ops::Range;

use crystal::math::{Matrix3, Vector3, inverse, norm, product, row_times};
use crystal::niggli::parameters;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use crate::config::DenoiseConfig;
use crate::data::graph::edge_vector;
use crate::data::input::GraphInput;
use crate::data::random::{Purpose, keyed};
use crate::data::undirected::is_lattice_image;
use crate::data::{BatchBuilder, BatchFloat, BatchSettings, Graph, GraphBatch, LatticeStatistics};
use crate::model::mask::DrawKey;

/// Number of lengths among the six lattice parameters; they come first.
const LENGTHS: usize = 3;

/// A batch with noise on its crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct NoisyBatch<R> {
    /// The crystals with noise. They have the edges of those without, but for the few that become longer than the cutoff.
    pub graph: GraphBatch<R>,
    /// Noise on the Cartesian coordinates of every atom without its mean over the crystal, in standard deviations,
    /// `[N, 3]`.
    pub displacements: Vec<R>,
    /// Strain of every cell in standard deviations: xx, yy, zz, yz, xz and xy, `[B, 6]`.
    pub strains: Vec<R>,
    /// Atomic numbers of the atoms whose types are hidden, 0 of the others, `[N]`; none without hidden types.
    pub hidden: Option<Vec<i32>>,
}

/// Noise on a crystal.
struct Noise {
    /// Displacement of every atom in Å, with the mean 0.
    displacements: Vec<Vector3>,
    /// Symmetric strain.
    strain: Matrix3,
}

impl Noise {
    /// Draws noise on a number of atoms. The distribution is the same in every Cartesian frame: the strain is that of a
    /// matrix of independent numbers and its transpose, `(A + Aᵀ)/2`.
    fn draw(config: &DenoiseConfig, atoms: usize, generator: &mut impl Rng) -> Self {
        let mut normal = |deviation: f64| deviation * generator.sample::<f64, _>(StandardNormal);
        let a: Matrix3 = std::array::from_fn(|_| std::array::from_fn(|_| normal(config.strain)));
        let strain =
            std::array::from_fn(|row| std::array::from_fn(|column| (a[row][column] + a[column][row]) / 2.0));
        let mut displacements: Vec<Vector3> =
            (0..atoms).map(|_| std::array::from_fn(|_| normal(config.displacement))).collect();
        for axis in 0..3 {
            let mean = displacements.iter().map(|step| step[axis]).sum::<f64>() / atoms as f64;
            displacements.iter_mut().for_each(|step| step[axis] -= mean);
        }
        Self { displacements, strain }
    }

    /// No noise.
    fn none(atoms: usize) -> Self {
        Self { displacements: vec![[0.0; 3]; atoms], strain: [[0.0; 3]; 3] }
    }

    /// Returns the noise in standard deviations: displacements `[atoms, 3]` and the six elements of the strain.
    fn in_deviations(&self, config: &DenoiseConfig) -> (Vec<f64>, [f64; 6]) {
        let per = |deviation: f64| if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
        let (of_displacement, of_strain) = (per(config.displacement), per(config.strain));
        let displacements = self.displacements.as_flattened().iter().map(|step| step * of_displacement);
        let [[xx, xy, xz], [_, yy, yz], [_, _, zz]] = self.strain;
        (displacements.collect(), [xx, yy, zz, yz, xz, xy].map(|element| element * of_strain))
    }
}

/// A crystal of a batch.
struct Crystal<'a> {
    material_id: &'a str,
    lattice: Matrix3,
    fractional: &'a [Vector3],
    atomic_numbers: Vec<u8>,
    edges: Edges,
}

/// Edges of a crystal, numbered inside it.
struct Edges {
    target: Vec<u32>,
    source: Vec<u32>,
    image: [Vec<i16>; 3],
    /// Labels; 0 where the batch has none.
    direction: Vec<u8>,
}

impl Edges {
    fn of<R>(graph: &GraphBatch<R>, edges: Range<usize>, first_atom: usize) -> Self {
        let images = graph.images.as_ref().expect("`Inputs::images` must ask for them");
        let images = &images[3 * edges.start..3 * edges.end];
        let own =
            |ends: &[i32]| ends[edges.clone()].iter().map(|&atom| atom as u32 - first_atom as u32).collect();
        let along = |axis| images.iter().skip(axis).step_by(3).map(|&step| step as i16).collect();
        let direction = match &graph.labels {
            Some(labels) => {
                labels.direction[edges.clone()].iter().map(|&direction| direction as u8).collect()
            }
            None => vec![0; edges.len()],
        };
        Self {
            target: own(&graph.target),
            source: own(&graph.source),
            image: std::array::from_fn(along),
            direction,
        }
    }

    /// Returns the edges without those that Matformer's graph adds to the store's, and will add again. They are listed once;
    /// a self edge of the store is listed twice, or is one that is added as well.
    fn without_lattice(&self) -> Self {
        let image = |edge: usize| self.image.each_ref().map(|steps| steps[edge]);
        let ends = |edge: usize| (self.target[edge], self.source[edge], image(edge));
        let count = self.target.len();
        let is_twice = |edge: usize| {
            (edge > 0 && ends(edge - 1) == ends(edge)) || (edge + 1 < count && ends(edge + 1) == ends(edge))
        };
        let is_added = |edge: &usize| {
            self.target[*edge] == self.source[*edge] && is_lattice_image(image(*edge)) && !is_twice(*edge)
        };
        self.kept(&(0..count).filter(|edge| !is_added(edge)).collect::<Vec<_>>())
    }

    /// Returns the edges of some numbers, which ascend.
    fn kept(&self, numbers: &[usize]) -> Self {
        fn pick<T: Copy>(values: &[T], numbers: &[usize]) -> Vec<T> {
            numbers.iter().map(|&edge| values[edge]).collect()
        }
        Self {
            target: pick(&self.target, numbers),
            source: pick(&self.source, numbers),
            image: self.image.each_ref().map(|steps| pick(steps, numbers)),
            direction: pick(&self.direction, numbers),
        }
    }
}

impl<'a> Crystal<'a> {
    fn of<R>(graph: &'a GraphBatch<R>, index: usize) -> Self {
        let positions = graph.positions.as_ref().expect("`Inputs::positions` must ask for them");
        let atoms = graph.atom_offsets[index]..graph.atom_offsets[index + 1];
        let edges = graph.incoming[atoms.start] as usize..graph.incoming[atoms.end] as usize;
        Self {
            material_id: &graph.material_ids[index],
            lattice: positions.lattice_vectors[index],
            fractional: &positions.fractional[atoms.clone()],
            atomic_numbers: graph.atomic_numbers[atoms.clone()].iter().map(|&number| number as u8).collect(),
            edges: Edges::of(graph, edges, atoms.start),
        }
    }

    /// Adds the crystal with noise to a batch. Returns whether it is a valid graph.
    fn push<R: BatchFloat>(&self, noise: &Noise, cutoff: f64, builder: &mut BatchBuilder<R>) -> bool {
        let deformation: Matrix3 = std::array::from_fn(|row| {
            std::array::from_fn(|column| noise.strain[row][column] + if row == column { 1.0 } else { 0.0 })
        });
        let lattice = product(&self.lattice, &deformation);
        let reciprocal = inverse(&lattice);
        let moved = self.fractional.iter().zip(&noise.displacements).flat_map(|(position, step)| {
            let step = row_times(step, &reciprocal);
            std::array::from_fn::<f64, 3, _>(|axis| position[axis] + step[axis])
        });
        let fractional: Vec<f64> = moved.collect();
        let all = self.input(&lattice, &fractional, &self.edges);
        let near: Vec<usize> =
            (0..self.edges.target.len()).filter(|&edge| norm(&edge_vector(&all, edge)) <= cutoff).collect();
        if near.len() == self.edges.target.len() {
            return builder.push(&all, &[]).is_ok();
        }
        let near = self.edges.kept(&near);
        builder.push(&self.input(&lattice, &fractional, &near), &[]).is_ok()
    }

    fn input<'b>(&'b self, lattice: &Matrix3, fractional: &'b [f64], edges: &'b Edges) -> GraphInput<'b> {
        GraphInput {
            material_id: self.material_id,
            lattice_vectors: *lattice,
            lattice_parameters: parameters(lattice),
            atomic_numbers: &self.atomic_numbers,
            fractional_positions: fractional,
            source: &edges.source,
            target: &edges.target,
            image: edges.image.each_ref().map(Vec::as_slice),
            direction: &edges.direction,
        }
    }
}

/// Returns the lattice statistics of cells that are strained by a standard deviation, from those of the cells. The lattice
/// encoder standardises by them: without strain, cubic cells all have the same angles.
///
/// A strain S lengthens an edge of the cell by its length times a diagonal element of S, whose standard deviation is
/// `strain`. It turns an angle near 90° by twice an off-diagonal element in radians, whose standard deviation is
/// `strain/√2`.
pub fn with_strain(of_cells: LatticeStatistics, strain: f64) -> LatticeStatistics {
    let LatticeStatistics { mean, std } = of_cells;
    let of_angles = SQRT_2.to_degrees() * strain;
    let std = std::array::from_fn(|parameter| {
        let of_strain = if parameter < LENGTHS { mean[parameter] * strain } else { of_angles };
        std[parameter].hypot(of_strain)
    });
    LatticeStatistics { mean, std }
}

/// Adds normal noise to every crystal of a batch and builds the batch anew. `config` has the standard deviations: of each
/// Cartesian coordinate in Å (`displacement`), and of the strain along an axis (`strain`). The draws for a crystal depend only
/// on the seed, the epoch and its place in the epoch. A crystal that is no valid graph with its noise stays as it is.
///
/// # Panics
/// If the batch was built without positions or images.
pub fn add_noise<R: BatchFloat>(
    graph: &GraphBatch<R>,
    config: &DenoiseConfig,
    key: DrawKey,
    settings: BatchSettings,
) -> NoisyBatch<R> {
    let mut builder = BatchBuilder::new(settings, &[]);
    let (mut displacements, mut strains) = (Vec::new(), Vec::new());
    for (index, place) in (0..graph.crystals()).zip(key.first_crystal..) {
        let mut crystal = Crystal::of(graph, index);
        if settings.graph == Graph::UndirectedWithLattice {
            crystal.edges = crystal.edges.without_lattice();
        }
        let atoms = crystal.fractional.len();
        let mut generator = keyed(Purpose::Noise, key.seed, key.epoch, place);
        let mut noise = Noise::draw(config, atoms, &mut generator);
        if !crystal.push(&noise, settings.cutoff_angstrom, &mut builder) {
            noise = Noise::none(atoms);
            let is_valid = crystal.push(&noise, settings.cutoff_angstrom, &mut builder);
            assert!(is_valid, "the crystal was a valid graph");
        }
        let (of_atoms, of_cell) = noise.in_deviations(config);
        displacements.extend(of_atoms.into_iter().map(R::from_f64));
        strains.extend(of_cell.map(R::from_f64));
    }
    let mut noisy = builder.finish();
    noisy.origin = graph.origin.clone();
    NoisyBatch { graph: noisy, displacements, strains, hidden: None }
}
