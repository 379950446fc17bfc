//! MMPT, mutex masked pre-training: two views hide complementary atoms; atoms, lattice and the periodic attributes of
//! the edges are rebuilt, and the views are to agree (specification, sections 5 and 6).
//!
//! * [`model`]: the encoder with the decoders of [`decoder`], of atoms that [`hide`] hides
//! * [`loss`]: one file a term
//! * [`objective`]: both as what a run learns

pub mod decoder;
#[cfg(test)]
pub(crate) mod example;
pub mod hide;
pub mod loss;
pub mod model;
pub mod objective;
#[cfg(test)]
mod tests;

pub use model::{MmptModel, Prediction};
pub use objective::{MmptObjective, inputs};
