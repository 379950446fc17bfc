//! CGCNN (Xie and Grossman 2018, <https://doi.org/10.1103/PhysRevLett.120.145301>): gated convolutions over the
//! neighbours of an atom.
//!
//! ```text
//! x   = embedding(f92)
//! t_e = bn1(fc_full([x_target ‖ x_source ‖ g(d_e)]))                  the first half are gates, the second cores
//! x_i ← softplus(x_i + bn2(Σ_{e into i} sigmoid(gate_e) · softplus(core_e)))
//! h   = softplus(conv_to_fc(softplus(mean_i x_i)))
//! ```

pub mod head;
pub mod memory;
#[cfg(test)]
mod tests;

use burn::prelude::*;

use super::atom_features::{self, ATOM_FEATURES, LAST_ELEMENT};
use super::encoding::Encoding;
use super::head::mean;
use super::layers::{BatchNorm, Gaussians, Initial, Initialiser, Linear, LinearConfig};
use super::{Batch, Pass};
use crate::config::CgcnnModelConfig;
use crate::data::Inputs;
use crate::ops::{self, Activation};

/// Expansion of distances: 41 functions up to 8 Å with a width of 0.2 Å.
pub const GAUSSIANS: Gaussians = Gaussians { first: 0.0, step: 0.2, count: 41, gamma: 25.0 };

/// Prefix of the names of the parameters of [`CgcnnEncoder::conv_to_fc`].
pub const CRYSTAL_LAYER: &str = "conv_to_fc.";

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs { last_element: Some(LAST_ELEMENT), ..Inputs::default() }
}

/// Convolutions, and the embedding of a crystal.
#[derive(Module, Debug)]
pub struct CgcnnEncoder {
    /// Embedding of the 92 features of an element, `92 → atom_width`.
    pub embedding: Linear,
    /// Convolutions from first to last.
    pub convs: Vec<Convolution>,
    /// Embedding of the crystal, `atom_width → crystal_width`; absent in an encoder of atoms alone.
    pub conv_to_fc: Option<Linear>,
}

/// A gated convolution.
#[derive(Module, Debug)]
pub struct Convolution {
    /// Layer from target, source and distance to gate and core, `2 · width + 41 → 2 · width`.
    pub fc_full: Linear,
    /// Normalisation over the edges.
    pub bn1: BatchNorm,
    /// Normalisation over the atoms.
    pub bn2: BatchNorm,
}

impl CgcnnEncoder {
    /// Initialises an encoder.
    pub fn init(config: &CgcnnModelConfig, initialiser: &mut Initialiser) -> Self {
        let encoder = Self::of_atoms(config, Initial::LinearDefault, initialiser);
        let conv_to_fc = LinearConfig::new(config.atom_width, config.crystal_width).init(initialiser);
        Self { conv_to_fc: Some(conv_to_fc), ..encoder }
    }

    /// Initialises an encoder of atoms alone, with linear layers of a distribution.
    pub fn of_atoms(config: &CgcnnModelConfig, initial: Initial, initialiser: &mut Initialiser) -> Self {
        let width = config.atom_width;
        let embedding = LinearConfig::new(ATOM_FEATURES, width).with_initial(initial).init(initialiser);
        let convs =
            (0..config.convolutions).map(|_| Convolution::init(width, initial, initialiser)).collect();
        Self { embedding, convs, conv_to_fc: None }
    }

    /// Returns the embeddings of the atoms after the last convolution and the embedding h of every crystal.
    ///
    /// # Shapes
    /// Atoms `[N, atom_width]`, crystals `[B, crystal_width]`.
    pub fn encode(&self, batch: &Batch, pass: &mut Pass) -> Encoding {
        let atoms = self.atoms(batch, pass);
        Encoding { crystals: self.crystals(&atoms, batch, pass), atoms }
    }

    /// Returns the embeddings of the atoms after the last convolution.
    ///
    /// # Shapes
    /// `[N, atom_width]`.
    pub fn atoms(&self, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        self.layers(batch, pass).pop().expect("an embedding at least")
    }

    /// Returns the embedding h of every crystal; `None` for an encoder of atoms alone.
    ///
    /// # Shapes
    /// Atoms `[N, atom_width]`, crystals `[B, crystal_width]`.
    pub fn crystals(&self, atoms: &Tensor<2>, batch: &Batch, pass: &mut Pass) -> Option<Tensor<2>> {
        let layer = self.conv_to_fc.as_ref()?;
        let pooled = mean(atoms.clone(), batch);
        pass.trace.record("pool", || pooled.clone());
        let crystals = layer.forward(ops::activate(pooled, Activation::Softplus), Activation::Softplus);
        pass.trace.record("fc", || crystals.clone());
        Some(crystals)
    }

    /// Returns the embeddings of the atoms before the first and after every convolution.
    ///
    /// # Shapes
    /// `[N, atom_width]` each.
    pub fn layers(&self, batch: &Batch, pass: &mut Pass) -> Vec<Tensor<2>> {
        let distances = GAUSSIANS.expand(batch.distances.clone());
        let mut x = atom_features::embed(&self.embedding, &batch.atomic_numbers);
        pass.trace.record("emb", || x.clone());
        let mut layers = vec![x.clone()];
        for (index, convolution) in self.convs.iter().enumerate() {
            x = convolution.forward(x, distances.clone(), batch, pass);
            pass.trace.record(&format!("conv{index}"), || x.clone());
            layers.push(x.clone());
        }
        layers
    }
}

impl Convolution {
    fn init(width: usize, initial: Initial, initialiser: &mut Initialiser) -> Self {
        let inputs = 2 * width + GAUSSIANS.count;
        Self {
            fc_full: LinearConfig::new(inputs, 2 * width).with_initial(initial).init(initialiser),
            bn1: BatchNorm::init(2 * width, initialiser),
            bn2: BatchNorm::init(width, initialiser),
        }
    }

    /// Returns the updated embeddings of the atoms.
    ///
    /// # Shapes
    /// x and output `[N, width]`, distances `[E, 41]`.
    fn forward(&self, x: Tensor<2>, distances: Tensor<2>, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let t = self.fc_full.forward_pairs(x.clone(), Some(distances), Activation::Identity, &batch.edges);
        let sums = self.bn1.forward_gated_sum(t, &batch.edges, &batch.global.edge_rows(), pass);
        let rows = batch.global.atom_rows();
        let x = self.bn2.forward_activated(sums, Some(x), Activation::Identity, &rows, pass);
        ops::activate(x, Activation::Softplus)
    }
}
