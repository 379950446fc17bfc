//! The last layers of CGCNN.

use burn::prelude::*;

use crate::config::CgcnnModelConfig;
use crate::config::model::CgcnnOutput;
use crate::model::layers::{Initialiser, Linear, LinearConfig, Mlp};
use crate::model::site_head::SITE_PREFIX;
use crate::model::{Encoding, Pass};
use crate::ops::Activation;

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["fcs.", "fc_out.", SITE_PREFIX];

/// Hidden layers and the last layers: `h ← softplus(fcs_k(h))`, `ŷ = fc_out(h)`.
#[derive(Module, Debug)]
pub struct CgcnnHead {
    /// Hidden layers.
    pub fcs: Vec<Linear>,
    /// Last layers.
    pub fc_out: Output,
}

/// The last layers.
#[derive(Module, Debug)]
pub enum Output {
    /// A linear layer, `crystal_width → K`.
    Linear(Linear),
    /// Two linear layers with softplus between them, `crystal_width → crystal_width / 2 → K`.
    Perceptron(Mlp),
}

impl CgcnnHead {
    /// Initialises a head with K outputs.
    pub fn init(config: &CgcnnModelConfig, outputs: usize, initialiser: &mut Initialiser) -> Self {
        let width = config.crystal_width;
        let hidden = |_| LinearConfig::new(width, width).init(initialiser);
        let fcs = (1..config.hidden_layers).map(hidden).collect();
        let fc_out = match config.output {
            CgcnnOutput::Linear => Output::Linear(LinearConfig::new(width, outputs).init(initialiser)),
            CgcnnOutput::Perceptron => {
                let layers = Mlp::init(&[width, (width / 2).max(1), outputs], initialiser);
                Output::Perceptron(layers.with_activation(Activation::Softplus))
            }
        };
        Self { fcs, fc_out }
    }

    /// Predicts the outputs of every crystal.
    ///
    /// # Shapes
    /// Output `[B, K]`.
    pub fn predict(&self, encoding: Encoding, _pass: &mut Pass) -> Tensor<2> {
        let h = encoding.crystals.expect("CGCNN embeds crystals");
        let h = self.fcs.iter().fold(h, |h, layer| layer.forward(h, Activation::Softplus));
        match &self.fc_out {
            Output::Linear(layer) => layer.forward(h, Activation::Identity),
            Output::Perceptron(layers) => layers.forward(h),
        }
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the head.
pub(in crate::model) fn rename(path: &[String]) -> Vec<String> {
    let is_variant = |part: &&String| ["Linear", "Perceptron"].contains(&part.as_str());
    path.iter().filter(|part| !is_variant(part)).cloned().collect()
}
