//! The model of pre-training: the encoder, masked views, decoders.

use burn::module::Param;
use burn::prelude::*;

use super::decoder::{Decoded, EdgeGin, RadialSums, at_pairs, pair_head};
use super::hide;
use crate::config::model::{
    ATOM_TYPES, LATTICE_PARAMETERS, LATTICE_TOKENS, MmptModelConfig, SAME_CELL_CLASSES,
};
use crate::data::LatticeStatistics;
use crate::data::labels::DIRECTIONS;
use crate::model::layers::{Initialiser, Linear, LinearConfig, Mlp};
use crate::model::mmpt::MmptEncoder;
use crate::model::{Batch, Encoder, Trace};
use crate::ops::Activation;

/// Hidden layers of the lattice decoder.
const LATTICE_DECODER_LAYERS: usize = 4;

/// Linear layers of the type decoder before its last.
const TYPE_LAYERS: usize = 4;

/// MMPT's encoder with the decoders that both views share.
#[derive(Module, Debug)]
pub struct MmptModel {
    /// `[MASK]`, shape `[structure_width]`.
    pub mask_token: Param<Tensor<1>>,
    /// Crystals to `h_S` and `h_L`.
    pub encoder: Encoder,
    /// `h_L` back to the standardised parameters.
    pub lattice_dec: Mlp,
    /// Masked `h_S` to p_C.
    pub coord_gin: EdgeGin,
    /// p_C to the distance from the centre.
    pub coord_out: Linear,
    /// Masked `h_S` to p_A.
    pub atom_gin: EdgeGin,
    /// p_A to the atom types.
    pub atom_mlp: Mlp,
    /// Pairs of p_A to directions.
    pub pal_dir: Mlp,
    /// Pairs of p_A to the same-cell label.
    pub pal_unit: Mlp,
    /// Pairs of p_A to edge lengths.
    pub pal_dist: Mlp,
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

impl MmptModel {
    /// A model with fresh weights for a training set's lattice statistics.
    pub fn init(
        config: &MmptModelConfig,
        decoder_width: usize,
        statistics: &LatticeStatistics,
        seed: u64,
        device: &Device,
    ) -> Self {
        let initialiser = &mut Initialiser::new(seed, device);
        let (width, hidden) = (config.structure_width, decoder_width);
        let mut lattices = vec![LATTICE_TOKENS * config.lattice_width];
        lattices.extend([hidden; LATTICE_DECODER_LAYERS]);
        lattices.push(LATTICE_PARAMETERS);
        let mut types = vec![width];
        types.extend([hidden; TYPE_LAYERS]);
        types.push(ATOM_TYPES);
        Self {
            mask_token: hide::token(width, initialiser),
            encoder: Encoder::Mmpt(MmptEncoder::init(config, statistics, initialiser)),
            lattice_dec: Mlp::init(&lattices, initialiser),
            coord_gin: EdgeGin::init(width, initialiser),
            coord_out: LinearConfig::new(width, 1).init(initialiser),
            atom_gin: EdgeGin::init(width, initialiser),
            atom_mlp: Mlp::init(&types, initialiser),
            pal_dir: pair_head(width, hidden, DIRECTIONS, initialiser),
            pal_unit: pair_head(width, hidden, SAME_CELL_CLASSES, initialiser),
            pal_dist: pair_head(width, hidden, 1, initialiser),
        }
    }

    /// Encodes a batch, hides each view's atoms and decodes both views.
    ///
    /// # Shapes
    /// Those of [`Prediction`].
    pub fn forward(&self, batch: &Batch, trace: &mut Trace) -> Prediction {
        let MmptEncoder { structure, lattice: lattices } = self.encoder();
        let encoding = structure.forward(batch, trace);
        let lattice_target = lattices.standardise(batch.lattice_parameters.clone());
        let lattice_encoding = lattices.forward(lattice_target.clone());
        trace.record("h_L", || lattice_encoding.clone());
        let lattice = self.lattice_dec.forward(lattice_encoding);
        trace.record("p_L", || lattice.clone());
        let radial = RadialSums::new(encoding.radial, batch);
        let mut index = 0;
        let views = batch.views().each_ref().map(|view| {
            index += 1;
            let g = hide::hide(encoding.structure.clone(), self.mask_token.val(), view);
            trace.record(&format!("g{index}"), || g.clone());
            let decoded = self.decode(g, &radial, batch);
            decoded.record(&format!("v{index}_"), trace);
            decoded
        });
        Prediction { lattice, lattice_target, views }
    }

    /// Its encoder, which is MMPT's whatever kinds there are.
    pub(crate) fn encoder(&self) -> &MmptEncoder {
        let Encoder::Mmpt(encoder) = &self.encoder;
        encoder
    }

    /// Decodes a view `g [N, structure_width]`.
    fn decode(&self, g: Tensor<2>, radial: &RadialSums, batch: &Batch) -> Decoded {
        let coordinate = self.coord_gin.forward(g.clone(), radial, batch);
        let atom = self.atom_gin.forward(g, radial, batch);
        let centre = self.coord_out.forward(coordinate.clone(), Activation::Identity);
        Decoded {
            centre_distances: centre.reshape([batch.atoms]),
            types: self.atom_mlp.forward(atom.clone()),
            directions: at_pairs(&self.pal_dir, atom.clone(), batch),
            same_cell: at_pairs(&self.pal_unit, atom.clone(), batch),
            distances: at_pairs(&self.pal_dist, atom.clone(), batch).reshape([batch.edge_count]),
            coordinate,
            atom,
        }
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
