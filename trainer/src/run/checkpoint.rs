//! Checkpoints: everything that a run needs to continue, in one file that is replaced atomically.
//!
//! A checkpoint is a weights file with the tensors of the model under their own names and Adam's running means under
//! `optimiser.m.<name>` and `optimiser.v.<name>`, or the velocity of SGD under the former. Averages of the weights are
//! under `optimiser.average.<name>`. Heads that learn noise beside a property are under `noise.<name>`, weights at the ends
//! of cycles under `snapshot.N.<name>`. The metadata hold the description of the weights and the state of the run. It can
//! therefore be used wherever a weights file can.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use crate::exact;
use crate::run::cycle_ends::{CycleEnds, SNAPSHOT_PREFIX};
use crate::run::plateau::Plateau;
use crate::weights::key::STATE_KEY;
use crate::weights::{self, Description, Tensor, WeightsFile};

/// Prefix of Adam's means of gradients and of SGD's velocities.
pub const FIRST_MOMENT_PREFIX: &str = "optimiser.m.";
/// Prefix of Adam's means of squared gradients.
pub const SECOND_MOMENT_PREFIX: &str = "optimiser.v.";
/// Prefix of averages of the weights.
pub const AVERAGE_PREFIX: &str = "optimiser.average.";
/// Prefix of all tensors of the optimiser, to skip when only weights are read.
pub const OPTIMISER_PREFIX: &str = "optimiser.";
/// Prefix of the heads for the noise that is learnt beside a property.
pub const NOISE_PREFIX: &str = "noise.";
/// Prefixes of the tensors in a checkpoint that are no part of the model of a property: those of the optimiser, of the heads
/// for noise, and of the weights at the ends of earlier cycles.
pub const BESIDES_PROPERTY: [&str; 3] = [OPTIMISER_PREFIX, NOISE_PREFIX, SNAPSHOT_PREFIX];

/// State of a run. Checkpoints are taken between two optimiser steps, so the state has no accumulated gradients. The
/// random generators of shuffling, masks and noise are keyed by seed and by epoch and crystal or step and batch, so it has
/// no generators either.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Number of epochs done.
    pub epoch: u64,
    /// Number of batches done in the current epoch.
    pub batch: u64,
    /// Number of optimiser steps done, over all epochs.
    pub step: u64,
    /// Number of crystals done in the current epoch.
    pub crystals: u64,
    /// Number of batches of the current epoch on which the model could not be trained.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// Number of optimiser steps that earlier epochs did not take, since their batches were left out. The schedule goes
    /// on over them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
    /// Sums over the batches of the current epoch, by loss term. With them, the mean over an interrupted epoch has
    /// the same bits as over an uninterrupted one.
    #[serde(with = "exact::map")]
    pub sums: BTreeMap<String, f64>,
    /// Lowest mean loss of an epoch.
    #[serde(with = "exact::optional")]
    pub best_loss: Option<f64>,
    /// Epoch of the lowest mean loss, from 1.
    pub best_epoch: Option<u64>,
    /// Mean loss of the last epoch, if its weights are the ones that are kept.
    #[serde(default, with = "exact::optional", skip_serializing_if = "Option::is_none")]
    pub last_loss: Option<f64>,
    /// Losses of the epochs so far, for the schedule "plateau".
    #[serde(default, skip_serializing_if = "Plateau::is_new")]
    pub plateau: Plateau,
    /// Number of records written, for [`super::metrics::MetricsLog::open`].
    pub records: u64,
    /// [`crate::config::Config::hash`] of the run.
    pub config_hash: String,
    /// SHA-256 of the SHA-256 of all shards; `None` in checkpoints of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards_sha256: Option<String>,
    /// Number of processes, if there are several. The size of their common batch depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}

/// Whether a number is 0 and need not be written.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A checkpoint in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// State of the run.
    pub state: State,
    /// Description of the weights.
    pub description: Description,
    /// Tensors of the model by name.
    pub weights: BTreeMap<String, Tensor>,
    /// Means of gradients, or velocities, by the name of the weight.
    pub first_moments: BTreeMap<String, Tensor>,
    /// Means of squared gradients by the name of the weight; empty for SGD.
    pub second_moments: BTreeMap<String, Tensor>,
    /// Averages of the weights by their names; empty without any.
    pub averages: BTreeMap<String, Tensor>,
    /// Weights at the ends of cycles.
    pub cycle_ends: CycleEnds,
}

impl Checkpoint {
    /// Writes the checkpoint. After a kill the file is the old one or the complete new one. The bytes depend only on
    /// the content.
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
            .chain(named(SECOND_MOMENT_PREFIX, self.second_moments))
            .chain(named(AVERAGE_PREFIX, self.averages))
            .chain(self.cycle_ends.named());
        Ok(weights::write(path, &metadata, tensors)?)
    }

    /// Reads a checkpoint; `None` if there is no file, as after a kill before the first checkpoint.
    ///
    /// # Errors
    /// [`RunError::Weights`] for a file that is damaged or not a weights file, [`RunError::Checkpoint`] for one that
    /// is not a checkpoint.
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
        let (tensors, cycle_ends) = CycleEnds::split(tensors);
        let mut checkpoint = Self {
            state,
            description,
            weights: BTreeMap::new(),
            first_moments: BTreeMap::new(),
            second_moments: BTreeMap::new(),
            averages: BTreeMap::new(),
            cycle_ends,
        };
        for (name, tensor) in tensors {
            if let Some(name) = name.strip_prefix(FIRST_MOMENT_PREFIX) {
                checkpoint.first_moments.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(SECOND_MOMENT_PREFIX) {
                checkpoint.second_moments.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(AVERAGE_PREFIX) {
                checkpoint.averages.insert(name.to_owned(), tensor);
            } else {
                checkpoint.weights.insert(name, tensor);
            }
        }
        Ok(Some(checkpoint))
    }
}

#[cfg(test)]
mod tests;
