//! Size and names of the published model, and what predictions must not depend on.

use burn::prelude::*;

use crate::config::{AlignnModelConfig, ModelConfig, ModelKind};
use crate::data::SelfEdges;
use crate::data::test_crystal::skewed;
use crate::model::test_model::{
    assert_invariant, assert_invariant_in_its_cell, parameter_count, parameter_names, predictions,
};

fn of(alignn: AlignnModelConfig) -> ModelConfig {
    ModelConfig { kind: ModelKind::Alignn, alignn, ..ModelConfig::default() }
}

/// A small model that sees self edges as often as given.
fn small(self_edges: SelfEdges) -> ModelConfig {
    of(AlignnModelConfig {
        self_edges,
        width: 12,
        embedding_width: 8,
        alignn_layers: 2,
        gcn_layers: 1,
        edge_gaussians: 20,
        angle_gaussians: 10,
        ..AlignnModelConfig::default()
    })
}

#[test]
fn the_published_model_has_its_size_and_names() {
    let config = of(AlignnModelConfig::default());
    assert_eq!(parameter_count(&config), 4_026_753);
    let names = parameter_names(&config);
    for name in [
        "atom_embedding.0.weight",
        "atom_embedding.1.running_mean",
        "edge_embedding.1.0.bias",
        "angle_embedding.0.1.weight",
        "alignn_layers.3.edge_update.bn_edges.running_var",
        "alignn_layers.0.node_update.src_gate.weight",
        "gcn_layers.3.dst_update.bias",
        "fc.weight",
    ] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
}

#[test]
fn predictions_do_not_depend_on_the_form_of_a_crystal_with_self_edges_once() {
    assert_invariant(&small(SelfEdges::Once));
}

/// As published, an edge from an atom to its own image is there twice and never meets itself. The prediction of a
/// crystal depends on its cell then.
#[test]
fn a_supercell_has_another_prediction_with_self_edges_twice() {
    let config = small(SelfEdges::Twice);
    assert_invariant_in_its_cell(&config);
    let found = predictions(&config, &[skewed(), skewed().doubled()], &Device::flex());
    assert!((found[1] / found[0] - 1.0).abs() > 1e-6, "{found:?}");
}
