//! Sizes of the paper's configurations, and what predictions must not depend on.

use burn::prelude::*;

use super::envelope;
use crate::config::{ModelConfig, ModelKind};
use crate::model::test_model::{assert_invariant, assert_isolated, of_recipe, parameter_count};
use crate::task::Group;

/// The paper's configurations: on MatBench, and on other tasks.
fn configs() -> [ModelConfig; 2] {
    let of = |group, task| of_recipe(ModelKind::Schnet, group, task);
    [of(Group::Matbench, "matbench_jdft2d"), of(Group::Other, "jarvis_subset_gap")]
}

#[test]
fn the_paper_s_configurations_have_their_numbers_of_parameters() {
    assert_eq!(configs().each_ref().map(parameter_count), [317_761, 128_769]);
    let elastic = of_recipe(ModelKind::Schnet, Group::Other, "mp_shear");
    assert_eq!(parameter_count(&elastic), 128_769);
    let edges = elastic.edges().expect("SchNet asks for edges").to_string();
    assert_eq!(edges, "knn32");
}

#[test]
fn predictions_do_not_depend_on_the_form_of_a_crystal() {
    configs().iter().for_each(assert_invariant);
}

#[test]
fn isolated_atoms_have_predictions_and_gradients() {
    configs().iter().for_each(assert_isolated);
}

#[test]
fn the_envelope_falls_to_nought() {
    let distances = Tensor::<1>::from_floats([0.0, 4.0, 8.0], &Device::flex());
    let values: Vec<f32> = envelope(distances).into_data().iter::<f32>().collect();
    for (found, expected) in values.into_iter().zip([1.0, 0.5, 0.0]) {
        assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
    }
}
