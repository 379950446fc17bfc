//! Settings of the optimiser.

use serde::{Deserialize, Serialize};

use super::fault::{BELOW_ONE, NOT_NEGATIVE, POSITIVE, at_least_one};
use super::section::{Setting, section};

/// The update rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam: the weight decay is added to the gradient.
    #[default]
    Adam,
    /// AdamW: the weight decay shrinks the weights directly.
    AdamW,
}

impl Setting for OptimiserKind {}

section! {
    /// The optimiser of a run.
    pub struct OptimiserConfig {
        /// "adam" or "adamw" (decoupled weight decay).
        pub kind: OptimiserKind = OptimiserKind::default();
        /// Learning rate; the highest one where a schedule changes it.
        pub learning_rate: f64 = 1e-5, in POSITIVE;
        /// Decay of the mean of gradients; "onecycle" replaces it by its momentum.
        pub beta1: f64 = 0.9, in BELOW_ONE;
        /// Decay of the mean of squared gradients.
        pub beta2: f64 = 0.999, in BELOW_ONE;
        /// Added to the root of the mean square.
        pub epsilon: f64 = 1e-8, in POSITIVE;
        /// Weight decay.
        pub weight_decay: f64 = 0.0, in NOT_NEGATIVE;
        /// Largest norm of all gradients together, or "none".
        pub clip_norm: Option<f64> = None, in POSITIVE, with "super::optional";
        /// Batches whose gradients are averaged for one step.
        pub accumulate: usize = 1, in at_least_one();
    }
}
