//! MEGNet.

pub mod head;
pub mod memory;

use burn::prelude::*;

use super::encoding::Encoding;
use super::layers::{Initialiser, Linear, LinearConfig};
use super::{Batch, Pass};
use crate::config::MegnetModelConfig;
use crate::data::Inputs;

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs::default()
}

/// The encoder.
#[derive(Module, Debug)]
pub struct MegnetEncoder {
    /// Embedding.
    pub embedding: Linear,
}

impl MegnetEncoder {
    /// Initialises an encoder.
    pub fn init(_config: &MegnetModelConfig, initialiser: &mut Initialiser) -> Self {
        Self { embedding: LinearConfig::new(1, 1).init(initialiser) }
    }

    /// Returns the embeddings.
    pub fn encode(&self, _batch: &Batch, _pass: &mut Pass) -> Encoding {
        todo!()
    }
}
