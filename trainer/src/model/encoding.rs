//! What every encoder makes of a batch: vectors of its atoms and crystals.

use burn::prelude::*;

/// The encodings of a batch of B crystals with N atoms.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// A vector of every atom, shape `[N, atom_width]`.
    pub atoms: Tensor<2>,
    /// A vector of every crystal beside its atoms, shape `[B, crystal_width]`; `None` for encoders that make none.
    pub crystals: Option<Tensor<2>>,
}

/// Widths of an encoder's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Widths {
    /// Of an atom's.
    pub atoms: usize,
    /// Of a crystal's beside its atoms; `None` for encoders that make none.
    pub crystals: Option<usize>,
}
