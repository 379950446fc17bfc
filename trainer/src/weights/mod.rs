//! Weights as safetensors files that PyTorch loads, with a description in the metadata.
//!
//! * [`mod@file`]: reading and writing of named tensors and metadata
//! * [`mod@check`]: comparison of a file's tensors with those of a model
//! * [`description`]: the model, features and lattice statistics of the weights, under the keys of [`key`]
//! * `sections`, `lattice`: parts of a description, from its text
//! * [`target`]: the target of a fine-tuned model
//! * [`mod@pack`]: weights in half precision
//! * [`error`]: errors of weights files

pub mod check;
mod content;
pub mod description;
pub mod error;
mod extent;
pub mod file;
pub mod key;
mod lattice;
pub mod pack;
mod section;
mod sections;
pub mod target;
mod tensor;
mod unique;

pub use check::{Mismatch, check};
pub use description::Description;
pub use error::WeightsError;
pub use file::{WeightsFile, read, write};
pub use pack::pack;
pub use target::{Target, TargetNumber};
pub use tensor::{ElementType, Tensor, Values};
