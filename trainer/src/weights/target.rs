//! Target of a fine-tuned model, as metadata of its weights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::WeightsError;
use super::key::TARGET_KEY;
use super::section::{self, unreadable};
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

impl Target {
    /// Reads the target from the metadata of a weights file; `None` if there is none.
    ///
    /// # Errors
    /// [`WeightsError::Metadata`] or the other errors of a section, with the setting.
    pub(super) fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Option<Self>, WeightsError> {
        if !metadata.contains_key(TARGET_KEY) {
            return Ok(None);
        }
        let template = Self {
            task: String::new(),
            property: String::new(),
            unit: String::new(),
            transform: Transform::None,
            mean: 0.0,
            std: 1.0,
            head_width: 1,
        };
        let settings = section::settings(metadata, TARGET_KEY)?;
        let target: Self = section::fill(&template, &settings, |_| Some(TARGET_KEY))?;
        let refuse = |name: &str, value: String, reason: &str| {
            Err(unreadable(&format!("{TARGET_KEY}.{name}"), &value, reason))
        };
        match (target.mean, target.std, target.head_width) {
            (mean, ..) if !mean.is_finite() => refuse("mean", mean.to_string(), "is not finite"),
            (_, std, _) if !(std.is_finite() && std > 0.0) => {
                refuse("std", std.to_string(), "is not positive and finite")
            }
            (.., 0) => refuse("head_width", "0".to_owned(), "must be at least 1"),
            _ => Ok(Some(target)),
        }
    }
}
