//! Decoders of the masked encodings (specification, section 5): graph isomorphism layers and heads.

use burn::module::Param;
use burn::prelude::*;

use super::batch::Batch;
use super::linear::{Linear, LinearConfig, Mlp};
use super::parameter::Initialiser;
use crate::config::model::{ATOM_TYPES, ModelConfig, SAME_CELL_CLASSES};
use crate::data::bessel::RADIAL;
use crate::data::labels::DIRECTIONS;
use crate::ops::{self, Activation};

/// Hidden width of a graph isomorphism layer over its width.
const HIDDEN_MULTIPLE: usize = 2;
/// Linear layers of the type decoder before its last.
const TYPE_LAYERS: usize = 4;

/// What the decoders need of the edges beside their ends, computed once for all of them.
#[derive(Debug, Clone)]
pub struct RadialSums {
    /// `Σ_{e into i} rbf_e`, shape `[N, 6]`.
    pub sums: Tensor<2>,
    /// Edges into each atom, shape `[N, 1]`.
    pub degrees: Tensor<2>,
}

impl RadialSums {
    /// Sums the radial basis `[E, 6]` at the centre atoms.
    pub fn new(radial: Tensor<2>, batch: &Batch) -> Self {
        let sums = ops::composed::sum_by(batch.atoms, &batch.edges.target, radial);
        Self { sums, degrees: batch.degrees.clone() }
    }
}

/// `GIN(g)_i = MLP(g_i + e_self + Σ_{e into i} (g_src(e) + Linear(rbf_e)))`: a layer of a graph isomorphism
/// network (Xu et al., <https://arxiv.org/abs/1810.00826>) with features of edges.
#[derive(Module, Debug)]
pub struct EdgeGin {
    /// The edge from an atom to itself, shape `[width]`.
    pub e_self: Param<Tensor<1>>,
    /// Radial basis to `width`.
    pub edge: Linear,
    /// `width → 2 · width → width`.
    pub mlp: Mlp,
}

impl EdgeGin {
    /// The layer.
    pub fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        Self {
            e_self: initialiser.uniform([width], 1.0 / (width as f64).sqrt()),
            edge: LinearConfig::new(RADIAL, width).init(initialiser),
            mlp: Mlp::init(&[width, HIDDEN_MULTIPLE * width, width], initialiser),
        }
    }

    /// `g [N, width]` to `[N, width]`.
    ///
    /// The linear map of the edges is applied after their sum: `Σ_e (W rbf_e + b) = W Σ_e rbf_e +
    /// degree · b`.
    pub fn forward(&self, g: Tensor<2>, radial: &RadialSums, batch: &Batch) -> Tensor<2> {
        let width = g.dims()[1];
        let neighbours = ops::neighbour_sum(g.clone(), &batch.edges);
        let mut sum = g + self.e_self.val().reshape([1, width]) + neighbours;
        if let Some(bias) = self.edge.bias() {
            sum = sum + radial.degrees.clone() * bias.reshape([1, width]);
        }
        let edges =
            ops::dense(radial.sums.clone(), self.edge.weight.val(), None, Some(sum), Activation::Identity);
        self.mlp.forward(edges)
    }
}

/// Heads of the periodic attributes: a two-layer perceptron on `[p_A^tgt ‖ p_A^src]` of each edge.
#[derive(Module, Debug)]
pub struct PairHead {
    /// `2 · width → hidden → outputs`.
    pub mlp: Mlp,
}

impl PairHead {
    /// A head with so many outputs.
    pub fn init(width: usize, hidden: usize, outputs: usize, initialiser: &mut Initialiser) -> Self {
        Self { mlp: Mlp::init(&[2 * width, hidden, outputs], initialiser) }
    }

    /// Atoms `[N, width]` to edges `[E, outputs]`.
    ///
    /// The first layer is split by columns and computed once an atom.
    pub fn forward(&self, atoms: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let width = atoms.dims()[1];
        let first = &self.mlp.layers[0];
        let at_target = first.forward_columns(atoms.clone(), 0, width, true);
        let at_source = first.forward_columns(atoms, width, 2 * width, false);
        let hidden = ops::pair_sum(at_target, at_source, None, Activation::Relu, &batch.edges);
        self.mlp.forward_from(1, hidden)
    }
}

/// What one view is decoded to.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// p_C, shape `[N, width]`.
    pub coordinate: Tensor<2>,
    /// p_A, shape `[N, width]`.
    pub atom: Tensor<2>,
    /// Distance from the crystal's centre in Å, shape `[N]`.
    pub centre_distances: Tensor<1>,
    /// Scores of the atom types, shape `[N, 119]`.
    pub types: Tensor<2>,
    /// Scores of the directions, shape `[E, 27]`.
    pub directions: Tensor<2>,
    /// Scores of the same-cell label, shape `[E, 2]`.
    pub same_cell: Tensor<2>,
    /// Edge lengths in Å, shape `[E]`.
    pub distances: Tensor<1>,
}

/// The decoders that both views share.
#[derive(Module, Debug)]
pub struct Decoders {
    /// Graph layer of the coordinates.
    pub coord_gin: EdgeGin,
    /// p_C to the distance from the centre.
    pub coord_out: Linear,
    /// Graph layer of the atom types.
    pub atom_gin: EdgeGin,
    /// p_A to the atom types.
    pub atom_mlp: Mlp,
    /// p_A pairs to directions.
    pub pal_dir: PairHead,
    /// p_A pairs to the same-cell label.
    pub pal_unit: PairHead,
    /// p_A pairs to edge lengths.
    pub pal_dist: PairHead,
}

impl Decoders {
    /// The decoders.
    pub fn init(config: &ModelConfig, initialiser: &mut Initialiser) -> Self {
        let (width, hidden) = (config.structure_width, config.decoder_width);
        let mut types = vec![width];
        types.extend([hidden; TYPE_LAYERS]);
        types.push(ATOM_TYPES);
        Self {
            coord_gin: EdgeGin::init(width, initialiser),
            coord_out: LinearConfig::new(width, 1).init(initialiser),
            atom_gin: EdgeGin::init(width, initialiser),
            atom_mlp: Mlp::init(&types, initialiser),
            pal_dir: PairHead::init(width, hidden, DIRECTIONS, initialiser),
            pal_unit: PairHead::init(width, hidden, SAME_CELL_CLASSES, initialiser),
            pal_dist: PairHead::init(width, hidden, 1, initialiser),
        }
    }

    /// Decodes a view `g [N, width]`.
    pub fn forward(&self, g: Tensor<2>, radial: &RadialSums, batch: &Batch) -> Decoded {
        let coordinate = self.coord_gin.forward(g.clone(), radial, batch);
        let atom = self.atom_gin.forward(g, radial, batch);
        let centre = self.coord_out.forward(coordinate.clone(), Activation::Identity);
        Decoded {
            centre_distances: centre.reshape([batch.atoms]),
            types: self.atom_mlp.forward(atom.clone()),
            directions: self.pal_dir.forward(atom.clone(), batch),
            same_cell: self.pal_unit.forward(atom.clone(), batch),
            distances: self.pal_dist.forward(atom.clone(), batch).reshape([batch.edge_count]),
            coordinate,
            atom,
        }
    }
}
