//! The last layers of SchNet.

use burn::prelude::*;

use crate::config::SchnetModelConfig;
use crate::model::head::mean;
use crate::model::layers::{Initial, Initialiser, Mlp};
use crate::model::site_head::SITE_PREFIX;
use crate::model::{Batch, Encoding, Pass};
use crate::ops::Activation;

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["head.", SITE_PREFIX];

/// A perceptron of every atom with shifted softplus between its layers; `ŷ` is its mean over a crystal's atoms.
#[derive(Module, Debug)]
pub struct SchnetHead {
    /// The perceptron, `atom_width → head_widths → K`.
    pub perceptron: Mlp,
}

impl SchnetHead {
    /// Initialises a head with K outputs: Xavier-uniform weights and biases of 0.
    pub fn init(config: &SchnetModelConfig, outputs: usize, initialiser: &mut Initialiser) -> Self {
        let widths = [&[config.atom_width], &*config.head_widths, &[outputs]].concat();
        let perceptron = Mlp::init_with(&widths, Initial::XavierUniform, initialiser);
        Self { perceptron: perceptron.with_activation(Activation::ShiftedSoftplus) }
    }

    /// Predicts the outputs of every crystal. The trace records `atom_out`, the outputs of the atoms.
    ///
    /// # Shapes
    /// Output `[B, K]`.
    pub fn predict(&self, encoding: Encoding, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let outputs = self.perceptron.forward(encoding.atoms);
        pass.trace.record("atom_out", || outputs.clone());
        mean(outputs, batch)
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the head.
pub(in crate::model) fn rename(path: &[String]) -> Vec<String> {
    let rest = path.iter().filter(|part| *part != "perceptron").cloned();
    std::iter::once("head".to_owned()).chain(rest).collect()
}
