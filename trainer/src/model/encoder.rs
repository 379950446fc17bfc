//! The encoders, one variant a kind: a batch of crystals into vectors of its atoms and crystals.

use burn::prelude::*;

use super::Batch;
use super::encoding::{Encoding, Widths};
use super::layers::Initialiser;
use super::mmpt::{self, MmptEncoder};
use crate::config::ModelConfig;
use crate::config::model::ModelKind;
use crate::data::{Inputs, LatticeStatistics};

/// An encoder of one of the kinds that a configuration names; a new kind is a folder beside `mmpt` and a variant here.
#[derive(Module, Debug)]
pub enum Encoder {
    /// The periodic multigraph network and the lattice encoder of MMPT.
    Mmpt(MmptEncoder),
}

impl Encoder {
    /// Name of the field that holds an encoder in every model, so that its parameters are told apart from those of
    /// decoders and heads.
    pub(super) const FIELD: &str = "encoder";

    /// A fresh encoder of the configuration's kind for a training set's lattice statistics.
    pub fn init(config: &ModelConfig, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> Self {
        match config.kind {
            ModelKind::Mmpt => Self::Mmpt(MmptEncoder::init(&config.mmpt, statistics, initialiser)),
        }
    }

    /// Widths of the vectors of the configuration's kind.
    pub fn widths(config: &ModelConfig) -> Widths {
        match config.kind {
            ModelKind::Mmpt => MmptEncoder::widths(&config.mmpt),
        }
    }

    /// What the batches for the configuration's kind must hold.
    pub fn inputs(config: &ModelConfig) -> Inputs {
        match config.kind {
            ModelKind::Mmpt => mmpt::inputs(),
        }
    }

    /// Encodes a batch without masking anything.
    ///
    /// # Shapes
    /// Those of [`Encoding`].
    pub fn encode(&self, batch: &Batch) -> Encoding {
        match self {
            Self::Mmpt(encoder) => encoder.encode(batch),
        }
    }

    /// The name of a parameter in a weights file from its path below [`Encoder::FIELD`], which begins with the variant.
    pub(super) fn rename(path: &[String]) -> Vec<String> {
        match path.split_first() {
            Some((_, rest)) => mmpt::rename(rest),
            None => Vec::new(),
        }
    }
}
