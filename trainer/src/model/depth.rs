//! Depths of an encoder's parameters, for learning rates that fall from layer to layer.

use super::cgcnn::CRYSTAL_LAYER;
use super::head::Head;
use crate::config::ModelConfig;
use crate::config::model::ModelKind;

/// The layers of an encoder, from its embeddings on.
struct Layers {
    /// Prefixes of the names of numbered layers, each with the place of its number 0. Embeddings have the place 0, the
    /// first layer has the place 1.
    numbered: Vec<(&'static str, usize)>,
    /// Place of the last layer.
    last: usize,
    /// Prefixes of names in the place of the last layer: readouts, and the encoder of the lattice.
    readouts: &'static [&'static str],
}

impl Layers {
    fn of(config: &ModelConfig) -> Self {
        let stack = |prefix, last, readouts| Self { numbered: vec![(prefix, 1)], last, readouts };
        match config.kind {
            ModelKind::Mmpt => Self {
                // Output block i reads what interaction block i - 1 writes.
                numbered: vec![("structure.inter.", 1), ("structure.out.", 0)],
                last: config.mmpt.interaction_blocks,
                readouts: &["lattice."],
            },
            ModelKind::Cgcnn => stack("convs.", config.cgcnn.convolutions, &[CRYSTAL_LAYER]),
            ModelKind::Schnet => stack("interactions.", config.schnet.interactions, &[]),
            ModelKind::Megnet => stack("blocks.", config.megnet.blocks, &["s2s_"]),
            ModelKind::Alignn => {
                let lines = config.alignn.alignn_layers;
                Self {
                    numbered: vec![("alignn_layers.", 1), ("gcn_layers.", lines + 1)],
                    last: lines + config.alignn.gcn_layers,
                    readouts: &[],
                }
            }
            ModelKind::Matformer => stack("att_layers.", config.matformer.layers, &[]),
        }
    }

    /// Returns the place of a parameter of the encoder.
    fn place(&self, name: &str) -> usize {
        let numbered = self.numbered.iter().find_map(|(prefix, first)| {
            let (number, _) = name.strip_prefix(prefix)?.split_once('.')?;
            Some(first + number.parse::<usize>().ok()?)
        });
        let is_readout = self.readouts.iter().any(|prefix| name.starts_with(prefix));
        numbered.unwrap_or(if is_readout { self.last } else { 0 })
    }
}

/// Returns the number of an encoder's layers above that of a parameter, by its name in a weights file. It is 0 for the
/// last layer, readouts and heads, and the number of layers for the embeddings of atoms and edges.
pub fn layers_above(config: &ModelConfig, name: &str) -> usize {
    if Head::has(config.kind, name) {
        return 0;
    }
    let layers = Layers::of(config);
    layers.last.saturating_sub(layers.place(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burn::prelude::*;

    use super::*;
    use crate::data::LatticeStatistics;
    use crate::model::{HeadSize, PropertyModel, names};

    /// Returns the number of parameters by the number of layers above them.
    fn counts(config: &ModelConfig) -> BTreeMap<usize, usize> {
        let head = HeadSize { width: 4, outputs: 1, per_site: false };
        let model = PropertyModel::init(config, head, &LatticeStatistics::default(), 0, &Device::flex());
        let mut counts = BTreeMap::new();
        for parameter in names::parameters(&model) {
            *counts.entry(layers_above(config, &parameter.name)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn layers_are_counted_from_the_head() {
        let config = ModelConfig::default();
        for (name, above) in [
            ("head.0.weight", 0),
            ("lattice.block.norm1.bias", 0),
            ("structure.out.4.lin.weight", 0),
            ("structure.inter.3.lin_up.weight", 0),
            ("structure.inter.0.lin_up.weight", 3),
            ("structure.out.1.lins.2.bias", 3),
            ("structure.out.0.lins.2.bias", 4),
            ("structure.attn.a_src", 4),
            ("structure.atom_emb.weight", 4),
        ] {
            assert_eq!(layers_above(&config, name), above, "{name}");
        }
        let config = ModelConfig { kind: ModelKind::Alignn, ..config };
        for (name, above) in [
            ("fc.weight", 0),
            ("gcn_layers.3.src_gate.bias", 0),
            ("gcn_layers.0.src_gate.bias", 3),
            ("alignn_layers.3.edge_update.src_gate.bias", 4),
            ("alignn_layers.0.edge_update.src_gate.bias", 7),
            ("angle_embedding.1.0.bias", 8),
        ] {
            assert_eq!(layers_above(&config, name), above, "{name}");
        }
    }

    #[test]
    fn every_layer_of_every_encoder_has_parameters() {
        for (kind, layers) in [
            (ModelKind::Mmpt, 4),
            (ModelKind::Cgcnn, 3),
            (ModelKind::Schnet, 4),
            (ModelKind::Megnet, 3),
            (ModelKind::Alignn, 8),
            (ModelKind::Matformer, 5),
        ] {
            let config = ModelConfig { kind, ..ModelConfig::default() };
            let counts = counts(&config);
            assert_eq!(
                counts.keys().copied().collect::<Vec<_>>(),
                (0..=layers).collect::<Vec<_>>(),
                "{kind:?}"
            );
            // Layers between the first and the last are alike.
            let inner: Vec<_> = (1..layers - 1).map(|above| counts[&above]).collect();
            let is_alike = kind == ModelKind::Alignn || inner.windows(2).all(|pair| pair[0] == pair[1]);
            assert!(is_alike, "{kind:?}: {counts:?}");
        }
    }
}
