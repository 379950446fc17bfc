//! Sizes of Matformer.

use super::Widths;
use super::schnet::GAUSSIANS;
use crate::config::fault::{LAYERS, WIDTH};
use crate::config::section::section;
use crate::data::Extraction;

section! {
    /// Sizes of Matformer (Yan et al. 2022). The defaults are the published ones.
    pub struct MatformerModelConfig {
        /// Edges of the stores, from which the undirected multigraph is made: "knn12" (the 12 nearest neighbours
        /// within 8 Å) or "r5" (all within 5 Å), with any numbers.
        pub edges: Extraction = Extraction::Nearest(12);
        /// Width of the features of atoms and edges, and of each attention head.
        pub width: usize = 128, in WIDTH;
        /// Attention heads.
        pub heads: usize = 4, in WIDTH;
        /// Layers.
        pub layers: usize = 5, in LAYERS;
        /// Gaussians of a distance.
        pub gaussians: usize = 128, in GAUSSIANS;
        /// Width of the hidden layer after the mean over the atoms.
        pub head_width: usize = 128, in WIDTH;
    }
}

impl MatformerModelConfig {
    /// Returns the width of an atom's embedding.
    pub(super) fn widths(&self) -> Widths {
        Widths { atoms: self.width, crystals: None }
    }

    /// Returns the number of weights of the layers' matrices.
    pub(crate) fn encoder_numbers(&self) -> f64 {
        let [width, heads] = [self.width, self.heads].map(|count| count as f64);
        // Query, key, value, edge and the layer after the heads; the message's layers; the skip connection.
        self.layers as f64 * width * width * (5.0 * heads + 13.0)
    }
}
