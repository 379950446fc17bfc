//! Target of a fine-tuned model, as metadata of its weights.

use serde::{Deserialize, Serialize};

use crate::exact;
use crate::task::Transform;

/// Target of a fine-tuned model. The head's output is standardised: `target = mean + std · output`, in
/// [`Target::unit`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the task.
    pub task: String,
    /// Name of the property column.
    pub property: String,
    /// Unit of the target, such as `log10(GPa)`.
    pub unit: String,
    /// Transform from the property to the target.
    pub transform: Transform,
    /// Mean of the training targets.
    #[serde(with = "exact::number")]
    pub mean: f64,
    /// Standard deviation of the training targets.
    #[serde(with = "exact::number")]
    pub std: f64,
    /// Width of the head's hidden layers.
    pub head_width: usize,
}
