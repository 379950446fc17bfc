//! Denoising: an encoder learns the noise that was added to a crystal's atoms and cell. For small noise the direction
//! back to the crystal is that of a force (Zaidi et al. 2022, <https://arxiv.org/abs/2206.00133>).
//!
//! * [`noise`]: a batch with noise; [`hide`]: hidden types of atoms
//! * [`heads`]: the heads that predict the noise and the types
//! * [`model`]: the encoder with the heads
//! * [`objective`]: the model and its loss as an objective

pub mod heads;
pub mod hide;
pub mod model;
pub mod noise;
pub mod objective;
#[cfg(test)]
mod tests;

pub use model::DenoiseModel;
pub use objective::DenoiseObjective;
