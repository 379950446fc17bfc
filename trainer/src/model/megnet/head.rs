//! The last layers of MEGNet.

use burn::prelude::*;

use super::perceptron;
use crate::config::MegnetModelConfig;
use crate::model::layers::{Initialiser, Mlp};
use crate::model::site_head::SITE_PREFIX;
use crate::model::{Encoding, Pass};

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["head.", SITE_PREFIX];

/// A perceptron of the crystal's embedding with shifted softplus between its layers.
#[derive(Module, Debug)]
pub struct MegnetHead {
    /// The perceptron, `4 readout_width + width → width → readout_width → K`.
    pub perceptron: Mlp,
}

impl MegnetHead {
    /// Initialises a head with K outputs: Xavier-uniform weights and biases of 0.
    pub fn init(config: &MegnetModelConfig, outputs: usize, initialiser: &mut Initialiser) -> Self {
        let MegnetModelConfig { width, readout_width, .. } = *config;
        let widths = [config.crystal_width(), width, readout_width, outputs];
        Self { perceptron: perceptron(&widths, initialiser) }
    }

    /// Predicts the outputs of every crystal.
    ///
    /// # Shapes
    /// Output `[B, K]`.
    pub fn predict(&self, encoding: Encoding, _pass: &mut Pass) -> Tensor<2> {
        let crystals = encoding.crystals.expect("MEGNet embeds crystals");
        self.perceptron.forward(crystals)
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the head.
pub(in crate::model) fn rename(path: &[String]) -> Vec<String> {
    let rest = path.iter().filter(|part| *part != "perceptron").cloned();
    std::iter::once("head".to_owned()).chain(rest).collect()
}
