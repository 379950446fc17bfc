//! How long a run lasts and what it keeps.

use serde::{Deserialize, Serialize};

/// Passes over the data (specification, section 6).
pub const DEFAULT_EPOCHS: u64 = 50;
/// Minutes between two checkpoints.
pub const DEFAULT_CHECKPOINT_MINUTES: f64 = 10.0;

/// Whose mean loss over an epoch decides which weights are the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// The training set's (specification, section 7, row 33).
    #[default]
    Train,
    /// The validation set's.
    Validation,
}

/// The course of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Passes over the data.
    pub epochs: u64,
    /// Epochs without a better loss after which the run ends.
    #[serde(with = "super::optional")]
    pub early_stop: Option<u64>,
    /// Minutes after which a checkpoint is written in the middle of an epoch.
    #[serde(with = "super::optional")]
    pub checkpoint_minutes: Option<f64>,
    /// Optimiser steps after which a checkpoint is written in the middle of an epoch.
    #[serde(with = "super::optional")]
    pub checkpoint_steps: Option<u64>,
    /// Whose loss decides.
    pub select: Select,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            epochs: DEFAULT_EPOCHS,
            early_stop: None,
            checkpoint_minutes: Some(DEFAULT_CHECKPOINT_MINUTES),
            checkpoint_steps: None,
            select: Select::default(),
        }
    }
}
