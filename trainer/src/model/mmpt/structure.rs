//! The structure encoder: from atoms and edges to one vector `h_S` per atom (specification, sections 4.1 and 4.2).

use burn::module::Param;
use burn::prelude::*;

use super::attention::MultigraphAttention;
use super::dimenet::{Interaction, MessageEmbedding, Output};
use super::radial::RadialBasis;
use crate::config::model::{ATOM_TYPES, MmptModelConfig};
use crate::model::Batch;
use crate::model::Trace;
use crate::model::layers::Initialiser;

/// Atom embedding, attention and DimeNet++: `h_S = Σ_b out_b(m_b)` over the output blocks b, without pooling over
/// atoms.
#[derive(Module, Debug)]
pub struct StructureEncoder {
    /// Embedding of the atomic numbers, shape `[119, hidden]`.
    pub atom_emb: Embedding,
    /// Attention over the multigraph (Eq. 6).
    pub attn: MultigraphAttention,
    /// Radial basis with trainable frequencies.
    pub rbf: RadialBasis,
    /// Embedding block, which makes the first messages.
    pub messages: MessageEmbedding,
    /// Interaction blocks.
    pub inter: Vec<Interaction>,
    /// Output blocks, one more than interaction blocks.
    pub out: Vec<Output>,
}

/// An embedding table.
#[derive(Module, Debug)]
pub struct Embedding {
    /// Table with one row per class, shape `[classes, width]`.
    pub weight: Param<Tensor<2>>,
}

/// Output of the structure encoder for N atoms and E edges.
#[derive(Debug, Clone)]
pub struct StructureEncoding {
    /// Atom embeddings `h_S`, shape `[N, structure_width]`.
    pub structure: Tensor<2>,
    /// Radial basis of every edge, shape `[E, 6]`. The decoders use it too.
    pub radial: Tensor<2>,
}

impl StructureEncoder {
    /// Initialises the encoder.
    pub fn init(config: &MmptModelConfig, initialiser: &mut Initialiser) -> Self {
        let table = initialiser.uniform([ATOM_TYPES, config.hidden], 3f64.sqrt());
        Self {
            atom_emb: Embedding { weight: table },
            attn: MultigraphAttention::init(config, initialiser),
            rbf: RadialBasis::init(initialiser),
            messages: MessageEmbedding::init(config, initialiser),
            inter: (0..config.interaction_blocks).map(|_| Interaction::init(config, initialiser)).collect(),
            out: (0..=config.interaction_blocks).map(|_| Output::init(config, initialiser)).collect(),
        }
    }

    /// Encodes every atom: `m_0` from the embedding block, `m_b` from interaction block b, and
    /// `h_S = Σ_b out_b(m_b)`.
    ///
    /// # Shapes
    /// See [`StructureEncoding`].
    pub fn forward(&self, batch: &Batch, trace: &mut Trace) -> StructureEncoding {
        let embedding = self.atom_emb.weight.val().select(0, batch.atomic_numbers.clone());
        trace.record("atom_emb", || embedding.clone());
        let atoms = self.attn.forward(embedding, batch, trace);
        trace.record("attn_out", || atoms.clone());
        let radial = self.rbf.forward(batch);
        trace.record("rbf", || radial.clone());
        let mut messages = self.messages.forward(atoms, radial.clone(), batch);
        trace.record("msg0", || messages.clone());
        let mut structure = self.out[0].forward(messages.clone(), radial.clone(), batch);
        for (index, (interaction, output)) in self.inter.iter().zip(&self.out[1..]).enumerate() {
            messages = interaction.forward(messages, radial.clone(), batch);
            trace.record(&format!("msg{}", index + 1), || messages.clone());
            structure = structure + output.forward(messages.clone(), radial.clone(), batch);
        }
        trace.record("h_S", || structure.clone());
        StructureEncoding { structure, radial }
    }
}
