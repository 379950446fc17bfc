//! Sizes and variants of MMPT's encoder (specification, sections 4 and 5).

use serde::{Deserialize, Serialize};

use super::{LATTICE_TOKENS, Widths};
use crate::config::fault::{Faults, LAYERS, WIDTH};
use crate::config::section::{Setting, section};
use crate::data::Graph;

/// The values that the attention of Eq. 6 sums (specification, section 7, row 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionValues {
    /// The embeddings `a_j` themselves, as the equation is printed.
    Raw,
    /// The projections `W a_j`, as in graph attention networks.
    Projected,
}

impl Setting for AttentionValues {}

section! {
    /// Sizes and variants of the encoders; the defaults are the paper's, or the specification's choices where the
    /// paper is silent.
    pub struct MmptModelConfig {
        /// Edges the encoder sees: "multigraph" (all of the store's), "simple" (for each pair of different atoms
        /// the nearest image alone; ablation without PIMG).
        pub graph: Graph = Graph::Multigraph;
        /// Whether neighbours' embeddings are mixed in by attention (Eq. 6); false: ablation MMPT-MGA.
        pub attention: bool = true;
        /// What the attention sums: "raw" (embeddings, as printed) or "projected" (as in graph attention
        /// networks).
        pub attention_values: AttentionValues = AttentionValues::Raw;
        /// Width of atom embeddings and edge messages.
        pub hidden: usize = 128, in WIDTH;
        /// Width of h_S, the encoding of an atom.
        pub structure_width: usize = 64, in WIDTH;
        /// Interaction blocks of DimeNet++.
        pub interaction_blocks: usize = 4, in LAYERS;
        /// Width of the messages inside the sum over triplets.
        pub interaction_width: usize = 64, in WIDTH;
        /// Residual layers before an interaction block's skip connection.
        pub layers_before_skip: usize = 1, in LAYERS;
        /// Residual layers after it.
        pub layers_after_skip: usize = 2, in LAYERS;
        /// Width of the output blocks.
        pub output_width: usize = 256, in WIDTH;
        /// Hidden layers of each output block.
        pub output_layers: usize = 3, in LAYERS;
        /// Width of a lattice token; h_L is twice as wide.
        pub lattice_width: usize = 8, in WIDTH;
        /// Attention heads of the lattice encoder; a divisor of lattice_width.
        pub lattice_heads: usize = 2, in WIDTH;
        /// Width of the lattice encoder's feed-forward layer.
        pub lattice_feed_forward: usize = 32, in WIDTH;
    }
}

impl MmptModelConfig {
    /// Returns the widths of `h_S` and `h_L`.
    pub(super) fn widths(&self) -> Widths {
        Widths { atoms: self.structure_width, crystals: Some(LATTICE_TOKENS * self.lattice_width) }
    }

    /// Records the first size that does not fit the others.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        faults.unless(
            self.lattice_heads == 0 || self.lattice_width.is_multiple_of(self.lattice_heads),
            "model.mmpt.lattice_heads",
            self.lattice_heads,
            "a divisor of model.mmpt.lattice_width",
        );
    }

    /// Returns the number of weights in the encoder's matrices, without biases and the smallest matrices. It is an
    /// `f64`, since products of sizes may exceed every integer type.
    pub(crate) fn encoder_numbers(&self) -> f64 {
        let [hidden, structure, inner, output, lattice, feed_forward] = [
            self.hidden,
            self.structure_width,
            self.interaction_width,
            self.output_width,
            self.lattice_width,
            self.lattice_feed_forward,
        ]
        .map(|width| width as f64);
        let [blocks, before, after, layers] =
            [self.interaction_blocks, self.layers_before_skip, self.layers_after_skip, self.output_layers]
                .map(|count| count as f64);
        let embedding = 3.0 * hidden * hidden;
        let interactions = blocks * (hidden * hidden * (3.0 + 2.0 * (before + after)) + 2.0 * hidden * inner);
        let outputs = (blocks + 1.0) * (hidden * output + layers * output * output + output * structure);
        let lattices = 4.0 * lattice * lattice + 2.0 * lattice * feed_forward;
        embedding + interactions + outputs + lattices
    }
}
