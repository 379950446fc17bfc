//! InfoGraph (Sun et al. 2020, <https://arxiv.org/abs/1908.01000>) on CGCNN's convolutions: an atom should be told
//! to belong to its own crystal and not to the others of the batch.
//!
//! * [`model`]: the encoder with two discriminators, and the loss
//! * [`objective`]: the model and its loss as an objective

pub mod model;
pub mod objective;
#[cfg(test)]
mod tests;

pub use model::InfoGraphModel;
pub use objective::InfoGraphObjective;
