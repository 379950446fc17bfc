//! Training runs: their folder, records, checkpoints and schedule.
//!
//! * [`training_run`]: the loop over epochs and batches; [`begin`]: setup of a run; [`unfinished`]: runs without an end
//! * [`step`]: losses of a batch and optimiser steps; [`snapshot`]: the model as tensors outside any backend
//! * [`terms`]: loss terms on the device; [`seconds`]: the host's time in the parts of a step
//! * `prepared`: batches on the device, ahead of the model where that has memory of its own
//! * `writer`: writing to the run's folder, from one of several processes
//! * [`schedule`]: learning rate and β1 at every step; [`plateau`]: epochs without a better loss
//! * [`average`]: averages of the weights; [`cycle_ends`]: weights at the ends of a cosine's cycles, for an ensemble
//! * [`noise`]: noise on weights and gradients
//! * [`folder`]: the folder of a run and its lock; `own`: recognition of a run's files
//! * [`checkpoint`]: state, weights and optimiser in one file
//! * [`card`]: the model card of the best weights
//! * [`memory`]: whether a batch fits, and an upper bound of the memory of a run
//! * [`metrics`]: JSON records of steps and epochs; `gpu`: the load of the GPU in them, [`resident`]: the memory
//! * [`curves`]: loss curves; [`tensorboard`]: event files for TensorBoard
//! * [`progress`]: progress bar or lines; [`span`]: durations as text
//! * [`interrupt`]: stopping by Ctrl-C

pub mod average;
pub mod begin;
pub mod card;
pub mod checkpoint;
pub mod curves;
pub mod cycle_ends;
pub mod error;
pub mod folder;
mod gpu;
pub mod interrupt;
pub mod memory;
pub mod metrics;
pub mod noise;
mod own;
pub mod plateau;
mod prepared;
pub mod progress;
pub mod resident;
pub mod schedule;
pub mod seconds;
pub mod snapshot;
pub mod span;
pub mod step;
pub mod tensorboard;
pub mod terms;
pub mod training_run;
pub mod unfinished;
mod writer;

pub use error::RunError;
