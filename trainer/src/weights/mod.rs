//! Weights as safetensors files that PyTorch loads, and what they say about themselves.
//!
//! * [`mod@file`]: writing and reading named tensors with metadata
//! * [`mod@check`]: whether a file holds the tensors that a model has
//! * [`description`]: the model, features and lattice statistics that weights belong to
//! * [`target`]: the property that a fine-tuned model predicts
//! * [`error`]: what can be wrong with a file

pub mod check;
mod content;
pub mod description;
pub mod error;
mod extent;
pub mod file;
pub mod target;
mod tensor;

pub use check::{Mismatch, check};
pub use description::Description;
pub use error::WeightsError;
pub use file::{WeightsFile, read, write};
pub use target::Target;
pub use tensor::{ElementType, Tensor, Values};
