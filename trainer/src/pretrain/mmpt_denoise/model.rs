//! The model: MMPT's encoder with its decoders and the heads for the noise.

use burn::prelude::*;

use crate::config::Config;
use crate::data::LatticeStatistics;
use crate::model::layers::Initialiser;
use crate::model::mmpt::MmptEncoder;
use crate::model::{Batch, Encoder, Trace};
use crate::pretrain::denoise::heads::{NoiseHeads, PredictedNoise};
use crate::pretrain::mmpt::model::{MmptDecoders, MmptModel, Prediction};

/// MMPT's encoder with its decoders and the heads for the noise.
#[derive(Module, Debug)]
pub struct MmptDenoiseModel {
    /// Encoder, from crystals to `h_S` and `h_L`.
    pub encoder: Encoder,
    /// Decoders of the masked views.
    pub decoders: MmptDecoders,
    /// Heads for the noise.
    pub noise: NoiseHeads,
}

impl MmptDenoiseModel {
    /// Makes a model by an initialiser. `statistics` are the lattice statistics of the training set.
    pub fn build(config: &Config, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> Self {
        let width = config.pretrain.mmpt.decoder_width;
        let MmptModel { encoder, decoders } =
            MmptModel::build(&config.model.mmpt, width, statistics, initialiser);
        Self { encoder, decoders, noise: NoiseHeads::build(config, initialiser) }
    }

    /// Encodes a batch once, masks it and decodes both views, and predicts the noise from the atoms before they are
    /// masked.
    pub fn forward(&self, batch: &Batch, trace: &mut Trace) -> (Prediction, PredictedNoise) {
        let encoding = self.encoder().encode_all(batch, trace);
        let noise = self.noise.forward(&encoding, batch);
        (self.decoders.forward(encoding, batch, trace), noise)
    }

    fn encoder(&self) -> &MmptEncoder {
        let Encoder::Mmpt(encoder) = &self.encoder else { unreachable!("the model is made with it") };
        encoder
    }
}
