//! The output of every encoder: embeddings of the atoms and crystals of a batch.

use burn::prelude::*;

/// The encodings of a batch of B crystals with N atoms.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// Embedding of every atom, shape `[N, atom_width]`.
    pub atoms: Tensor<2>,
    /// Embedding of every crystal that is not made from its atoms, shape `[B, crystal_width]`; `None` for encoders
    /// without one.
    pub crystals: Option<Tensor<2>>,
}

impl Encoding {
    /// Returns the encodings without a gradient.
    pub fn detach(self) -> Self {
        Self { atoms: self.atoms.detach(), crystals: self.crystals.map(Tensor::detach) }
    }
}
