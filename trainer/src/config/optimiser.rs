//! How gradients change the weights.

use serde::{Deserialize, Serialize};

/// Learning rate of the pre-training (specification, section 6).
pub const DEFAULT_LEARNING_RATE: f64 = 1e-5;
/// Decay of the running mean of gradients.
pub const DEFAULT_BETA1: f64 = 0.9;
/// Decay of the running mean of squared gradients.
pub const DEFAULT_BETA2: f64 = 0.999;
/// Added to the root of the mean square, as in PyTorch.
pub const DEFAULT_EPSILON: f64 = 1e-8;

/// The update rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam; weight decay is added to the gradient.
    #[default]
    Adam,
    /// AdamW; weight decay shrinks the weights themselves.
    AdamW,
}

/// The optimiser of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Update rule.
    pub kind: OptimiserKind,
    /// Learning rate; the highest one where a schedule changes it.
    pub learning_rate: f64,
    /// Decay of the running mean of gradients, in [0, 1).
    pub beta1: f64,
    /// Decay of the running mean of squared gradients, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Largest norm of all gradients together; larger ones are scaled down to it.
    #[serde(with = "super::optional")]
    pub clip_norm: Option<f64>,
    /// Batches whose gradients are averaged for one step.
    pub accumulate: usize,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self {
            kind: OptimiserKind::default(),
            learning_rate: DEFAULT_LEARNING_RATE,
            beta1: DEFAULT_BETA1,
            beta2: DEFAULT_BETA2,
            epsilon: DEFAULT_EPSILON,
            weight_decay: 0.0,
            clip_norm: None,
            accumulate: 1,
        }
    }
}
