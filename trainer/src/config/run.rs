//! Settings of the length of a run and of its checkpoints.

use serde::{Deserialize, Serialize};

use super::fault::{POSITIVE, at_least_one};
use super::section::{Setting, section};

/// The weights that a run keeps as its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// Those of the epoch with the lowest mean loss over the training set (specification, section 7, row 33).
    #[default]
    Train,
    /// Those of the epoch with the lowest mean loss over the validation set.
    Validation,
    /// Those of the last epoch.
    Last,
}

impl Setting for Select {}

section! {
    /// The course of a run.
    pub struct RunConfig {
        /// Passes over the data.
        pub epochs: u64 = 50, in at_least_one();
        /// Epochs without a better loss after which the run ends, or "none".
        pub early_stop: Option<u64> = None, in at_least_one(), with "super::optional";
        /// Minutes after which a checkpoint is written in the middle of an epoch, or "none": at its end alone.
        pub checkpoint_minutes: Option<f64> = Some(10.0), in POSITIVE, with "super::optional";
        /// Optimiser steps after which a checkpoint is written in the middle of an epoch, or "none".
        pub checkpoint_steps: Option<u64> = None, in at_least_one(), with "super::optional";
        /// Whose mean loss over an epoch decides which weights are kept as the best: "train" or "validation"; "last"
        /// keeps those of the last epoch. Early stopping with "last" follows the validation set, if there is one.
        pub select: Select = Select::default();
    }
}
