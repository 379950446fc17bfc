//! MMPT's mutex masked pre-training (specification, sections 5 and 6; <https://arxiv.org/abs/2306.05344>). Two views
//! of a crystal hide complementary atoms. The model predicts the atoms, the lattice and the periodic attributes of
//! the edges, and the two views should agree.
//!
//! * [`model`]: the encoder with its decoders; [`hide`] masks atoms, and [`decoder`] holds the decoders' layers
//! * [`loss`]: the loss, one file per term
//! * [`objective`]: the model and its loss as an objective

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
