//! The last layer of ALIGNN.

use burn::prelude::*;

use crate::config::AlignnModelConfig;
use crate::model::head::mean;
use crate::model::layers::{Initialiser, Linear, LinearConfig};
use crate::model::site_head::SITE_PREFIX;
use crate::model::{Batch, Encoding, Pass};
use crate::ops::Activation;

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["fc.", SITE_PREFIX];

/// A linear layer of the mean over the atoms: `ŷ = fc(mean_i x_i)`.
#[derive(Module, Debug)]
pub struct AlignnHead {
    /// Linear layer, `width → K`.
    pub fc: Linear,
}

impl AlignnHead {
    /// Initialises a head with K outputs.
    pub fn init(config: &AlignnModelConfig, outputs: usize, initialiser: &mut Initialiser) -> Self {
        Self { fc: LinearConfig::new(config.width, outputs).init(initialiser) }
    }

    /// Predicts the outputs of every crystal.
    ///
    /// # Shapes
    /// Output `[B, K]`.
    pub fn predict(&self, encoding: Encoding, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let pooled = mean(encoding.atoms, batch);
        pass.trace.record("pool", || pooled.clone());
        self.fc.forward(pooled, Activation::Identity)
    }
}
