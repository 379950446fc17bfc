//! Matformer (Yan et al. 2022, <https://arxiv.org/abs/2209.11807>): attention without a softmax on the undirected
//! multigraph of a crystal, in which every atom also has edges to its images along the lattice. These edges show the
//! cell to the model: crystals in another cell have other predictions.
//!
//! ```text
//! x = atom_embedding(f92)        w = rbf(g(d)), two layers with softplus between them
//! x ← layer(x, w)                in every layer
//! ```
//!
//! [`attention`] has the formula of a layer.

pub mod attention;
pub mod head;
pub mod memory;
#[cfg(test)]
mod tests;

use burn::prelude::*;

use self::attention::Attention;
use super::atom_features::{self, ATOM_FEATURES, LAST_ELEMENT};
use super::encoding::Encoding;
use super::layers::{Gaussians, Initialiser, Linear, LinearConfig, Mlp};
use super::{Batch, Pass};
use crate::config::MatformerModelConfig;
use crate::data::Inputs;
use crate::ops::Activation;

/// Centre of the last Gaussian of a distance, in Å. Edges along the lattice may be longer.
const LONGEST_DISTANCE_ANGSTROM: f64 = 8.0;

/// Returns the parts that a batch must have for this encoder.
pub fn inputs() -> Inputs {
    Inputs { last_element: Some(LAST_ELEMENT), ..Inputs::default() }
}

/// Embeddings of atoms and edges, and the updates of the atoms.
#[derive(Module, Debug)]
pub struct MatformerEncoder {
    /// Embedding of the 92 features of an element, `92 → width`.
    pub atom_embedding: Linear,
    /// Embedding of a distance, `gaussians → width → width`.
    pub rbf: Mlp,
    /// Layers from first to last.
    pub att_layers: Vec<Attention>,
    #[module(skip)]
    distances: Gaussians,
}

impl MatformerEncoder {
    /// Initialises an encoder.
    pub fn init(config: &MatformerModelConfig, initialiser: &mut Initialiser) -> Self {
        let &MatformerModelConfig { width, heads, layers, gaussians, .. } = config;
        let rbf = Mlp::init(&[gaussians, width, width], initialiser);
        Self {
            atom_embedding: LinearConfig::new(ATOM_FEATURES, width).init(initialiser),
            rbf: rbf.with_activation(Activation::Softplus),
            att_layers: (0..layers).map(|_| Attention::init(width, heads, initialiser)).collect(),
            // One over the step and not over its square, as in the published code.
            distances: Gaussians::between(0.0, LONGEST_DISTANCE_ANGSTROM, gaussians, f64::recip),
        }
    }

    /// Returns the embeddings of the atoms after the last layer.
    ///
    /// # Shapes
    /// Atoms `[N, width]`; there are no crystals.
    pub fn encode(&self, batch: &Batch, pass: &mut Pass) -> Encoding {
        let mut x = atom_features::embed(&self.atom_embedding, &batch.atomic_numbers);
        let w = self.rbf.forward(self.distances.expand(batch.distances.clone()));
        pass.trace.record("emb", || x.clone());
        pass.trace.record("edge", || w.clone());
        for (index, layer) in self.att_layers.iter().enumerate() {
            x = layer.forward(x, w.clone(), batch, pass);
            pass.trace.record(&format!("att{index}"), || x.clone());
        }
        Encoding { atoms: x, crystals: None }
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the encoder. The parts of the layer of
/// a message are numbered there.
pub(super) fn rename(path: &[String]) -> Vec<String> {
    let number = |part: &String| match part.as_str() {
        "linear" => "0".to_owned(),
        "norm" => "1".to_owned(),
        _ => part.clone(),
    };
    path.iter().map(number).collect()
}
