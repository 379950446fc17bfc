//! The property that a fine-tuned model predicts, as metadata of its weights.

use serde::{Deserialize, Serialize};

use crate::exact;
use crate::task::Transform;

/// What the head's output means: `target = mean + std · output`, in [`Target::unit`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the task that the model was fine-tuned on.
    pub task: String,
    /// Column of the store.
    pub property: String,
    /// Unit of the target, such as `log10(GPa)`.
    pub unit: String,
    /// What made the target of the property.
    pub transform: Transform,
    /// Mean of the training set's targets.
    #[serde(with = "exact::number")]
    pub mean: f64,
    /// Standard deviation of the training set's targets.
    #[serde(with = "exact::number")]
    pub std: f64,
    /// Width of the head's hidden layers.
    pub head_width: usize,
}
