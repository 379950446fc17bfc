//! Settings of averages of the weights.

use serde::{Deserialize, Serialize};

use super::fault::{BELOW_ONE, Faults, at_least_one};
use super::section::{Setting, section};

/// The weights that a run validates and keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AverageKind {
    /// Those of the last step.
    #[default]
    None,
    /// The exponential moving average over the steps.
    Ema,
    /// The mean over the ends of epochs, "stochastic weight averaging" (Izmailov et al., arXiv 1803.05407).
    Swa,
}

impl Setting for AverageKind {}

section! {
    /// The average of the weights that a run validates and keeps. Training goes on from the weights themselves.
    pub struct AverageConfig {
        /// Which weights are validated and kept: "none" (those of the last step), "ema" (their exponential moving
        /// average) or "swa" (their mean over the ends of epochs). The statistics of batch normalisations are averaged, too.
        pub kind: AverageKind = AverageKind::default();
        /// Share of the moving average that "ema" keeps from step to step. After t steps it is at most (1 + t)/(10 + t),
        /// so that the weights of the first steps soon count for little.
        pub decay: f64 = 0.999, in BELOW_ONE;
        /// The first epoch, from 1, whose last weights count in "swa". The weights of earlier epochs are kept as they are.
        pub first_epoch: u64 = 1, in at_least_one();
    }
}

impl AverageConfig {
    /// Records a mean that would begin after the run of `epochs` epochs.
    pub(super) fn check_relations(&self, epochs: u64, faults: &mut Faults) {
        faults.unless(
            self.kind != AverageKind::Swa || self.first_epoch <= epochs,
            "average.first_epoch",
            self.first_epoch,
            "at most run.epochs with the average \"swa\"",
        );
    }
}
