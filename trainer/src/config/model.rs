//! Sizes and variants of the model (SPEC sections 4 and 5). The number of radial and spherical
//! functions is not among them: the features are made with it (`crate::data::basis`).

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};

/// Classes of the atom-type prediction: class = atomic number, class 0 is unused (SPEC 7, row 9).
pub const ATOM_TYPES: usize = 119;
/// Classes of the same-cell label (SPEC 2.4).
pub const SAME_CELL_CLASSES: usize = 2;
/// Width between the two linear maps of each basis. A constant, because the sum over triplets is
/// written for it.
pub const BASIS_WIDTH: usize = crate::ops::kernel::triplet::BASIS;
/// Lattice parameters of a crystal: three lengths, three angles.
pub const LATTICE_PARAMETERS: usize = 6;
/// Tokens of the lattice encoder: lengths and angles (SPEC 4.4).
pub const LATTICE_TOKENS: usize = 2;

/// What the attention of Eq. 6 sums (SPEC 7, row 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionValues {
    /// The embeddings `a_j` themselves, as the equation is printed.
    Raw,
    /// The projections `W a_j`, as in graph attention networks.
    Projected,
}

/// How the atoms of one crystal are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Graph {
    /// Every edge of the store: parallel edges and edges from an atom to its own images stay.
    Multigraph,
    /// For each pair of different atoms the nearest image alone (the ablation without PIMG).
    Simple,
}

/// How the two masks of a crystal are drawn (SPEC section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Masking {
    /// The second mask is the complement of the first.
    Mutex,
    /// Both masks are drawn independently, each with half of the atoms (the ablation without mutex
    /// masks).
    Independent,
}

/// Sizes and variants of the encoders and decoders; the defaults are the paper's, or SPEC's choices
/// where the paper is silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Connectivity that the encoder sees.
    pub graph: Graph,
    /// Whether Eq. 6 mixes the neighbours' embeddings in; otherwise `â_i = FC(a_i)` (the ablation
    /// MMPT-MGA).
    pub attention: bool,
    /// What the attention sums.
    pub attention_values: AttentionValues,
    /// Width of atom embeddings and edge messages.
    pub hidden: usize,
    /// Width of `h_S`, the encoding of an atom.
    pub structure_width: usize,
    /// Interaction blocks of DimeNet++.
    pub interaction_blocks: usize,
    /// Width of the messages inside the sum over triplets.
    pub interaction_width: usize,
    /// Residual layers before an interaction block's skip connection.
    pub layers_before_skip: usize,
    /// Residual layers after an interaction block's skip connection.
    pub layers_after_skip: usize,
    /// Width of the output blocks.
    pub output_width: usize,
    /// Hidden layers of each output block.
    pub output_layers: usize,
    /// Width of a lattice token; `h_L` is twice as wide.
    pub lattice_width: usize,
    /// Attention heads of the lattice encoder.
    pub lattice_heads: usize,
    /// Width of the lattice encoder's feed-forward layer.
    pub lattice_feed_forward: usize,
    /// Width of the decoders' hidden layers.
    pub decoder_width: usize,
    /// How the two views are masked.
    pub masking: Masking,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            graph: Graph::Multigraph,
            attention: true,
            attention_values: AttentionValues::Raw,
            hidden: 128,
            structure_width: 64,
            interaction_blocks: 4,
            interaction_width: 64,
            layers_before_skip: 1,
            layers_after_skip: 2,
            output_width: 256,
            output_layers: 3,
            lattice_width: 8,
            lattice_heads: 2,
            lattice_feed_forward: 32,
            decoder_width: 64,
            masking: Masking::Mutex,
        }
    }
}

impl ModelConfig {
    /// Notes the first size out of its range.
    pub(super) fn check(&self, faults: &mut Faults) {
        for (key, width) in [
            ("model.hidden", self.hidden),
            ("model.structure_width", self.structure_width),
            ("model.interaction_width", self.interaction_width),
            ("model.output_width", self.output_width),
            ("model.lattice_width", self.lattice_width),
            ("model.lattice_heads", self.lattice_heads),
            ("model.lattice_feed_forward", self.lattice_feed_forward),
            ("model.decoder_width", self.decoder_width),
        ] {
            faults.at_least_one(key, width);
        }
        faults.unless(
            self.lattice_heads == 0 || self.lattice_width.is_multiple_of(self.lattice_heads),
            "model.lattice_heads",
            self.lattice_heads,
            "a divisor of model.lattice_width",
        );
    }

    /// The first size out of its range, as `key = value: must be what is needed`.
    pub(crate) fn fault(&self) -> Option<String> {
        let mut faults = Faults::default();
        self.check(&mut faults);
        faults.0.as_ref().map(Fault::to_string)
    }
}
