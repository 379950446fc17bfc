//! The head of a fine-tuned MMPT model (specification, section 6).

use burn::prelude::*;

use crate::config::MmptModelConfig;
use crate::config::model::LATTICE_TOKENS;
use crate::model::head::{HeadSize, Pooled, pool};
use crate::model::layers::{Initialiser, Mlp};
use crate::model::site_head::SITE_PREFIX;
use crate::model::{Batch, Encoding, Pass};

/// Number of hidden layers of the head.
const HIDDEN_LAYERS: usize = 3;
/// Number of readouts over the atoms: maximum and mean.
const POOLS: usize = 2;

/// Prefixes of the names of the head's parameters.
pub(in crate::model) const PREFIXES: &[&str] = &["head.", SITE_PREFIX];

/// A perceptron of readouts: `ŷ = MLP([h_L ‖ max_i h_S,i ‖ mean_i h_S,i])` with the widths `(features, w, w, w, K)`.
#[derive(Module, Debug)]
pub struct MmptHead {
    /// The perceptron.
    pub perceptron: Mlp,
}

impl MmptHead {
    /// Initialises a head.
    pub fn init(config: &MmptModelConfig, size: HeadSize, initialiser: &mut Initialiser) -> Self {
        let mut widths = vec![LATTICE_TOKENS * config.lattice_width + POOLS * config.structure_width];
        widths.extend([size.width; HIDDEN_LAYERS]);
        widths.push(size.outputs);
        Self { perceptron: Mlp::init(&widths, initialiser) }
    }

    /// Predicts the outputs of every crystal. The trace records `features`.
    ///
    /// # Shapes
    /// Output `[B, K]`.
    pub fn predict(&self, encoding: Encoding, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let Encoding { atoms, crystals } = encoding;
        let Pooled { mean, max } = pool(atoms, batch);
        let features = Tensor::cat(crystals.into_iter().chain([max, mean]).collect(), 1);
        pass.trace.record("features", || features.clone());
        self.perceptron.forward(features)
    }
}

/// Returns the name of a parameter in a weights file. `path` is its path below the head.
pub(in crate::model) fn rename(path: &[String]) -> Vec<String> {
    let rest = path.iter().filter(|part| *part != "perceptron").cloned();
    std::iter::once("head".to_owned()).chain(rest).collect()
}
