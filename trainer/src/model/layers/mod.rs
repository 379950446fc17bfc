//! Layers that the models share, and the initialisation of their parameters.

pub mod initialiser;
pub mod linear;

pub use initialiser::{Initial, Initialiser};
pub use linear::{Linear, LinearConfig, Mlp};
