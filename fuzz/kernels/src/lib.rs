//! The trainer's kernels and the `unsafe` code beneath them, without the rest of the trainer: sanitizers
//! want everything compiled for them, and this takes a minute where the tensor library takes half an hour.
//! The sources and their tests are the real ones.

pub mod ops;
pub mod raw;
