//! What predictions must not depend on.

use crate::config::{ModelConfig, ModelKind};
use crate::model::test_model::{assert_invariant, assert_isolated, of_recipe};
use crate::task::Group;

/// The paper's configurations: on MatBench, and on other tasks.
fn configs() -> [ModelConfig; 2] {
    let of = |group, task| of_recipe(ModelKind::Cgcnn, group, task);
    [of(Group::Matbench, "matbench_jdft2d"), of(Group::Other, "jarvis_subset_gap")]
}

#[test]
fn crystals_without_edges_are_trained_on() {
    assert_isolated(&configs()[0]);
}

#[test]
fn predictions_do_not_depend_on_the_form_of_a_crystal() {
    configs().iter().for_each(assert_invariant);
}
