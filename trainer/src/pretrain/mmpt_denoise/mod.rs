//! MMPT's pre-training on crystals with noise, together with the prediction of the noise. Both share the encoder.
//!
//! * [`model`]: the encoder with the decoders of [`mmpt`](super::mmpt) and the heads of [`denoise`](super::denoise)
//! * [`objective`]: the model and its loss as an objective

pub mod model;
pub mod objective;
#[cfg(test)]
mod tests;

pub use model::MmptDenoiseModel;
pub use objective::MmptDenoiseObjective;
