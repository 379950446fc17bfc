//! Size and names of the published model, and what predictions depend on.

use burn::prelude::*;

use crate::config::{MatformerModelConfig, ModelConfig, ModelKind};
use crate::data::test_crystal::skewed;
use crate::model::test_model::{
    assert_invariant_in_its_cell, assert_isolated, parameter_count, parameter_names, predictions,
};

fn of(matformer: MatformerModelConfig) -> ModelConfig {
    ModelConfig { kind: ModelKind::Matformer, matformer, ..ModelConfig::default() }
}

fn small() -> ModelConfig {
    of(MatformerModelConfig {
        width: 12,
        heads: 2,
        layers: 2,
        gaussians: 16,
        head_width: 10,
        ..MatformerModelConfig::default()
    })
}

#[test]
fn the_published_model_has_its_size_and_names() {
    let config = of(MatformerModelConfig::default());
    assert_eq!(parameter_count(&config), 2_782_849);
    let names = parameter_names(&config);
    for name in [
        "atom_embedding.weight",
        "rbf.2.bias",
        "att_layers.4.msg_layer.0.weight",
        "att_layers.0.msg_layer.1.weight",
        "att_layers.0.layer_norm.bias",
        "att_layers.0.bn.running_var",
        "fc.weight",
        "fc_out.bias",
    ] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    assert!(!names.iter().any(|name| name == "att_layers.0.lin_edge.bias"));
}

/// As published, the edges of the cell are among those of the graph. The prediction of a crystal depends on its cell.
#[test]
fn predictions_depend_on_the_cell_and_on_no_other_choice() {
    assert_invariant_in_its_cell(&small());
    let forms = skewed().other_forms();
    let other = |name| forms.iter().find(|(form, ..)| *form == name).map(|(_, crystal, _)| crystal.clone());
    let crystals =
        [Some(skewed()), other("supercell"), other("other cell")].map(|form| form.expect("a form"));
    let found = predictions(&small(), &crystals, &Device::flex());
    for other in &found[1..] {
        assert!((other / found[0] - 1.0).abs() > 1e-6, "{found:?}");
    }
}

#[test]
fn isolated_atoms_have_predictions_and_gradients() {
    assert_isolated(&small());
}
