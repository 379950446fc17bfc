//! The records of a step and of an epoch, and what they cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::run::seconds::HostSeconds;

/// Loss terms by name, including the weighted sum `loss`.
pub type Losses = BTreeMap<String, f64>;

/// Cost of a part of the run. It differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Duration in seconds.
    pub seconds: f64,
    /// Number of crystals per second.
    pub crystals_per_second: f64,
    /// Share of the time in which the model waited for data, 0 to 1.
    pub wait_share: f64,
    /// Resident memory of the process at the end, at most a second old, in bytes; 0 if the system does not report it.
    pub resident_bytes: u64,
}

impl Cost {
    /// Returns the cost of a part that took some seconds, of which the model waited `waited`.
    pub fn of(seconds: f64, crystals: u64, waited: f64) -> Self {
        let divisor = seconds.max(f64::MIN_POSITIVE);
        Self {
            seconds,
            crystals_per_second: crystals as f64 / divisor,
            wait_share: waited / divisor,
            resident_bytes: 0,
        }
    }
}

/// Record of an optimiser step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Number of steps done, including this one.
    pub step: u64,
    /// Epoch, from 1.
    pub epoch: u64,
    /// Number of crystals in the step's batches.
    pub crystals: u64,
    /// Mean losses of the step's batches. NaN and infinities are null in JSON, which is read as NaN.
    #[serde(deserialize_with = "losses")]
    pub losses: Losses,
    /// Learning rate.
    pub learning_rate: f64,
    /// Norm of all gradients together, before clipping.
    #[serde(deserialize_with = "number")]
    pub gradient_norm: f64,
    /// Cost of the step. On a device with its own memory, it is a mean over some steps.
    #[serde(flatten)]
    pub cost: Cost,
    /// The host's time in the parts of the step; zero in the records of earlier versions.
    #[serde(default)]
    pub host_seconds: HostSeconds,
    /// Number of bytes of the step's batches that were copied to the device; 0 on the host.
    #[serde(default)]
    pub uploaded_bytes: u64,
    /// Share of the time in which the GPU was at work, 0 to 1, over the last sixth of a second to second; absent
    /// without a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_busy: Option<f64>,
}

/// Record of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of steps done at the end of the epoch.
    pub step: u64,
    /// Epoch, from 1.
    pub epoch: u64,
    /// Number of crystals of the epoch.
    pub crystals: u64,
    /// Mean training losses.
    #[serde(deserialize_with = "losses")]
    pub train: Losses,
    /// Mean validation losses, if there is a validation set.
    #[serde(default, deserialize_with = "optional_losses", skip_serializing_if = "Option::is_none")]
    pub validation: Option<Losses>,
    /// Whether the loss that decides is the lowest so far.
    pub best: bool,
    /// Cost of the epoch, including validation.
    #[serde(flatten)]
    pub cost: Cost,
}

/// A line of the file. The key `kind` tells the variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// An optimiser step.
    Step(StepRecord),
    /// An epoch.
    Epoch(EpochRecord),
}

#[cfg(test)]
impl Record {
    /// Removes the cost, which differs from run to run.
    pub(crate) fn without_cost(mut self) -> Self {
        match &mut self {
            Record::Step(record) => {
                record.cost = Cost::default();
                record.host_seconds = HostSeconds::default();
                record.gpu_busy = None;
            }
            Record::Epoch(record) => record.cost = Cost::default(),
        }
        self
    }
}

/// Deserialises a number; null is NaN.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Deserialises losses; null is NaN.
fn losses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Losses, D::Error> {
    let losses = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
    Ok(losses.into_iter().map(|(name, loss)| (name, loss.unwrap_or(f64::NAN))).collect())
}

/// Deserialises optional losses.
fn optional_losses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Losses>, D::Error> {
    losses(deserializer).map(Some)
}
