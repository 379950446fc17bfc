//! The structure encoder: atoms and edges to `h_S`, one vector an atom (specification, sections 4.1 and 4.2).

use burn::module::Param;
use burn::prelude::*;

use super::attention::MultigraphAttention;
use super::dimenet::{Interaction, MessageEmbedding, Output};
use super::radial::RadialBasis;
use crate::config::model::{ATOM_TYPES, MmptModelConfig};
use crate::model::Batch;
use crate::model::Trace;
use crate::model::layers::Initialiser;

/// Atom embedding, attention, DimeNet++; `h_S^i = Σ_b out_b,i`, no pooling over atoms.
#[derive(Module, Debug)]
pub struct StructureEncoder {
    /// E, a row for each atomic number, shape `[119, hidden]`.
    pub atom_emb: Embedding,
    /// Attention of Eq. 6.
    pub attn: MultigraphAttention,
    /// Radial basis.
    pub rbf: RadialBasis,
    /// First messages.
    pub messages: MessageEmbedding,
    /// Interaction blocks.
    pub inter: Vec<Interaction>,
    /// Output blocks, one more than interactions.
    pub out: Vec<Output>,
}

/// A table of vectors.
#[derive(Module, Debug)]
pub struct Embedding {
    /// The rows.
    pub weight: Param<Tensor<2>>,
}

/// What the structure encoder makes of a batch.
#[derive(Debug, Clone)]
pub struct StructureEncoding {
    /// `h_S`, shape `[N, structure_width]`.
    pub structure: Tensor<2>,
    /// Radial basis of every edge, which the decoders use again, shape `[E, 6]`.
    pub radial: Tensor<2>,
}

impl StructureEncoder {
    /// The encoder.
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

    /// Encodes every atom of a batch.
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
