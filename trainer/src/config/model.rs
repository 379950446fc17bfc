//! Sizes and variants of the model (specification, sections 4 and 5). The number of radial and spherical
//! functions is not among them: the features are made with it (`crate::data::basis`).

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};

/// Classes of the atom-type prediction: class = atomic number, class 0 is unused (specification, section 7, row 9).
pub const ATOM_TYPES: usize = 119;
/// Classes of the same-cell label (specification, section 2.4).
pub const SAME_CELL_CLASSES: usize = 2;
/// Width between the two linear maps of each basis. A constant, because the sum over triplets is
/// written for it.
pub const BASIS_WIDTH: usize = crate::ops::kernel::triplet::BASIS;
/// Largest width of a layer.
pub(super) const MAX_WIDTH: usize = 1 << 16;
/// The range of widths in words.
pub(super) const WIDTH_RANGE: &str = "1 to 65536";
/// Most layers or blocks of a kind.
const MAX_LAYERS: usize = 1024;
/// Most numbers in the encoders: 2 GB in single precision, and as much for the gradient and each moment.
const MAX_NUMBERS: f64 = 5e8;
/// Lattice parameters of a crystal: three lengths, three angles.
pub const LATTICE_PARAMETERS: usize = 6;
/// Tokens of the lattice encoder: lengths and angles (specification, section 4.4).
pub const LATTICE_TOKENS: usize = 2;

/// What the attention of Eq. 6 sums (specification, section 7, row 10).
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

/// How the two masks of a crystal are drawn (specification, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Masking {
    /// The second mask is the complement of the first.
    Mutex,
    /// Both masks are drawn independently, each with half of the atoms (the ablation without mutex
    /// masks).
    Independent,
}

/// Sizes and variants of the encoders and decoders; the defaults are the paper's, or choices of the
/// specification's where the paper is silent.
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
            faults.one_to(key, width, MAX_WIDTH, WIDTH_RANGE);
        }
        for (key, layers) in [
            ("model.interaction_blocks", self.interaction_blocks),
            ("model.layers_before_skip", self.layers_before_skip),
            ("model.layers_after_skip", self.layers_after_skip),
            ("model.output_layers", self.output_layers),
        ] {
            faults.unless(layers <= MAX_LAYERS, key, layers, "at most 1024");
        }
        faults.unless(
            self.encoder_numbers() <= MAX_NUMBERS,
            "model.hidden",
            self.hidden,
            "smaller with so many layers of these widths: the model has more than 500,000,000 numbers",
        );
        faults.unless(
            self.lattice_heads == 0 || self.lattice_width.is_multiple_of(self.lattice_heads),
            "model.lattice_heads",
            self.lattice_heads,
            "a divisor of model.lattice_width",
        );
    }

    /// Numbers in the matrices of the encoders, in doubles because no integer holds every product. Biases and the
    /// smallest matrices are left out.
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

    /// The first size out of its range, as `key = value: must be what is needed`.
    pub(crate) fn fault(&self) -> Option<String> {
        let mut faults = Faults::default();
        self.check(&mut faults);
        faults.0.as_ref().map(Fault::to_string)
    }
}
