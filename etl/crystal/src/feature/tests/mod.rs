//! Tests of the features as a whole.

mod brute_force;
mod golden;
mod invariance;
mod known_crystals;

use super::{Edges, FeatureError, FeatureOptions, Features, Featurizer};
use crate::math::{Matrix3, Vector3, determinant};
use crate::structure::Structure;

/// Features of a structure with default options.
fn featurize(structure: &Structure) -> Features {
    Featurizer::new(&FeatureOptions::default()).featurize(structure).expect("has features").clone()
}

/// Edges of a cell and sites as they are, without reduction and wrapping.
fn edges_of(
    lattice: &Matrix3,
    fractional: &[Vector3],
    options: &FeatureOptions,
) -> Result<Edges, FeatureError> {
    let mut featurizer = Featurizer::new(options);
    featurizer.features.lattice = *lattice;
    featurizer.features.volume = determinant(lattice).abs();
    featurizer.features.fractional = fractional.to_vec();
    featurizer.find_edges()?;
    Ok(featurizer.features.edges)
}
