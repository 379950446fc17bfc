//! The last layer of ALIGNN.

use burn::prelude::*;

use crate::config::AlignnModelConfig;
use crate::model::head::mean;
use crate::model::layers::{Initialiser, Linear, LinearConfig};
use crate::model::{Batch, Encoding, Pass};
use crate::ops::Activation;

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["fc."];

/// A linear layer of the mean over the atoms: `ŷ = fc(mean_i x_i)`.
#[derive(Module, Debug)]
pub struct AlignnHead {
    /// Linear layer, `width → 1`.
    pub fc: Linear,
}

impl AlignnHead {
    /// Initialises a head.
    pub fn init(config: &AlignnModelConfig, initialiser: &mut Initialiser) -> Self {
        Self { fc: LinearConfig::new(config.width, 1).init(initialiser) }
    }

    /// Predicts the standardised target of every crystal.
    ///
    /// # Shapes
    /// Output `[B]`.
    pub fn predict(&self, encoding: Encoding, batch: &Batch, pass: &mut Pass) -> Tensor<1> {
        let pooled = mean(encoding.atoms, batch);
        pass.trace.record("pool", || pooled.clone());
        self.fc.forward(pooled, Activation::Identity).squeeze_dim(1)
    }
}
