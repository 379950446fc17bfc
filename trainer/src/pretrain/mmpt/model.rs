//! The pre-training model: encoder, masked views and decoders.

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
use crate::model::mmpt::{MmptEncoder, MmptEncoding};
use crate::model::views::{Views, of_view};
use crate::model::{Batch, Encoder, Trace};
use crate::ops::Activation;

/// Number of hidden layers of the lattice decoder.
const LATTICE_DECODER_LAYERS: usize = 4;

/// Number of hidden layers of the atom-type decoder.
const TYPE_LAYERS: usize = 4;

/// MMPT's encoder with the decoders.
#[derive(Module, Debug)]
pub struct MmptModel {
    /// Encoder, from crystals to `h_S` and `h_L`.
    pub encoder: Encoder,
    /// Decoders of the masked views.
    pub decoders: MmptDecoders,
}

/// The decoders of the masked views. Both views share them.
#[derive(Module, Debug)]
pub struct MmptDecoders {
    /// The `[MASK]` token, shape `[structure_width]`.
    pub mask_token: Param<Tensor<1>>,
    /// Lattice decoder, from `h_L` to the standardised lattice parameters.
    pub lattice_dec: Mlp,
    /// Graph isomorphism layer, from masked `h_S` to p_C.
    pub coord_gin: EdgeGin,
    /// Linear layer, from p_C to the distance from the centre.
    pub coord_out: Linear,
    /// Graph isomorphism layer, from masked `h_S` to p_A.
    pub atom_gin: EdgeGin,
    /// Atom-type decoder, from p_A to the logits of the atom types.
    pub atom_mlp: Mlp,
    /// Direction head, from pairs of p_A to the logits of the directions.
    pub pal_dir: Mlp,
    /// Same-cell head, from pairs of p_A to the logits of the same-cell label.
    pub pal_unit: Mlp,
    /// Distance head, from pairs of p_A to the edge lengths.
    pub pal_dist: Mlp,
}

/// The predictions of the model, and the lattice parameters they are compared with.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Decoded standardised lattice parameters, shape `[B, 6]`.
    pub lattice: Tensor<2>,
    /// True standardised lattice parameters, shape `[B, 6]`.
    pub lattice_target: Tensor<2>,
    /// Predictions of both masked views.
    pub views: Decoded,
}

impl MmptModel {
    /// Initialises a model. `statistics` are the lattice statistics of the training set.
    pub fn init(
        config: &MmptModelConfig,
        decoder_width: usize,
        statistics: &LatticeStatistics,
        seed: u64,
        device: &Device,
    ) -> Self {
        Self::build(config, decoder_width, statistics, &mut Initialiser::new(seed, device))
    }

    /// Makes a model by an initialiser.
    pub fn build(
        config: &MmptModelConfig,
        decoder_width: usize,
        statistics: &LatticeStatistics,
        initialiser: &mut Initialiser,
    ) -> Self {
        // The token is drawn first.
        let mask_token = hide::token(config.structure_width, initialiser);
        let encoder = Encoder::Mmpt(MmptEncoder::init(config, statistics, initialiser));
        Self { encoder, decoders: MmptDecoders::build(config, decoder_width, mask_token, initialiser) }
    }

    /// Encodes a batch, masks the atoms of each view and decodes both views.
    ///
    /// # Shapes
    /// See [`Prediction`].
    pub fn forward(&self, batch: &Batch, trace: &mut Trace) -> Prediction {
        let encoding = self.encoder().encode_all(batch, trace);
        self.decoders.forward(encoding, batch, trace)
    }

    /// Returns the encoder.
    pub(crate) fn encoder(&self) -> &MmptEncoder {
        let Encoder::Mmpt(encoder) = &self.encoder else { unreachable!("the model is made with it") };
        encoder
    }
}

impl MmptDecoders {
    /// Makes decoders by an initialiser.
    pub fn build(
        config: &MmptModelConfig,
        decoder_width: usize,
        mask_token: Param<Tensor<1>>,
        initialiser: &mut Initialiser,
    ) -> Self {
        let (width, hidden) = (config.structure_width, decoder_width);
        let mut lattices = vec![LATTICE_TOKENS * config.lattice_width];
        lattices.extend([hidden; LATTICE_DECODER_LAYERS]);
        lattices.push(LATTICE_PARAMETERS);
        let mut types = vec![width];
        types.extend([hidden; TYPE_LAYERS]);
        types.push(ATOM_TYPES);
        Self {
            mask_token,
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

    /// Masks the atoms of each view and decodes both views.
    ///
    /// The lattice is decoded from `h_L`. Each view is decoded from `g_i = [MASK]` for its hidden atoms and
    /// `g_i = h_S^i` for the others (Eq. 5).
    ///
    /// # Shapes
    /// See [`Prediction`].
    pub fn forward(&self, encoding: MmptEncoding, batch: &Batch, trace: &mut Trace) -> Prediction {
        let MmptEncoding { structure, lattice, parameters: lattice_target } = encoding;
        let lattice = self.lattice_dec.forward(lattice);
        trace.record("p_L", || lattice.clone());
        let radial = RadialSums::new(structure.radial, batch);
        let g = hide::hide(structure.structure, self.mask_token.val(), batch.views());
        let views = self.decode(g.clone(), &radial, batch.views());
        for view in 0..2 {
            trace.record(&format!("g{}", view + 1), || of_view(&g, view));
            views.record(view, trace);
        }
        Prediction { lattice, lattice_target, views }
    }

    /// Decodes both masked views.
    ///
    /// # Shapes
    /// Input g `[2 N, structure_width]`; see [`Decoded`].
    fn decode(&self, g: Tensor<2>, radial: &RadialSums, views: &Views) -> Decoded {
        let coordinate = self.coord_gin.forward(g.clone(), radial, views);
        let atom = self.atom_gin.forward(g, radial, views);
        let centre = self.coord_out.forward(coordinate.clone(), Activation::Identity);
        let edges = &views.edges;
        Decoded {
            centre_distances: centre.flatten(0, 1),
            types: self.atom_mlp.forward(atom.clone()),
            directions: at_pairs(&self.pal_dir, atom.clone(), edges),
            same_cell: at_pairs(&self.pal_unit, atom.clone(), edges),
            distances: at_pairs(&self.pal_dist, atom.clone(), edges).flatten(0, 1),
            coordinate,
            atom,
        }
    }
}

impl Decoded {
    /// Records every tensor of view 0 or 1.
    fn record(&self, view: usize, trace: &mut Trace) {
        let name = |name: &str| format!("v{}_{name}", view + 1);
        trace.record(&name("p_C"), || of_view(&self.coordinate, view));
        trace.record(&name("p_A"), || of_view(&self.atom, view));
        trace.record(&name("dcenter"), || of_view(&self.centre_distances, view));
        trace.record(&name("type_logits"), || of_view(&self.types, view));
        trace.record(&name("dir_logits"), || of_view(&self.directions, view));
        trace.record(&name("unit_logits"), || of_view(&self.same_cell, view));
        trace.record(&name("dist"), || of_view(&self.distances, view));
    }
}
