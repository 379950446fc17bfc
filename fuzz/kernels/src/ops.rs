//! Operations, as far as they need no tensor library.

#[path = "../../../trainer/src/ops/kernel/mod.rs"]
pub mod kernel;
