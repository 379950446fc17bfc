//! Sizes and variants of MEGNet.

use serde::{Deserialize, Serialize};

use super::Widths;
use super::schnet::GAUSSIANS;
use crate::config::fault::{BLOCKS, Faults, POSITIVE, WIDTH, check_widths};
use crate::config::section::{Setting, section};
use crate::data::Extraction;

/// Implementation that MEGNet follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MegnetStyle {
    /// kgcnn, as on MatBench's leaderboard: Set2Set without a memory from step to step.
    Kgcnn,
    /// Set2Set with an LSTM.
    Lstm,
}

impl Setting for MegnetStyle {}

section! {
    /// Sizes and variants of MEGNet (Chen et al. 2019). The defaults are those of MMPT's paper for MatBench.
    pub struct MegnetModelConfig {
        /// Edges of the stores: "knn12" (the 12 nearest neighbours within 8 Å) or "r5" (all within 5 Å), with any
        /// numbers.
        pub edges: Extraction = Extraction::Within(5.0);
        /// Implementation: "kgcnn" (as on MatBench's leaderboard) or "lstm" (Set2Set with an LSTM).
        pub style: MegnetStyle = MegnetStyle::Kgcnn;
        /// Width of the embedding of an element.
        pub embedding_width: usize = 64, in WIDTH;
        /// Numbers of the global state, which are all zero.
        pub state_width: usize = 1, in WIDTH;
        /// Gaussians of a distance.
        pub gaussians: usize = 25, in GAUSSIANS;
        /// Where the centres of the Gaussians of the style "lstm" end, in Å.
        pub gaussians_end: f64 = 9.0, in POSITIVE;
        /// Width of the first layer of an input or feed-forward network.
        pub inner_width: usize = 64, in WIDTH;
        /// Width of the features of atoms, edges and crystals.
        pub width: usize = 32, in WIDTH;
        /// Widths of the layers of a block's three networks; the last is the width of the features.
        pub block_widths: Vec<usize> = vec![64, 32, 32];
        /// Blocks.
        pub blocks: usize = 3, in BLOCKS;
        /// Width of the readouts.
        pub readout_width: usize = 16, in WIDTH;
        /// Steps of the readouts.
        pub readout_steps: usize = 3, in BLOCKS;
    }
}

impl MegnetModelConfig {
    /// Returns the widths of an atom's and a crystal's embedding. The crystal's is made of both readouts and the state.
    pub(super) fn widths(&self) -> Widths {
        Widths { atoms: self.width, crystals: Some(self.crystal_width()) }
    }

    /// Returns the width of a crystal's embedding.
    pub(crate) fn crystal_width(&self) -> usize {
        4 * self.readout_width + self.width
    }

    /// Records the first size that does not fit the others.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        let widths = || format!("{:?}", self.block_widths);
        check_widths("model.megnet.block_widths", &self.block_widths, faults);
        faults.unless(
            self.block_widths.last() == Some(&self.width),
            "model.megnet.block_widths",
            widths(),
            "a list that ends with model.megnet.width",
        );
    }

    /// Returns the number of weights of the blocks' matrices.
    pub(crate) fn encoder_numbers(&self) -> f64 {
        // 4 n for edges, 3 n for atoms and for states.
        let inputs = 10.0 * self.width as f64 * self.block_widths.first().map_or(0.0, |&width| width as f64);
        let pairs = self.block_widths.windows(2).map(|pair| 3.0 * pair[0] as f64 * pair[1] as f64);
        self.blocks as f64 * (inputs + pairs.sum::<f64>())
    }
}
