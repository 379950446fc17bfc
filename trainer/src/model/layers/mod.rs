//! Layers that the models share, and the initialisation of their parameters.

pub mod batch_norm;
pub mod gaussian;
pub mod initialiser;
pub mod layer_norm;
pub mod linear;

pub use batch_norm::BatchNorm;
pub use gaussian::Gaussians;
pub use initialiser::{Initial, Initialiser};
pub use layer_norm::LayerNorm;
pub use linear::{Linear, LinearConfig, Mlp};
