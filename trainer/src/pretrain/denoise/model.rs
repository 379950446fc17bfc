//! The model of denoising: MMPT's encoder with the heads for the noise.

use burn::prelude::*;

use super::heads::{NoiseHeads, PredictedNoise};
use crate::config::Config;
use crate::data::LatticeStatistics;
use crate::model::layers::Initialiser;
use crate::model::mmpt::MmptEncoder;
use crate::model::{Batch, Encoder, Pass};

/// MMPT's encoder with the heads for the noise.
#[derive(Module, Debug)]
pub struct DenoiseModel {
    /// Encoder, from crystals to `h_S` and `h_L`.
    pub encoder: Encoder,
    /// Heads for the noise.
    pub noise: NoiseHeads,
}

impl DenoiseModel {
    /// Makes a model by an initialiser. `statistics` are the lattice statistics of the training set.
    pub fn build(config: &Config, statistics: &LatticeStatistics, initialiser: &mut Initialiser) -> Self {
        let encoder = MmptEncoder::init(&config.model.mmpt, statistics, initialiser);
        Self { encoder: Encoder::Mmpt(encoder), noise: NoiseHeads::build(config, initialiser) }
    }

    /// Predicts the displacements of the atoms and the strains of the cells of a batch, in standard deviations.
    ///
    /// # Shapes
    /// Output of N atoms `[N, 3]` and of B cells `[B, 6]`; see [`PredictedNoise`].
    pub fn forward(&self, batch: &Batch, pass: &mut Pass) -> PredictedNoise {
        let Encoder::Mmpt(encoder) = &self.encoder else { unreachable!("the model is made with it") };
        self.noise.forward(&encoder.encode_all(batch, &mut pass.trace), batch)
    }
}
