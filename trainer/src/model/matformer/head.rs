//! The last layers of Matformer.

use burn::prelude::*;

use crate::config::MatformerModelConfig;
use crate::model::layers::{Initialiser, Linear, LinearConfig};
use crate::model::{Batch, Encoding, Pass};

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["fc.", "fc_out."];

/// The head.
#[derive(Module, Debug)]
pub struct MatformerHead {
    /// Last layer.
    pub fc: Linear,
}

impl MatformerHead {
    /// Initialises a head.
    pub fn init(_config: &MatformerModelConfig, initialiser: &mut Initialiser) -> Self {
        Self { fc: LinearConfig::new(1, 1).init(initialiser) }
    }

    /// Predicts the standardised target of every crystal.
    ///
    /// # Shapes
    /// Output `[B]`.
    pub fn predict(&self, _encoding: Encoding, _batch: &Batch, _pass: &mut Pass) -> Tensor<1> {
        todo!()
    }
}
