//! SchNet (Schütt et al. 2017, <https://arxiv.org/abs/1706.08566>): convolutions whose filters are functions of the
//! distance.
//!
//! ```text
//! x   = embedding(Z)                                        "kgcnn" only: x = lin_in(x)
//! w_e = filter(g(d_e))                                      "pyg" only: times ½ (cos(π d_e / 8 Å) + 1)
//! x_i ← x_i + lin3(ssp(lin2(Σ_{e into i} lin1(x)_source(e) ⊙ w_e)))
//! ŷ   = mean_i head(x_i)
//! ```
//!
//! `ssp` is the shifted softplus, `ln(1 + e^z) − ln 2`.

pub mod head;
pub mod memory;
#[cfg(test)]
mod tests;

use std::f64::consts::PI;

use burn::prelude::*;

use super::encoding::Encoding;
use super::layers::{Embedding, Gaussians, Initial, Initialiser, Linear, LinearConfig, Mlp};
use super::{Batch, Pass};
use crate::config::SchnetModelConfig;
use crate::config::model::SchnetStyle;
use crate::config::model::schnet::ENVELOPE_CUTOFF;
use crate::data::Inputs;
use crate::ops::{self, Activation};

/// Bound of the first vectors of the elements in the style "kgcnn", as in Keras.
const EMBEDDING_BOUND: f64 = 0.05;

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs::default()
}

/// Embeddings of atoms by interactions with their neighbours.
#[derive(Module, Debug)]
pub struct SchnetEncoder {
    /// Vectors of the elements.
    pub embedding: Embedding,
    /// Layer after them, `embedding_width → atom_width`; in the style "kgcnn" alone.
    pub lin_in: Option<Linear>,
    /// Interactions from first to last.
    pub interactions: Vec<Interaction>,
    #[module(skip)]
    gaussians: Gaussians,
    #[module(skip)]
    has_envelope: bool,
}

/// An interaction: a convolution with filters of the distance.
#[derive(Module, Debug)]
pub struct Interaction {
    /// Layer of the neighbours without a bias, `atom_width → filter_width`.
    pub lin1: Linear,
    /// Filter of an edge, `gaussians → filter_width → filter_width`.
    pub filter: Mlp,
    /// First layer of the sums, `filter_width → atom_width`.
    pub lin2: Linear,
    /// Second layer of the sums, `atom_width → atom_width`.
    pub lin3: Linear,
}

impl SchnetEncoder {
    /// Initialises an encoder: Xavier-uniform weights and biases of 0. The vectors of the elements are drawn from
    /// `U(±0.05)` for "kgcnn" and from `N(0, 1)` for "pyg".
    pub fn init(config: &SchnetModelConfig, initialiser: &mut Initialiser) -> Self {
        let SchnetModelConfig { embedding_width, atom_width, gaussians, .. } = *config;
        let (embedding, lin_in, gaussians) = match config.style {
            SchnetStyle::Kgcnn => {
                let embedding = Embedding::uniform(embedding_width, EMBEDDING_BOUND, initialiser);
                let lin_in = xavier(embedding_width, atom_width).init(initialiser);
                (embedding, Some(lin_in), Gaussians::kgcnn(gaussians))
            }
            SchnetStyle::Pyg => {
                let gamma = |step: f64| 0.5 / (step * step);
                let gaussians = Gaussians::between(0.0, ENVELOPE_CUTOFF, gaussians, gamma);
                (Embedding::normal(atom_width, initialiser), None, gaussians)
            }
        };
        let interactions = (0..config.interactions).map(|_| Interaction::init(config, initialiser)).collect();
        let has_envelope = config.style == SchnetStyle::Pyg;
        Self { embedding, lin_in, interactions, gaussians, has_envelope }
    }

    /// Returns the embeddings of the atoms after the last interaction. The trace records `emb` and the output
    /// `inter<l>` of every interaction.
    ///
    /// # Shapes
    /// Atoms `[N, atom_width]`.
    pub fn encode(&self, batch: &Batch, pass: &mut Pass) -> Encoding {
        let distances = self.gaussians.expand(batch.distances.clone());
        let envelope = self.has_envelope.then(|| envelope(batch.distances.clone()));
        let mut x = self.embedding.forward(&batch.atomic_numbers);
        if let Some(layer) = &self.lin_in {
            x = layer.forward(x, Activation::Identity);
        }
        pass.trace.record("emb", || x.clone());
        for (index, interaction) in self.interactions.iter().enumerate() {
            x = interaction.forward(x, distances.clone(), envelope.clone(), batch);
            pass.trace.record(&format!("inter{index}"), || x.clone());
        }
        Encoding { atoms: x, crystals: None }
    }
}

impl Interaction {
    fn init(config: &SchnetModelConfig, initialiser: &mut Initialiser) -> Self {
        let SchnetModelConfig { atom_width, filter_width, gaussians, .. } = *config;
        let filter =
            Mlp::init_with(&[gaussians, filter_width, filter_width], Initial::XavierUniform, initialiser);
        Self {
            lin1: xavier(atom_width, filter_width).without_bias().init(initialiser),
            filter: filter.with_activation(Activation::ShiftedSoftplus),
            lin2: xavier(filter_width, atom_width).init(initialiser),
            lin3: xavier(atom_width, atom_width).init(initialiser),
        }
    }

    /// Returns the updated embeddings of the atoms.
    ///
    /// # Shapes
    /// x and output `[N, atom_width]`, distances `[E, gaussians]`, envelope `[E, 1]`.
    fn forward(
        &self,
        x: Tensor<2>,
        distances: Tensor<2>,
        envelope: Option<Tensor<2>>,
        batch: &Batch,
    ) -> Tensor<2> {
        let filters = self.filter.forward(distances);
        let filters = match envelope {
            Some(envelope) => filters * envelope,
            None => filters,
        };
        let neighbours = self.lin1.forward(x.clone(), Activation::Identity);
        let sums = ops::product_sum(neighbours, filters, &batch.edges);
        let hidden = self.lin2.forward(sums, Activation::ShiftedSoftplus);
        self.lin3.forward_onto(hidden, x, Activation::Identity)
    }
}

/// A layer with Xavier-uniform weights and biases of 0.
fn xavier(inputs: usize, outputs: usize) -> LinearConfig {
    LinearConfig::new(inputs, outputs).with_initial(Initial::XavierUniform)
}

/// Returns `½ (cos(π d / 8 Å) + 1)`, which falls from 1 to 0 within 8 Å.
///
/// # Shapes
/// `distances [E]`, output `[E, 1]`.
fn envelope(distances: Tensor<1>) -> Tensor<2> {
    let edges = distances.dims()[0];
    (((distances * (PI / ENVELOPE_CUTOFF)).cos() + 1.0) * 0.5).reshape([edges, 1])
}
