//! DimeNet++ on the periodic multigraph: embedding, interaction and output blocks (specification, section 4.2).
//!
//! DimeNet++ is by Gasteiger et al. (<https://arxiv.org/abs/2011.14115>), who extend their DimeNet
//! (<https://arxiv.org/abs/2003.03123>).

use burn::prelude::*;

use crate::config::model::{BASIS_WIDTH, MmptModelConfig};
use crate::data::basis::SPHERICAL;
use crate::data::bessel::RADIAL;
use crate::model::Batch;
use crate::model::layers::{Initial, Initialiser};
use crate::model::layers::{Linear, LinearConfig};
use crate::ops::{self, Activation};

/// Embedding block, which makes the first message of every edge:
/// `m_e = SiLU(Linear([â_tgt ‖ â_src ‖ SiLU(Linear(rbf_e))]))`.
#[derive(Module, Debug)]
pub struct MessageEmbedding {
    /// Linear layer on the radial basis, `6 → hidden`.
    pub emb_rbf: Linear,
    /// Linear layer on both atoms and the radial part, `3 · hidden → hidden`.
    pub emb_lin: Linear,
}

impl MessageEmbedding {
    /// Initialises the block.
    pub fn init(config: &MmptModelConfig, initialiser: &mut Initialiser) -> Self {
        let width = config.hidden;
        Self {
            emb_rbf: LinearConfig::new(RADIAL, width).init(initialiser),
            emb_lin: LinearConfig::new(3 * width, width).init(initialiser),
        }
    }

    /// Returns the message `m_e = SiLU(Linear([â_tgt ‖ â_src ‖ SiLU(Linear(rbf_e))]))` of every edge.
    ///
    /// # Shapes
    /// Atoms `[N, hidden]`, radial basis `[E, 6]`, output `[E, hidden]`.
    pub fn forward(&self, atoms: Tensor<2>, radial: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let radial = self.emb_rbf.forward(radial, Activation::Silu);
        self.emb_lin.forward_pairs(atoms, Some(radial), Activation::Silu, &batch.edges)
    }
}

/// A residual layer `Res(h) = h + SiLU(lin2 SiLU(lin1 h))`.
#[derive(Module, Debug)]
pub struct Residual {
    /// First layer, `hidden → hidden`.
    pub lin1: Linear,
    /// Second layer, `hidden → hidden`.
    pub lin2: Linear,
}

impl Residual {
    fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        let layer = LinearConfig::new(width, width).with_initial(Initial::GlorotOrthogonal);
        Self { lin1: layer.init(initialiser), lin2: layer.init(initialiser) }
    }

    fn forward(&self, h: Tensor<2>) -> Tensor<2> {
        let layer = |layer: &Linear| (layer.weight.val(), layer.bias().expect("both have a bias"));
        ops::residual(h, [&self.lin1, &self.lin2].map(layer), Activation::Silu)
    }
}

/// Interaction block: directional message passing from the edges kj into atom j to the edges ji out of it.
#[derive(Module, Debug)]
pub struct Interaction {
    /// First linear map of the radial basis, `6 → 8`.
    pub lin_rbf1: Linear,
    /// Second linear map of the radial basis, `8 → hidden`.
    pub lin_rbf2: Linear,
    /// First linear map of the spherical basis, `42 → 8`.
    pub lin_sbf1: Linear,
    /// Second linear map of the spherical basis, `8 → interaction_width`.
    pub lin_sbf2: Linear,
    /// Layer on the incoming messages, `hidden → hidden`.
    pub lin_kj: Linear,
    /// Layer on the edge's own message, `hidden → hidden`.
    pub lin_ji: Linear,
    /// Down-projection, `hidden → interaction_width`.
    pub lin_down: Linear,
    /// Up-projection, `interaction_width → hidden`.
    pub lin_up: Linear,
    /// Residual layers before the skip connection.
    pub layers_before_skip: Vec<Residual>,
    /// Layer before the skip connection, `hidden → hidden`.
    pub lin: Linear,
    /// Residual layers after the skip connection.
    pub layers_after_skip: Vec<Residual>,
}

impl Interaction {
    /// Initialises the block.
    pub fn init(config: &MmptModelConfig, initialiser: &mut Initialiser) -> Self {
        let (width, inner, basis) = (config.hidden, config.interaction_width, BASIS_WIDTH);
        let orthogonal = |inputs: usize, outputs: usize| {
            LinearConfig::new(inputs, outputs).with_initial(Initial::GlorotOrthogonal)
        };
        let mut plain =
            |inputs: usize, outputs: usize| orthogonal(inputs, outputs).without_bias().init(initialiser);
        let lin_rbf1 = plain(RADIAL, basis);
        let lin_rbf2 = plain(basis, width);
        let lin_sbf1 = plain(SPHERICAL, basis);
        let lin_sbf2 = plain(basis, inner);
        let lin_down = plain(width, inner);
        let lin_up = plain(inner, width);
        let mut residuals = |count: usize| (0..count).map(|_| Residual::init(width, initialiser)).collect();
        let layers_before_skip = residuals(config.layers_before_skip);
        let layers_after_skip = residuals(config.layers_after_skip);
        Self {
            lin_rbf1,
            lin_rbf2,
            lin_sbf1,
            lin_sbf2,
            lin_kj: orthogonal(width, width).init(initialiser),
            lin_ji: orthogonal(width, width).init(initialiser),
            lin_down,
            lin_up,
            layers_before_skip,
            lin: orthogonal(width, width).init(initialiser),
            layers_after_skip,
        }
    }

    /// Returns the updated messages. With `x_kj = SiLU(lin_down(SiLU(lin_kj m_kj) ⊙ lin_rbf2 lin_rbf1 rbf_kj))`:
    ///
    /// `y_ji = Σ_{k→j→i} x_kj ⊙ lin_sbf2 lin_sbf1 (S_kj ⊗ Y(θ))`
    ///
    /// `h = SiLU(lin_ji m_ji) + SiLU(lin_up y_ji)`, followed by the residual layers before the skip connection,
    /// `h ← m_ji + SiLU(lin h)`, and the residual layers after it.
    ///
    /// # Shapes
    /// Messages `[E, hidden]`, radial basis `[E, 6]`, output `[E, hidden]`.
    pub fn forward(&self, messages: Tensor<2>, radial: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let own = self.lin_ji.forward(messages.clone(), Activation::Silu);
        let arriving = self.lin_kj.forward(messages.clone(), Activation::Silu);
        // No activation stands between the two radial maps: they are one.
        let radial_weight = self.lin_rbf2.weight.val().matmul(self.lin_rbf1.weight.val());
        let arriving = ops::radial_gate(arriving, radial, radial_weight);
        let arriving = self.lin_down.forward(arriving, Activation::Silu);
        let heard = ops::triplet_sum(
            arriving,
            batch.bases().spherical.clone(),
            self.lin_sbf1.weight.val(),
            self.lin_sbf2.weight.val(),
            &batch.edges,
        );
        let h = self.lin_up.forward_onto(heard, own, Activation::Silu);
        let h = self.layers_before_skip.iter().fold(h, |h, layer| layer.forward(h));
        let h = self.lin.forward_onto(h, messages, Activation::Silu);
        self.layers_after_skip.iter().fold(h, |h, layer| layer.forward(h))
    }
}

/// Output block, which sums the messages of the edges into an atom.
#[derive(Module, Debug)]
pub struct Output {
    /// Linear map of the radial basis, `6 → hidden`.
    pub lin_rbf: Linear,
    /// Up-projection, `hidden → output_width`.
    pub lin_up: Linear,
    /// Hidden layers, `output_width → output_width`.
    pub lins: Vec<Linear>,
    /// Output layer, `output_width → structure_width`.
    pub lin: Linear,
}

impl Output {
    /// Initialises the block. Its output layer is zero, so that `h_S = 0` at the first step (specification,
    /// section 4.3).
    pub fn init(config: &MmptModelConfig, initialiser: &mut Initialiser) -> Self {
        let (hidden, width) = (config.hidden, config.output_width);
        let orthogonal = |inputs: usize, outputs: usize| {
            LinearConfig::new(inputs, outputs).with_initial(Initial::GlorotOrthogonal)
        };
        Self {
            lin_rbf: orthogonal(RADIAL, hidden).without_bias().init(initialiser),
            lin_up: orthogonal(hidden, width).without_bias().init(initialiser),
            lins: (0..config.output_layers).map(|_| orthogonal(width, width).init(initialiser)).collect(),
            lin: LinearConfig::new(width, config.structure_width)
                .without_bias()
                .with_initial(Initial::Zeros)
                .init(initialiser),
        }
    }

    /// Returns `lin(lins(lin_up Σ_{e into i} m_e ⊙ lin_rbf rbf_e))`, with SiLU after each of `lins`.
    ///
    /// # Shapes
    /// Messages `[E, hidden]`, radial basis `[E, 6]`, output `[N, structure_width]`.
    pub fn forward(&self, messages: Tensor<2>, radial: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let sums = ops::radial_sum(messages, radial, self.lin_rbf.weight.val(), &batch.edges);
        let h = self.lin_up.forward(sums, Activation::Identity);
        let h = self.lins.iter().fold(h, |h, layer| layer.forward(h, Activation::Silu));
        self.lin.forward(h, Activation::Identity)
    }
}
