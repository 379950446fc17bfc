//! Decoders of the masked encodings (specification, section 5): graph isomorphism layers and heads.

use burn::module::Param;
use burn::prelude::*;

use crate::data::bessel::RADIAL;
use crate::model::Batch;
use crate::model::layers::{Initialiser, Linear, LinearConfig, Mlp};
use crate::ops::{self, Activation};

/// Hidden width of a graph isomorphism layer over its width.
const HIDDEN_MULTIPLE: usize = 2;

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

/// A head of the periodic attributes: a two-layer perceptron `2 · width → hidden → outputs` on `[p_A^tgt ‖ p_A^src]`
/// of each edge.
pub fn pair_head(width: usize, hidden: usize, outputs: usize, initialiser: &mut Initialiser) -> Mlp {
    Mlp::init(&[2 * width, hidden, outputs], initialiser)
}

/// A pair head at every edge: atoms `[N, width]` to `[E, outputs]`.
///
/// The first layer is split by columns and computed once an atom.
pub fn at_pairs(head: &Mlp, atoms: Tensor<2>, batch: &Batch) -> Tensor<2> {
    let width = atoms.dims()[1];
    let first = &head.layers[0];
    let at_target = first.forward_columns(atoms.clone(), 0, width, true);
    let at_source = first.forward_columns(atoms, width, 2 * width, false);
    let hidden = ops::pair_sum(at_target, at_source, None, Activation::Relu, &batch.edges);
    head.forward_from(1, hidden)
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
