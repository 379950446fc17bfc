//! Sizes and variants of CGCNN.

use serde::{Deserialize, Serialize};

use super::Widths;
use crate::config::fault::{BLOCKS, LAYERS, WIDTH};
use crate::config::section::{Setting, section};
use crate::data::Extraction;

/// The last layers of CGCNN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CgcnnOutput {
    /// A linear layer, as in CGCNN.
    Linear,
    /// Two linear layers with softplus between them, as in the fine-tuning of Crystal Twins.
    Perceptron,
}

impl Setting for CgcnnOutput {}

section! {
    /// Sizes and variants of CGCNN (Xie and Grossman 2018). The defaults are those of MMPT's paper for MatBench.
    pub struct CgcnnModelConfig {
        /// Edges of the stores: "knn12" (the 12 nearest neighbours within 8 Å) or "r5" (all within 5 Å), with any
        /// numbers.
        pub edges: Extraction = Extraction::Nearest(12);
        /// Width of atom embeddings.
        pub atom_width: usize = 64, in WIDTH;
        /// Width of a crystal's embedding and of the hidden layers after it.
        pub crystal_width: usize = 32, in WIDTH;
        /// Graph convolutions.
        pub convolutions: usize = 3, in LAYERS;
        /// Layers of the crystal's embedding, the first included.
        pub hidden_layers: usize = 1, in BLOCKS;
        /// Last layers: "linear" or "perceptron" (two layers, as in the fine-tuning of Crystal Twins).
        pub output: CgcnnOutput = CgcnnOutput::Linear;
    }
}

impl CgcnnModelConfig {
    /// Returns the widths of an atom's and a crystal's embedding.
    pub(super) fn widths(&self) -> Widths {
        Widths { atoms: self.atom_width, crystals: Some(self.crystal_width) }
    }

    /// Returns the number of weights of the convolutions' matrices.
    pub(crate) fn encoder_numbers(&self) -> f64 {
        let width = self.atom_width as f64;
        self.convolutions as f64 * 4.0 * width * width
    }
}
