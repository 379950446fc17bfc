//! The course of a run: its folder, records, checkpoints and schedule.
//!
//! * [`training_run`]: epochs of batches until the end; [`begin`]: what a run begins with
//! * [`step`]: one batch and one step; [`snapshot`]: the model as tensors outside any backend
//! * `writer`: what goes into the folder, from one process of several
//! * [`schedule`]: learning rate and β1 of every step
//! * [`folder`]: the run's folder, one run at a time; `own`: whether its files are a run's
//! * [`checkpoint`]: everything a run needs to continue
//! * [`card`]: what the best weights are, in words
//! * [`memory`]: whether a batch fits, and an upper bound of the memory of a run
//! * [`metrics`]: one JSON record a step and an epoch
//! * [`curves`]: the records as a picture
//! * [`progress`]: how far the run is, on the terminal or as lines; [`span`]: durations in words
//! * [`interrupt`]: stopping in order

pub mod begin;
pub mod card;
pub mod checkpoint;
pub mod curves;
pub mod error;
pub mod folder;
pub mod interrupt;
pub mod memory;
pub mod metrics;
mod own;
pub mod progress;
pub mod schedule;
pub mod snapshot;
pub mod span;
pub mod step;
pub mod training_run;
mod writer;

pub use error::RunError;
