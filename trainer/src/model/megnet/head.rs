//! The last layers of MEGNet.

use burn::prelude::*;

use crate::config::MegnetModelConfig;
use crate::model::layers::{Initialiser, Linear, LinearConfig};
use crate::model::{Encoding, Pass};

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["head."];

/// The head.
#[derive(Module, Debug)]
pub struct MegnetHead {
    /// Last layer.
    pub fc: Linear,
}

impl MegnetHead {
    /// Initialises a head.
    pub fn init(_config: &MegnetModelConfig, initialiser: &mut Initialiser) -> Self {
        Self { fc: LinearConfig::new(1, 1).init(initialiser) }
    }

    /// Predicts the standardised target of every crystal.
    ///
    /// # Shapes
    /// Output `[B]`.
    pub fn predict(&self, _encoding: Encoding, _pass: &mut Pass) -> Tensor<1> {
        todo!()
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the head.
pub(in crate::model) fn rename(path: &[String]) -> Vec<String> {
    std::iter::once("head".to_owned()).chain(path.iter().cloned()).collect()
}
