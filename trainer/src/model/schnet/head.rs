//! The last layers of SchNet.

use burn::prelude::*;

use crate::config::SchnetModelConfig;
use crate::model::head::mean;
use crate::model::layers::{Initial, Initialiser, Mlp};
use crate::model::{Batch, Encoding, Pass};
use crate::ops::Activation;

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["head."];

/// A perceptron of every atom with shifted softplus between its layers; `ŷ` is its mean over a crystal's atoms.
#[derive(Module, Debug)]
pub struct SchnetHead {
    /// The perceptron, `atom_width → head_widths → 1`.
    pub perceptron: Mlp,
}

impl SchnetHead {
    /// Initialises a head: Xavier-uniform weights and biases of 0.
    pub fn init(config: &SchnetModelConfig, initialiser: &mut Initialiser) -> Self {
        let widths = [&[config.atom_width], &*config.head_widths, &[1]].concat();
        let perceptron = Mlp::init_with(&widths, Initial::XavierUniform, initialiser);
        Self { perceptron: perceptron.with_activation(Activation::ShiftedSoftplus) }
    }

    /// Predicts the standardised target of every crystal. The trace records `atom_out`, the outputs of the atoms.
    ///
    /// # Shapes
    /// Output `[B]`.
    pub fn predict(&self, encoding: Encoding, batch: &Batch, pass: &mut Pass) -> Tensor<1> {
        let outputs = self.perceptron.forward(encoding.atoms);
        pass.trace.record("atom_out", || outputs.clone());
        mean(outputs, batch).squeeze_dim(1)
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the head.
pub(in crate::model) fn rename(path: &[String]) -> Vec<String> {
    let rest = path.iter().filter(|part| *part != "perceptron").cloned();
    std::iter::once("head".to_owned()).chain(rest).collect()
}
