//! The settings that weights name.

#[path = "../../../trainer/src/config/fault.rs"]
mod fault;
#[path = "../../../trainer/src/config/loss.rs"]
pub mod loss;
#[path = "../../../trainer/src/config/model.rs"]
pub mod model;

pub use loss::PalConfig;
pub use model::ModelConfig;
