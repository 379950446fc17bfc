//! Tests of the features as a whole.

mod brute_force;
mod golden;
mod invariance;
mod known_crystals;

use super::{Edges, FeatureError, FeatureOptions, Features, Featuriser, Neighbours};
use crate::math::{Matrix3, Vector3, determinant};
use crate::structure::Structure;

/// Features of a structure with default options.
fn featurise(structure: &Structure) -> Features {
    Featuriser::new(&FeatureOptions::default()).featurise(structure).expect("has features").clone()
}

/// Options that keep every neighbour within a cutoff in Å.
fn all_within(cutoff_angstrom: f64) -> FeatureOptions {
    FeatureOptions { neighbours: Neighbours::All, cutoff_angstrom, ..FeatureOptions::default() }
}

/// Features of a structure with every neighbour within 5 Å.
fn featurise_all(structure: &Structure) -> Features {
    Featuriser::new(&all_within(5.0)).featurise(structure).expect("has features").clone()
}

/// Returns the edges of a lattice and sites as given, without reduction and wrapping.
fn edges_of(
    lattice: &Matrix3,
    fractional: &[Vector3],
    options: &FeatureOptions,
) -> Result<Edges, FeatureError> {
    let mut featuriser = Featuriser::new(options);
    featuriser.features.lattice = *lattice;
    featuriser.features.volume = determinant(lattice).abs();
    featuriser.features.fractional = fractional.to_vec();
    featuriser.find_edges()?;
    Ok(featuriser.features.edges)
}
