//! The trainer's reader of weights and what it needs of the rest, without the tensor library. The sources
//! are the real ones.

// Other parts of the trainer use what these modules do not.
#![allow(dead_code, unused_imports)]

#[path = "../../../trainer/src/atomic.rs"]
pub mod atomic;
pub mod config;
pub mod data;
#[path = "../../../trainer/src/exact.rs"]
mod exact;
pub mod task;
#[path = "../../../trainer/src/weights/mod.rs"]
pub mod weights;
