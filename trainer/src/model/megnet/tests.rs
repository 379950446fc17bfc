//! Sizes of the paper's configurations, and what predictions must not depend on.

use crate::config::{ModelConfig, ModelKind};
use crate::model::test_model::{assert_invariant, assert_isolated, of_recipe, parameter_count};
use crate::task::Group;

/// The paper's configurations: on MatBench, and on other tasks.
fn configs() -> [ModelConfig; 2] {
    let of = |group, task| of_recipe(ModelKind::Megnet, group, task);
    [of(Group::Matbench, "matbench_jdft2d"), of(Group::Other, "jarvis_subset_gap")]
}

#[test]
fn the_paper_s_configurations_have_their_numbers_of_parameters() {
    assert_eq!(configs().each_ref().map(parameter_count), [144_129, 170_193]);
    let gap = of_recipe(ModelKind::Megnet, Group::Other, "mp_gap");
    assert_eq!(parameter_count(&gap), 170_193);
    let edges = gap.edges().expect("MEGNet asks for edges").to_string();
    assert_eq!((edges.as_str(), gap.megnet.gaussians_end), ("r4", 5.0));
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
fn a_block_s_networks_may_have_one_layer() {
    let mut config = configs()[0].clone();
    config.megnet.block_widths = vec![config.megnet.width];
    assert_invariant(&config);
}
