//! Sizes and variants of SchNet.

use serde::{Deserialize, Serialize};

use super::Widths;
use crate::config::fault::{Faults, LAYERS, Range, WIDTH, check_widths};
use crate::config::section::{Setting, section};
use crate::data::Extraction;

/// Implementation that SchNet follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchnetStyle {
    /// kgcnn, as on MatBench's leaderboard: Gaussians of fixed width and no envelope.
    Kgcnn,
    /// PyTorch Geometric: Gaussians up to 8 Å and a cosine envelope.
    Pyg,
}

impl Setting for SchnetStyle {}

/// Where the envelope and the Gaussians of the style "pyg" end, in Å. It is the radius of the search for nearest
/// neighbours.
pub(crate) const ENVELOPE_CUTOFF: f64 = 8.0;

/// Number of Gaussians.
pub(super) const GAUSSIANS: Range<usize> =
    Range { holds: |count| (2..=4096).contains(count), needed: "2 to 4096" };

section! {
    /// Sizes and variants of SchNet (Schütt et al. 2017). The defaults are those of MMPT's paper for MatBench.
    pub struct SchnetModelConfig {
        /// Edges of the stores: "knn12" (the 12 nearest neighbours within 8 Å) or "r5" (all within 5 Å), with any
        /// numbers.
        pub edges: Extraction = Extraction::Within(5.0);
        /// Implementation: "kgcnn" (as on MatBench's leaderboard) or "pyg" (PyTorch Geometric).
        pub style: SchnetStyle = SchnetStyle::Kgcnn;
        /// Width of the embedding of an element.
        pub embedding_width: usize = 64, in WIDTH;
        /// Width of an atom's embedding; with "pyg" also that of an element's.
        pub atom_width: usize = 128, in WIDTH;
        /// Width of the filters.
        pub filter_width: usize = 128, in WIDTH;
        /// Interaction blocks.
        pub interactions: usize = 4, in LAYERS;
        /// Gaussians of a distance.
        pub gaussians: usize = 25, in GAUSSIANS;
        /// Widths of the hidden layers after the last block.
        pub head_widths: Vec<usize> = vec![128, 64];
    }
}

impl SchnetModelConfig {
    /// Returns the width of an atom's embedding.
    pub(super) fn widths(&self) -> Widths {
        Widths { atoms: self.atom_width, crystals: None }
    }

    /// Records the first size that does not fit the others.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        faults.unless(
            self.style != SchnetStyle::Pyg || self.embedding_width == self.atom_width,
            "model.schnet.embedding_width",
            self.embedding_width,
            "model.schnet.atom_width with the style \"pyg\"",
        );
        faults.unless(
            self.style != SchnetStyle::Pyg || self.edges.cutoff_angstrom() <= ENVELOPE_CUTOFF,
            "model.schnet.edges",
            self.edges,
            "edges of at most 8 Å with the style \"pyg\"",
        );
        check_widths("model.schnet.head_widths", &self.head_widths, faults);
    }

    /// Returns the number of weights of the blocks' matrices.
    pub(crate) fn encoder_numbers(&self) -> f64 {
        let [atoms, filters] = [self.atom_width, self.filter_width].map(|width| width as f64);
        self.interactions as f64 * (2.0 * atoms * filters + atoms * atoms + filters * filters)
    }
}
