//! Matformer.

pub mod head;
pub mod memory;

use burn::prelude::*;

use super::encoding::Encoding;
use super::layers::{Initialiser, Linear, LinearConfig};
use super::{Batch, Pass};
use crate::config::MatformerModelConfig;
use crate::data::Inputs;

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs::default()
}

/// The encoder.
#[derive(Module, Debug)]
pub struct MatformerEncoder {
    /// Embedding.
    pub embedding: Linear,
}

impl MatformerEncoder {
    /// Initialises an encoder.
    pub fn init(_config: &MatformerModelConfig, initialiser: &mut Initialiser) -> Self {
        Self { embedding: LinearConfig::new(1, 1).init(initialiser) }
    }

    /// Returns the embeddings.
    pub fn encode(&self, _batch: &Batch, _pass: &mut Pass) -> Encoding {
        todo!()
    }
}
