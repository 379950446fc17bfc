//! The models of the fixtures, by the name of their file.

use crate::config::model::{
    AlignnModelConfig, CgcnnModelConfig, CgcnnOutput, MatformerModelConfig, MegnetModelConfig, MegnetStyle,
    ModelKind, SchnetModelConfig, SchnetStyle,
};
use crate::config::pretrain::MethodKind;
use crate::config::{Config, ModelConfig};

/// Returns the fine-tuned model of a system; `None` for a name that is not known or that of a pre-training.
pub(super) fn property_model(system: &str) -> Option<ModelConfig> {
    let cgcnn = |atom_width, crystal_width, hidden_layers, output| {
        let cgcnn = CgcnnModelConfig {
            atom_width,
            crystal_width,
            hidden_layers,
            output,
            ..CgcnnModelConfig::default()
        };
        ModelConfig { kind: ModelKind::Cgcnn, cgcnn, ..ModelConfig::default() }
    };
    let schnet = |schnet| ModelConfig { kind: ModelKind::Schnet, schnet, ..ModelConfig::default() };
    let pyg = |width, filter_width, interactions, gaussians, head: &[usize]| {
        schnet(SchnetModelConfig {
            style: SchnetStyle::Pyg,
            embedding_width: width,
            atom_width: width,
            filter_width,
            interactions,
            gaussians,
            head_widths: head.to_vec(),
            ..SchnetModelConfig::default()
        })
    };
    let megnet = |megnet| ModelConfig { kind: ModelKind::Megnet, megnet, ..ModelConfig::default() };
    let small_megnet = || MegnetModelConfig {
        embedding_width: 8,
        inner_width: 12,
        width: 8,
        block_widths: vec![12, 8, 8],
        blocks: 2,
        readout_width: 5,
        ..MegnetModelConfig::default()
    };
    let lstm = |gaussians_end| {
        megnet(MegnetModelConfig {
            style: MegnetStyle::Lstm,
            embedding_width: 16,
            state_width: 2,
            gaussians: 100,
            gaussians_end,
            block_widths: vec![64, 64, 32],
            ..MegnetModelConfig::default()
        })
    };
    let alignn = |alignn| ModelConfig { kind: ModelKind::Alignn, alignn, ..ModelConfig::default() };
    let matformer =
        |matformer| ModelConfig { kind: ModelKind::Matformer, matformer, ..ModelConfig::default() };
    Some(match system {
        "cgcnn_small" => cgcnn(16, 12, 2, CgcnnOutput::Linear),
        "cgcnn_matbench" => cgcnn(64, 32, 1, CgcnnOutput::Linear),
        "cgcnn_other" => cgcnn(128, 128, 1, CgcnnOutput::Linear),
        "ct_finetune_small" => cgcnn(12, 10, 1, CgcnnOutput::Perceptron),
        "ct_finetune" => cgcnn(64, 128, 1, CgcnnOutput::Perceptron),
        "infograph_finetune" => cgcnn(64, 128, 1, CgcnnOutput::Linear),
        "schnet_small_kgcnn" => schnet(SchnetModelConfig {
            embedding_width: 8,
            atom_width: 12,
            filter_width: 12,
            interactions: 2,
            head_widths: vec![12, 8],
            ..SchnetModelConfig::default()
        }),
        "schnet_small_pyg" => pyg(12, 10, 2, 20, &[6]),
        "schnet_matbench" => schnet(SchnetModelConfig::default()),
        "schnet_other" | "schnet_mp_elastic" => pyg(64, 64, 6, 50, &[32]),
        "megnet_small_kgcnn" => megnet(small_megnet()),
        "megnet_small_lstm" => megnet(MegnetModelConfig {
            style: MegnetStyle::Lstm,
            embedding_width: 6,
            state_width: 2,
            gaussians: 20,
            block_widths: vec![12, 12, 8],
            ..small_megnet()
        }),
        "megnet_matbench" => megnet(MegnetModelConfig::default()),
        "megnet_other" => lstm(9.0),
        "megnet_mp_gap" => lstm(5.0),
        "alignn_small" => alignn(AlignnModelConfig {
            width: 12,
            embedding_width: 8,
            alignn_layers: 2,
            gcn_layers: 2,
            edge_gaussians: 20,
            angle_gaussians: 10,
            ..AlignnModelConfig::default()
        }),
        "alignn" => alignn(AlignnModelConfig::default()),
        "matformer_small" => matformer(MatformerModelConfig {
            width: 12,
            heads: 2,
            layers: 2,
            gaussians: 16,
            head_width: 10,
            ..MatformerModelConfig::default()
        }),
        "matformer" => matformer(MatformerModelConfig::default()),
        _ => return None,
    })
}

/// Returns the pre-training of a system; `None` for a name that is not known or that of a fine-tuned model.
pub(super) fn pretraining(system: &str) -> Option<Config> {
    let (method, atom_width, crystal_width, output_width) = match system {
        "ct_small" => (MethodKind::CrystalTwins, 12, 10, 14),
        "ct" => (MethodKind::CrystalTwins, 64, 128, 256),
        "infograph_small" => (MethodKind::InfoGraph, 8, 32, 256),
        "infograph" => (MethodKind::InfoGraph, 64, 32, 256),
        _ => return None,
    };
    let mut config = Config::default();
    config.model.kind = ModelKind::Cgcnn;
    (config.model.cgcnn.atom_width, config.model.cgcnn.crystal_width) = (atom_width, crystal_width);
    config.pretrain.method = method;
    config.pretrain.crystal_twins.output_width = output_width;
    Some(config)
}
