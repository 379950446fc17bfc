//! The settings that weights name.

#[path = "../../../trainer/src/config/choice.rs"]
mod choice;
#[path = "../../../trainer/src/config/difference.rs"]
mod difference;
#[path = "../../../trainer/src/config/fault.rs"]
mod fault;
#[path = "../../../trainer/src/config/model/mod.rs"]
pub mod model;
#[path = "../../../trainer/src/config/optional.rs"]
mod optional;
#[path = "../../../trainer/src/config/pretrain/mod.rs"]
pub mod pretrain;
#[path = "../../../trainer/src/config/section.rs"]
mod section;

pub use difference::Difference;
pub(crate) use difference::differences;
pub use model::{MmptModelConfig, ModelConfig, ModelKind};
pub use pretrain::{LossConfig, MethodKind, MmptPretrainConfig, PretrainConfig};
