//! MMPT: encoders, masked views, decoders.

use burn::module::Param;
use burn::prelude::*;

use super::batch::Batch;
use super::decoder::{Decoded, Decoders, RadialSums};
use super::lattice::LatticeEncoder;
use super::linear::Mlp;
use super::mask;
use super::parameter::Initialiser;
use super::structure::StructureEncoder;
use super::trace::Trace;
use crate::config::model::{LATTICE_PARAMETERS, LATTICE_TOKENS, ModelConfig};
use crate::data::LatticeStatistics;

/// Hidden layers of the lattice decoder.
const LATTICE_DECODER_LAYERS: usize = 4;

/// The pre-training model.
#[derive(Module, Debug)]
pub struct Mmpt {
    /// `[MASK]`, shape `[structure_width]`.
    pub mask_token: Param<Tensor<1>>,
    /// Atoms and edges to `h_S`.
    pub structure: StructureEncoder,
    /// Lattice parameters to `h_L`.
    pub lattice: LatticeEncoder,
    /// `h_L` back to the standardised parameters.
    pub lattice_dec: Mlp,
    /// Masked `h_S` to everything else.
    pub decoders: Decoders,
}

/// Everything that the losses compare.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Standardised lattice parameters as decoded, shape `[B, 6]`.
    pub lattice: Tensor<2>,
    /// Standardised lattice parameters as they are, shape `[B, 6]`.
    pub lattice_target: Tensor<2>,
    /// Both views.
    pub views: [Decoded; 2],
}

/// The encodings of a batch.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// `h_S`, shape `[N, structure_width]`.
    pub structure: Tensor<2>,
    /// `h_L`, shape `[B, 2 · lattice_width]`.
    pub lattice: Tensor<2>,
}

impl Encoding {
    /// Encodes a batch without masking anything.
    pub fn of(structure: &StructureEncoder, lattice: &LatticeEncoder, batch: &Batch) -> Self {
        let standardised = lattice.standardise(batch.lattice_parameters.clone());
        Self {
            structure: structure.forward(batch, &mut Trace::off()).structure,
            lattice: lattice.forward(standardised),
        }
    }
}

impl Mmpt {
    /// A model with fresh weights for a training set's lattice statistics.
    pub fn init(config: &ModelConfig, statistics: &LatticeStatistics, seed: u64, device: &Device) -> Self {
        let initialiser = &mut Initialiser::new(seed, device);
        let mut widths = vec![LATTICE_TOKENS * config.lattice_width];
        widths.extend([config.decoder_width; LATTICE_DECODER_LAYERS]);
        widths.push(LATTICE_PARAMETERS);
        Self {
            mask_token: mask::token(config.structure_width, initialiser),
            structure: StructureEncoder::init(config, initialiser),
            lattice: LatticeEncoder::init(config, statistics, initialiser),
            lattice_dec: Mlp::init(&widths, initialiser),
            decoders: Decoders::init(config, initialiser),
        }
    }

    /// Encodes a batch, hides each view's atoms and decodes both views.
    pub fn forward(&self, batch: &Batch, trace: &mut Trace) -> Prediction {
        let encoding = self.structure.forward(batch, trace);
        let lattice_target = self.lattice.standardise(batch.lattice_parameters.clone());
        let lattice_encoding = self.lattice.forward(lattice_target.clone());
        trace.record("h_L", || lattice_encoding.clone());
        let lattice = self.lattice_dec.forward(lattice_encoding);
        trace.record("p_L", || lattice.clone());
        let radial = RadialSums::new(encoding.radial, batch);
        let mut index = 0;
        let views = batch.views.each_ref().map(|view| {
            index += 1;
            let g = mask::hide(encoding.structure.clone(), self.mask_token.val(), view);
            trace.record(&format!("g{index}"), || g.clone());
            let decoded = self.decoders.forward(g, &radial, batch);
            decoded.record(&format!("v{index}_"), trace);
            decoded
        });
        Prediction { lattice, lattice_target, views }
    }
}

impl Decoded {
    /// Records every tensor under a prefix.
    fn record(&self, prefix: &str, trace: &mut Trace) {
        trace.record(&format!("{prefix}p_C"), || self.coordinate.clone());
        trace.record(&format!("{prefix}p_A"), || self.atom.clone());
        trace.record(&format!("{prefix}dcenter"), || self.centre_distances.clone());
        trace.record(&format!("{prefix}type_logits"), || self.types.clone());
        trace.record(&format!("{prefix}dir_logits"), || self.directions.clone());
        trace.record(&format!("{prefix}unit_logits"), || self.same_cell.clone());
        trace.record(&format!("{prefix}dist"), || self.distances.clone());
    }
}
