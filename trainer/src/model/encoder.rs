//! Encoders: from a batch of crystals to vectors of its atoms and crystals.

use burn::prelude::*;

use super::Batch;
use super::encoding::Encoding;
use super::layers::Initialiser;
use super::mmpt::{self, MmptEncoder};
use crate::config::ModelConfig;
use crate::config::model::ModelKind;
use crate::data::{Inputs, LatticeStatistics};

/// The encoder of a model. Each variant is one kind of `model.kind`; its layers are a folder beside `mmpt`.
#[derive(Module, Debug)]
pub enum Encoder {
    /// MMPT: the periodic multigraph network and the lattice encoder.
    Mmpt(MmptEncoder),
}

impl Encoder {
    /// Name of the field that holds the encoder in every model. It tells the encoder's parameters from those of
    /// decoders and heads.
    pub(super) const FIELD: &str = "encoder";

    /// Initialises an encoder of the configured kind. `statistics` are the lattice statistics of the training set.
    pub fn init(config: &ModelConfig, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> Self {
        match config.kind {
            ModelKind::Mmpt => Self::Mmpt(MmptEncoder::init(&config.mmpt, statistics, initialiser)),
        }
    }

    /// Returns the parts that a batch must have for the configured kind.
    pub fn inputs(config: &ModelConfig) -> Inputs {
        match config.kind {
            ModelKind::Mmpt => mmpt::inputs(),
        }
    }

    /// Encodes a batch without masking.
    ///
    /// # Shapes
    /// See [`Encoding`].
    pub fn encode(&self, batch: &Batch) -> Encoding {
        match self {
            Self::Mmpt(encoder) => encoder.encode(batch),
        }
    }

    /// Returns the name of a parameter in a weights file. `path` is its path below [`Encoder::FIELD`] and begins with
    /// the name of the variant.
    pub(super) fn rename(path: &[String]) -> Vec<String> {
        match path.split_first() {
            Some((_, rest)) => mmpt::rename(rest),
            None => Vec::new(),
        }
    }
}
