//! Everything a run needs to continue, in one file that is whole at every moment.
//!
//! A checkpoint is a weights file: the model's tensors under their own names, Adam's running means under
//! `optimiser.m.<name>` and `optimiser.v.<name>`, the description of the weights and the state of the run
//! in the metadata. So it can also be used wherever weights are asked for.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use crate::exact;
use crate::weights::{self, Description, Tensor, WeightsFile};

/// Prefix of the running means of gradients.
pub const FIRST_MOMENT_PREFIX: &str = "optimiser.m.";
/// Prefix of the running means of squared gradients.
pub const SECOND_MOMENT_PREFIX: &str = "optimiser.v.";
/// Prefix of every tensor of the optimiser, to be ignored where weights alone are read.
pub const OPTIMISER_PREFIX: &str = "optimiser.";
/// Metadata key of the state, a JSON object.
pub const STATE_KEY: &str = "mmpt.state";

/// Where a run is. Checkpoints are taken between two optimiser steps, so no accumulated gradients
/// belong to it; the generators of shuffling and masks are keyed by seed, epoch and crystal, so nothing
/// of them does either.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Epochs done.
    pub epoch: u64,
    /// Batches of the running epoch that are done.
    pub batch: u64,
    /// Optimiser steps done, over all epochs.
    pub step: u64,
    /// Crystals of the running epoch that are done.
    pub crystals: u64,
    /// Sums over the batches of the running epoch, by loss term: the mean of an epoch that was
    /// interrupted is that of one that was not, bit for bit.
    #[serde(with = "exact::map")]
    pub sums: BTreeMap<String, f64>,
    /// Lowest mean loss of an epoch so far.
    #[serde(with = "exact::optional")]
    pub best_loss: Option<f64>,
    /// Its epoch, counted from 1.
    pub best_epoch: Option<u64>,
    /// Records written, for [`super::metrics::MetricsLog::open`].
    pub records: u64,
    /// [`crate::config::Config::hash`] of the run.
    pub config_hash: String,
    /// How many processes train together, where there are several: they share batches that are so many
    /// times as large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}

/// A checkpoint in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the run is.
    pub state: State,
    /// What the weights belong to.
    pub description: Description,
    /// The model's tensors by name.
    pub weights: BTreeMap<String, Tensor>,
    /// Running means of gradients by the name of the weight.
    pub first_moments: BTreeMap<String, Tensor>,
    /// Running means of squared gradients by the name of the weight.
    pub second_moments: BTreeMap<String, Tensor>,
}

impl Checkpoint {
    /// Writes the checkpoint: after a kill at any moment the file is the old one or the new one. The
    /// bytes depend on the content alone.
    ///
    /// # Errors
    /// [`RunError::Weights`].
    pub fn write(self, path: &Path) -> Result<(), RunError> {
        let mut metadata = self.description.to_metadata();
        let state = serde_json::to_string(&self.state).expect("JSON holds every type of the state");
        metadata.insert(STATE_KEY.to_owned(), state);
        let named = |prefix: &'static str, tensors: BTreeMap<String, Tensor>| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{prefix}{name}"), tensor))
        };
        let tensors = named("", self.weights)
            .chain(named(FIRST_MOMENT_PREFIX, self.first_moments))
            .chain(named(SECOND_MOMENT_PREFIX, self.second_moments));
        Ok(weights::write(path, &metadata, tensors)?)
    }

    /// Reads a checkpoint; `None` if there is no such file, as after a kill before the first one.
    ///
    /// # Errors
    /// [`RunError::Weights`] for a file that is damaged or of another kind, [`RunError::Checkpoint`] for one
    /// that is no checkpoint.
    pub fn read(path: &Path) -> Result<Option<Self>, RunError> {
        if !path.try_exists().map_err(RunError::io("read", path))? {
            return Ok(None);
        }
        let WeightsFile { metadata, tensors } = weights::read(path)?;
        let refuse = |reason: String| RunError::Checkpoint { path: path.to_owned(), reason };
        let state =
            metadata.get(STATE_KEY).ok_or_else(|| refuse(format!("the metadata lack '{STATE_KEY}'")))?;
        let state = serde_json::from_str(state).map_err(|error| refuse(format!("{STATE_KEY}: {error}")))?;
        let description = Description::from_metadata(&metadata)?
            .ok_or_else(|| refuse("the metadata lack a description".to_owned()))?;
        let mut checkpoint = Self {
            state,
            description,
            weights: BTreeMap::new(),
            first_moments: BTreeMap::new(),
            second_moments: BTreeMap::new(),
        };
        for (name, tensor) in tensors {
            if let Some(name) = name.strip_prefix(FIRST_MOMENT_PREFIX) {
                checkpoint.first_moments.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(SECOND_MOMENT_PREFIX) {
                checkpoint.second_moments.insert(name.to_owned(), tensor);
            } else {
                checkpoint.weights.insert(name, tensor);
            }
        }
        Ok(Some(checkpoint))
    }
}

#[cfg(test)]
mod tests;
