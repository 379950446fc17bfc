//! Decoders of the masked views: graph isomorphism layers and prediction heads (specification, section 5).

use burn::module::Param;
use burn::prelude::*;

use crate::data::bessel::RADIAL;
use crate::model::Batch;
use crate::model::layers::{Initialiser, Linear, LinearConfig, Mlp};
use crate::model::views::{Views, in_both_views};
use crate::ops::{self, Activation, Edges};

/// Ratio of the hidden width of a graph isomorphism layer to its width.
const HIDDEN_MULTIPLE: usize = 2;

/// Sums `Σ_{e into i} rbf_e` of the radial basis over the edges of every atom of both views, shape `[2 N, 6]`, computed
/// once for all decoders.
#[derive(Debug, Clone)]
pub struct RadialSums(Tensor<2>);

impl RadialSums {
    /// Sums the radial basis over the edges that end at each atom.
    ///
    /// # Shapes
    /// Input `[E, 6]`.
    pub fn new(radial: Tensor<2>, batch: &Batch) -> Self {
        Self(in_both_views(ops::edge_sum(radial, &batch.edges)))
    }
}

/// A layer of a graph isomorphism network (GIN, Xu et al., <https://arxiv.org/abs/1810.00826>) with edge features:
/// `GIN(g)_i = MLP(g_i + e_self + Σ_{e into i} (g_src(e) + Linear(rbf_e)))`.
#[derive(Module, Debug)]
pub struct EdgeGin {
    /// Feature of the edge from an atom to itself, shape `[width]`.
    pub e_self: Param<Tensor<1>>,
    /// Linear layer on the radial basis, `6 → width`.
    pub edge: Linear,
    /// Perceptron `width → 2 · width → width`.
    pub mlp: Mlp,
}

impl EdgeGin {
    /// Initialises the layer.
    pub fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        Self {
            e_self: initialiser.uniform([width], 1.0 / (width as f64).sqrt()),
            edge: LinearConfig::new(RADIAL, width).init(initialiser),
            mlp: Mlp::init(&[width, HIDDEN_MULTIPLE * width, width], initialiser),
        }
    }

    /// Returns `MLP(g_i + e_self + Σ_{e into i} (g_src(e) + Linear(rbf_e)))` of every atom.
    ///
    /// The linear layer is applied to the sum of the radial basis: `Σ_e (W rbf_e + b) = W Σ_e rbf_e + degree · b`.
    ///
    /// # Shapes
    /// Input g `[2 N, width]`, output `[2 N, width]`.
    pub fn forward(&self, g: Tensor<2>, radial: &RadialSums, views: &Views) -> Tensor<2> {
        let width = g.dims()[1];
        let neighbours = ops::neighbour_sum(g.clone(), &views.edges);
        let mut sum = g + self.e_self.val().reshape([1, width]) + neighbours;
        if let Some(bias) = self.edge.bias() {
            sum = sum + views.degrees.clone() * bias.reshape([1, width]);
        }
        let edges =
            ops::dense(radial.0.clone(), self.edge.weight.val(), None, Some(sum), Activation::Identity);
        self.mlp.forward(edges)
    }
}

/// Initialises a head for a periodic attribute, a perceptron `2 · width → hidden → outputs` on the pair
/// `[p_A^tgt ‖ p_A^src]` of each edge.
pub fn pair_head(width: usize, hidden: usize, outputs: usize, initialiser: &mut Initialiser) -> Mlp {
    Mlp::init(&[2 * width, hidden, outputs], initialiser)
}

/// Applies a pair head to every edge: `MLP([a_tgt ‖ a_src])`.
///
/// # Shapes
/// Input `[N, width]`, output `[E, outputs]`.
pub fn at_pairs(head: &Mlp, atoms: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let hidden = head.layers[0].forward_pairs(atoms, None, Activation::Relu, edges);
    head.forward_from(1, hidden)
}

/// The predictions of both views for N atoms and E edges. Those of the second view follow those of the first.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// Decoded coordinate features p_C, shape `[2 N, width]`.
    pub coordinate: Tensor<2>,
    /// Decoded atom features p_A, shape `[2 N, width]`.
    pub atom: Tensor<2>,
    /// Predicted distance from the crystal's centre in Å, shape `[2 N]`.
    pub centre_distances: Tensor<1>,
    /// Logits of the atom types, shape `[2 N, 119]`.
    pub types: Tensor<2>,
    /// Logits of the directions, shape `[2 E, 27]`.
    pub directions: Tensor<2>,
    /// Logits of the same-cell label, shape `[2 E, 2]`.
    pub same_cell: Tensor<2>,
    /// Predicted edge lengths in Å, shape `[2 E]`.
    pub distances: Tensor<1>,
}
