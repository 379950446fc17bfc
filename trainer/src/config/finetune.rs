//! How a property is learnt on top of the encoders.

use serde::{Deserialize, Serialize};

/// Width of the head's hidden layers (specification, section 6).
pub const DEFAULT_HEAD_WIDTH: usize = 128;

/// The head of a fine-tuned model and what is trained of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinetuneConfig {
    /// Width of the head's three hidden layers.
    pub head_width: usize,
    /// Learning rate of the head, changed by the schedule as the encoders' is; `None` for theirs.
    #[serde(with = "super::optional")]
    pub head_learning_rate: Option<f64>,
    /// Whether the encoders stay as they are.
    pub freeze_encoder: bool,
    /// Share of the training crystals that is used, in (0, 1]; a smaller share is part of a larger one.
    pub fraction: f64,
}

impl Default for FinetuneConfig {
    fn default() -> Self {
        Self {
            head_width: DEFAULT_HEAD_WIDTH,
            head_learning_rate: None,
            freeze_encoder: false,
            fraction: 1.0,
        }
    }
}
