//! Sizes and variants of ALIGNN.

use super::Widths;
use super::schnet::GAUSSIANS;
use crate::config::fault::{LAYERS, WIDTH};
use crate::config::section::{Setting, section};
use crate::data::{Extraction, SelfEdges};

impl Setting for SelfEdges {}
impl Setting for Extraction {}

section! {
    /// Sizes and variants of ALIGNN (Choudhary and DeCost 2021). The defaults are the published ones.
    pub struct AlignnModelConfig {
        /// Edges of the stores, from which the undirected multigraph is made: "knn12" (the 12 nearest neighbours
        /// within 8 Å) or "r5" (all within 5 Å), with any numbers.
        pub edges: Extraction = Extraction::Nearest(12);
        /// How often an edge from an atom to its own image is in the multigraph: "twice" (as in the published code)
        /// or "once" (a supercell has the same prediction then).
        pub self_edges: SelfEdges = SelfEdges::Twice;
        /// Width of the features of atoms, edges and angles.
        pub width: usize = 256, in WIDTH;
        /// Width of the first layer of the embeddings of edges and angles.
        pub embedding_width: usize = 64, in WIDTH;
        /// Layers on the multigraph and its line graph.
        pub alignn_layers: usize = 4, in LAYERS;
        /// Layers on the multigraph alone.
        pub gcn_layers: usize = 4, in LAYERS;
        /// Gaussians of a distance.
        pub edge_gaussians: usize = 80, in GAUSSIANS;
        /// Gaussians of the cosine of an angle.
        pub angle_gaussians: usize = 40, in GAUSSIANS;
    }
}

impl AlignnModelConfig {
    /// Returns the width of an atom's embedding.
    pub(super) fn widths(&self) -> Widths {
        Widths { atoms: self.width, crystals: None }
    }

    /// Returns the number of weights of the layers' matrices.
    pub(crate) fn encoder_numbers(&self) -> f64 {
        /// Matrices of a gated convolution.
        const MATRICES: f64 = 5.0;
        let width = self.width as f64;
        (2.0 * self.alignn_layers as f64 + self.gcn_layers as f64) * MATRICES * width * width
    }
}
