//! Tests of the features as a whole.

mod brute_force;
pub(in crate::feature) mod crystals;
mod golden;
mod invariance;
mod known_crystals;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use schemas::settings::FeatureSettings;

use super::{Edges, FeatureError, Features, Featurizer};
use crate::math::{Matrix3, Vector3, determinant};
use crate::structure::Structure;

/// The same cases in every run.
pub(in crate::feature) fn property_config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_260),
        failure_persistence: None,
        ..Default::default()
    }
}

/// Features of a structure with default settings.
fn featurize(structure: &Structure) -> Features {
    Featurizer::new(&FeatureSettings::default()).featurize(structure).expect("has features").clone()
}

/// Edges of a cell and sites as they are, without reduction and wrapping.
fn edges_of(
    lattice: &Matrix3,
    fractional: &[Vector3],
    settings: &FeatureSettings,
) -> Result<Edges, FeatureError> {
    let mut featurizer = Featurizer::new(settings);
    featurizer.features.lattice = *lattice;
    featurizer.features.volume = determinant(lattice).abs();
    featurizer.features.fractional = fractional.to_vec();
    featurizer.find_edges()?;
    Ok(featurizer.features.edges)
}

/// A structure of one element.
fn structure(lattice: Matrix3, fractional: Vec<Vector3>) -> Structure {
    let atomic_numbers = vec![14; fractional.len()];
    Structure { lattice, fractional, atomic_numbers }
}
