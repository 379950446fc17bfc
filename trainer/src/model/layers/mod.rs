//! Layers that the models share, and the initialisation of their parameters.

pub mod batch_norm;
pub mod embedding;
pub mod gaussian;
pub mod initialiser;
pub mod layer_norm;
pub mod linear;
pub mod set2set;

pub use batch_norm::BatchNorm;
pub use embedding::Embedding;
pub use gaussian::Gaussians;
pub use initialiser::{Initial, Initialiser};
pub use layer_norm::LayerNorm;
pub use linear::{Linear, LinearConfig, Mlp};
pub use set2set::{Set2Set, Set2SetConfig};
