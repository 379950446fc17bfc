//! Displacement of atoms, with a new search for their neighbours.

use crystal::feature::{FeatureOptions, Featuriser};
use crystal::math::{Vector3, inverse, norm, row_times};
use crystal::structure::Structure;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use rayon::prelude::*;

use crate::data::batch::Positions;
use crate::data::{BatchFloat, GraphBatch};

/// Edges of a crystal: target, source and distance in Å.
type Edges = (Vec<u32>, Vec<u32>, Vec<f64>);

/// Moves every atom by a distance of `U(0, farthest)`, in Å, in a uniformly random direction, with a generator for
/// each crystal, and finds the neighbours of the atoms anew. `options` are those of the store.
///
/// A crystal whose moved atoms make no valid graph keeps its edges.
///
/// # Panics
/// If the batch was built without positions.
pub fn displace<R: BatchFloat>(
    graph: &mut GraphBatch<R>,
    farthest: f64,
    generators: &mut [impl Rng],
    options: &FeatureOptions,
) {
    let positions = graph.positions.as_ref().expect("`Inputs::positions` must ask for them");
    let structures: Vec<Structure> = generators
        .iter_mut()
        .enumerate()
        .map(|(crystal, generator)| moved(graph, positions, crystal, farthest, generator))
        .collect();
    let found: Vec<Option<Edges>> = structures
        .par_iter()
        .map_init(
            || Featuriser::new(options),
            |featuriser, structure| {
                let edges = &featuriser.featurise(structure).ok()?.edges;
                Some((edges.target.clone(), edges.source.clone(), edges.distance.clone()))
            },
        )
        .collect();
    let (mut target, mut source, mut distance) = (Vec::new(), Vec::new(), Vec::new());
    for (edges, atoms) in found.into_iter().zip(graph.atom_offsets.windows(2)) {
        let first = atoms[0] as i32;
        match edges {
            Some((targets, sources, distances)) => {
                target.extend(targets.into_iter().map(|atom| first + atom as i32));
                source.extend(sources.into_iter().map(|atom| first + atom as i32));
                distance.extend(distances.into_iter().map(R::from_f64));
            }
            None => {
                let kept = graph.incoming[atoms[0]] as usize..graph.incoming[atoms[1]] as usize;
                target.extend_from_slice(&graph.target[kept.clone()]);
                source.extend_from_slice(&graph.source[kept.clone()]);
                distance.extend_from_slice(&graph.distance[kept]);
            }
        }
    }
    graph.replace_edges(target, source, distance);
}

/// Returns a crystal of the batch with moved atoms.
fn moved<R>(
    graph: &GraphBatch<R>,
    positions: &Positions,
    crystal: usize,
    farthest: f64,
    generator: &mut impl Rng,
) -> Structure {
    let atoms = graph.atom_offsets[crystal]..graph.atom_offsets[crystal + 1];
    let lattice = positions.lattice_vectors[crystal];
    let reciprocal = inverse(&lattice);
    let fractional = positions.fractional[atoms.clone()].iter().map(|position| {
        let step = row_times(&displacement(farthest, generator), &reciprocal);
        std::array::from_fn(|axis| position[axis] + step[axis])
    });
    Structure {
        lattice,
        fractional: fractional.collect(),
        // A number that is no element's does not matter to the neighbours.
        atomic_numbers: graph.atomic_numbers[atoms].iter().map(|&number| number as u8).collect(),
    }
}

/// Draws a displacement in Å, in Cartesian coordinates.
fn displacement(farthest: f64, generator: &mut impl Rng) -> Vector3 {
    let direction: Vector3 = std::array::from_fn(|_| generator.sample(StandardNormal));
    let length = norm(&direction).max(f64::MIN_POSITIVE);
    let distance = farthest * generator.random::<f64>();
    direction.map(|value| distance * value / length)
}
