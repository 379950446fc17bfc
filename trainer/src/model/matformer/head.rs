//! The last layers of Matformer.

use burn::prelude::*;

use crate::config::MatformerModelConfig;
use crate::model::head::mean;
use crate::model::layers::{Initialiser, Linear, LinearConfig};
use crate::model::site_head::SITE_PREFIX;
use crate::model::{Batch, Encoding, Pass};
use crate::ops::Activation;

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["fc.", "fc_out.", SITE_PREFIX];

/// Two linear layers of the mean over the atoms: `ŷ = fc_out(SiLU(fc(mean_i x_i)))`.
#[derive(Module, Debug)]
pub struct MatformerHead {
    /// Hidden layer, `width → head_width`.
    pub fc: Linear,
    /// Last layer, `head_width → K`.
    pub fc_out: Linear,
}

impl MatformerHead {
    /// Initialises a head with K outputs.
    pub fn init(config: &MatformerModelConfig, outputs: usize, initialiser: &mut Initialiser) -> Self {
        Self {
            fc: LinearConfig::new(config.width, config.head_width).init(initialiser),
            fc_out: LinearConfig::new(config.head_width, outputs).init(initialiser),
        }
    }

    /// Predicts the outputs of every crystal.
    ///
    /// # Shapes
    /// Output `[B, K]`.
    pub fn predict(&self, encoding: Encoding, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let pooled = mean(encoding.atoms, batch);
        pass.trace.record("pool", || pooled.clone());
        let hidden = self.fc.forward(pooled, Activation::Silu);
        pass.trace.record("fc_act", || hidden.clone());
        self.fc_out.forward(hidden, Activation::Identity)
    }
}
