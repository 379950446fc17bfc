//! Layers that several models are made of, and the initial values of their parameters.

pub mod initialiser;
pub mod linear;

pub use initialiser::{Initial, Initialiser};
pub use linear::{Linear, LinearConfig, Mlp};
