//! The model of InfoGraph: convolutions and two discriminators, with the estimate of their mutual information.

use std::f64::consts::LN_2;

use burn::prelude::*;

use crate::config::Config;
use crate::model::cgcnn::CgcnnEncoder;
use crate::model::head::mean;
use crate::model::layers::{Initial, Initialiser, Linear, LinearConfig, Mlp};
use crate::model::{Batch, Encoder, Pass};
use crate::ops::{self, Activation};

/// Number of layers of a discriminator's perceptron.
const LAYERS: usize = 3;

/// CGCNN's convolutions with a discriminator of atoms and one of crystals. All linear layers begin Xavier-uniform.
#[derive(Module, Debug)]
pub struct InfoGraphModel {
    /// CGCNN, up to the embeddings of atoms.
    pub encoder: Encoder,
    /// Discriminator of the atoms.
    pub local_d: Discriminator,
    /// Discriminator of the crystals.
    pub global_d: Discriminator,
}

/// `FF(a) = ReLU(W4 ReLU(W2 ReLU(W0 a))) + S a`, with biases.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// The perceptron, three layers of the width of the input.
    pub block: Mlp,
    /// The linear layer beside it, of the same width.
    pub linear_shortcut: Linear,
}

/// The place of a rank's crystals among those of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of crystals of the ranks before this one.
    pub first_crystal: usize,
    /// Number of crystals of all ranks.
    pub crystals: usize,
}

/// The parts of the loss, shape `[1]` each. Each is this rank's loss for the part: the mean over the ranks is the part.
#[derive(Debug, Clone)]
pub struct Information {
    /// `E_pos = 1/N Σ_i (ln 2 − softplus(−s_i,b(i)))`, over the atoms with their own crystals.
    pub positive: Tensor<1>,
    /// `E_neg = 1/(N (B − 1)) Σ_{b ≠ b(i)} (softplus(s_ib) − ln 2)`, over the atoms with all other crystals of the
    /// batch; 0 for a single crystal.
    pub negative: Tensor<1>,
    /// `E_neg − E_pos`.
    pub loss: Tensor<1>,
}

impl InfoGraphModel {
    /// Initialises a model.
    pub fn init(config: &Config, device: &Device) -> Self {
        Self::build(config, &mut Initialiser::new(config.seed, device))
    }

    /// Makes a model by an initialiser.
    pub fn build(config: &Config, initialiser: &mut Initialiser) -> Self {
        let cgcnn = &config.model.cgcnn;
        let encoder = CgcnnEncoder::of_atoms(cgcnn, Initial::XavierUniform, initialiser);
        let width = cgcnn.convolutions * cgcnn.atom_width;
        Self {
            encoder: Encoder::Cgcnn(encoder),
            local_d: Discriminator::init(width, initialiser),
            global_d: Discriminator::init(width, initialiser),
        }
    }

    /// Estimates the mutual information of atoms and crystals by the Jensen-Shannon estimator.
    ///
    /// An atom's M is the concatenation of its embeddings after every convolution, and a crystal's Y the mean of its
    /// atoms' M. The score of an atom and a crystal is `s_ib = local_d(M_i) · global_d(Y_b)`. The crystals are those of
    /// all ranks.
    pub fn information(&self, batch: &Batch, place: Place, pass: &mut Pass) -> Information {
        let Encoder::Cgcnn(encoder) = &self.encoder else { unreachable!("the model is made with it") };
        let mut layers = encoder.layers(batch, pass);
        layers.remove(0);
        let atoms = Tensor::cat(layers, 1);
        pass.trace.record("M", || atoms.clone());
        let crystals = mean(atoms.clone(), batch);
        pass.trace.record("y", || crystals.clone());
        let local = self.local_d.forward(atoms);
        pass.trace.record("l_enc", || local.clone());
        let global = self.global_d.forward(crystals);
        pass.trace.record("g_enc", || global.clone());
        let scores = local.matmul(of_all_ranks(global, place, batch).transpose());
        pass.trace.record("score", || scores.clone());
        information(scores, batch, place)
    }
}

impl Discriminator {
    fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        let initial = Initial::XavierUniform;
        let block = Mlp::init_with(&[width; LAYERS + 1], initial, initialiser);
        Self {
            block: block.with_last_activation(Activation::Relu),
            linear_shortcut: LinearConfig::new(width, width).with_initial(initial).init(initialiser),
        }
    }

    /// # Shapes
    /// Input and output `[rows, width]`.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.linear_shortcut.forward_onto(x.clone(), self.block.forward(x), Activation::Identity)
    }
}

/// Returns the rows of all ranks' crystals, in the order of the ranks: each adds its own to zeros.
///
/// # Shapes
/// Input `[B of this rank, width]`, output `[B, width]`.
fn of_all_ranks(own: Tensor<2>, place: Place, batch: &Batch) -> Tensor<2> {
    let ranks = batch.global.ranks();
    if ranks.is_alone() {
        return own;
    }
    let [count, width] = own.dims();
    let zeros = |rows: usize| Tensor::<2>::zeros([rows, width], (&own.device(), own.dtype()));
    let after = place.crystals - place.first_crystal - count;
    ops::all_reduce(Tensor::cat(vec![zeros(place.first_crystal), own.clone(), zeros(after)], 0), ranks)
}

/// Returns the parts of the loss from the scores of atoms and crystals.
///
/// # Shapes
/// Scores `[N of this rank, B]`.
fn information(scores: Tensor<2>, batch: &Batch, place: Place) -> Information {
    let [atoms, crystals] = scores.dims();
    let own = (batch.crystal_of_atom.clone() + place.first_crystal as i64).reshape([atoms, 1]);
    let per_atom = batch.global.per_atom();
    // softplus(-s), of which softplus(s) is s more.
    let softplus = ops::activate(scores.clone().neg(), Activation::Softplus);
    let positive = (softplus.clone().gather(1, own.clone()).neg() + LN_2).sum() * per_atom;
    let others = crystals.saturating_sub(1).max(1) as f64;
    let column = Tensor::<1, Int>::arange(0..crystals as i64, &own.device()).reshape([1, crystals]);
    let is_own = column.expand([atoms, crystals]).equal(own.expand([atoms, crystals]));
    let negative = (softplus + scores - LN_2).mask_fill(is_own, 0.0).sum() * (per_atom / others);
    Information { loss: negative.clone() - positive.clone(), positive, negative }
}
