//! Settings of the learning-rate schedule.

use serde::{Deserialize, Serialize};

use super::Config;
use super::fault::{BELOW_ONE, BETWEEN_0_AND_1, Faults, POSITIVE, SHARE, at_least_one};
use super::section::{Setting, section};

/// Learning rate as a function of the optimiser step or of the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Constant after the warm-up.
    #[default]
    Constant,
    /// Half a cosine, from the full rate to [`ScheduleConfig::minimum_factor`] times the full rate, once or
    /// [`CosineConfig::cycles`] times.
    Cosine,
    /// PyTorch's `OneCycleLR`: the rate rises and falls by half cosines, and β1 does the opposite.
    OneCycle,
    /// PyTorch's `MultiStepLR`: the rate is multiplied by a factor after some epochs.
    Steps,
    /// The full rate, then a straight line to [`ScheduleConfig::minimum_factor`] times the full rate, in steps of an
    /// epoch.
    Linear,
    /// PyTorch's `ReduceLROnPlateau`: the rate is multiplied by a factor when the loss no longer improves.
    Plateau,
}

impl Setting for ScheduleKind {}

impl ScheduleKind {
    /// Whether the rates depend on the number of epochs of the run.
    pub(crate) fn depends_on_length(self) -> bool {
        matches!(self, Self::Cosine | Self::OneCycle | Self::Linear)
    }

    /// Whether the rates depend on the number of steps of the run.
    pub(crate) fn depends_on_steps(self) -> bool {
        matches!(self, Self::Cosine | Self::OneCycle)
    }
}

section! {
    /// Parameters of [`ScheduleKind::Cosine`].
    pub struct CosineConfig {
        /// Number of equal cycles (arXiv 1608.03983). Each begins at the full rate and falls along the cosine; the warm-up is
        /// part of the first.
        pub cycles: u64 = 1, in at_least_one();
    }
}

section! {
    /// Parameters of [`ScheduleKind::OneCycle`], with the names and defaults of PyTorch's `OneCycleLR`.
    pub struct OneCycleConfig {
        /// Share of the steps on which the rate rises.
        pub pct_start: f64 = 0.3, in SHARE;
        /// The first rate is the highest one divided by this.
        pub div_factor: f64 = 25.0, in POSITIVE;
        /// The last rate is the first one divided by this.
        pub final_div_factor: f64 = 1e4, in POSITIVE;
        /// Whether beta1 falls while the rate rises, and back.
        pub cycle_momentum: bool = true;
        /// beta1 at the highest rate.
        pub base_momentum: f64 = 0.85, in BELOW_ONE;
        /// beta1 at the first and the last step.
        pub max_momentum: f64 = 0.95, in BELOW_ONE;
    }
}

section! {
    /// Parameters of [`ScheduleKind::Steps`].
    pub struct StepsConfig {
        /// Numbers of epochs after which the rate changes, such as `[100]`.
        pub epochs: Vec<u64> = Vec::new();
        /// Factor by which each of them multiplies the rate.
        pub factor: f64 = 0.1, in POSITIVE;
    }
}

section! {
    /// Parameters of [`ScheduleKind::Linear`].
    pub struct LinearConfig {
        /// Epochs at the full rate before it falls.
        pub constant_epochs: u64 = 0;
    }
}

section! {
    /// Parameters of [`ScheduleKind::Plateau`], with the names and defaults of PyTorch's `ReduceLROnPlateau`.
    pub struct PlateauConfig {
        /// Factor by which the rate is multiplied.
        pub factor: f64 = 0.1, in BETWEEN_0_AND_1;
        /// Epochs without a better loss that change nothing; after one more the rate is multiplied.
        pub patience: u64 = 10;
        /// Share of the lowest loss by which another one must be lower to be better.
        pub threshold: f64 = 1e-4, in BELOW_ONE;
    }
}

section! {
    /// The learning-rate schedule of a run.
    pub struct ScheduleConfig {
        /// Learning rate over the steps: "constant", "cosine" or "onecycle" (PyTorch's OneCycleLR), or over the epochs:
        /// "steps" (PyTorch's MultiStepLR), "linear" or "plateau" (PyTorch's ReduceLROnPlateau).
        pub kind: ScheduleKind = ScheduleKind::default();
        /// Steps on which the rate rises evenly; "cosine" begins after them. Not with "onecycle".
        pub warmup_steps: u64 = 0;
        /// Where "cosine", "linear" and "plateau" end, as a share of the full rate.
        pub minimum_factor: f64 = 0.0, in SHARE;
        /// Parameters of "cosine".
        pub cosine: CosineConfig = CosineConfig::default();
        /// Parameters of "onecycle".
        pub onecycle: OneCycleConfig = OneCycleConfig::default();
        /// Parameters of "steps".
        pub steps: StepsConfig = StepsConfig::default();
        /// Parameters of "linear".
        pub linear: LinearConfig = LinearConfig::default();
        /// Parameters of "plateau". The loss is the one that chooses the best weights.
        pub plateau: PlateauConfig = PlateauConfig::default();
    }
}

impl Config {
    /// Returns the number of earlier cycles whose last weights are kept beside those of the last cycle.
    pub fn kept_cycles(&self) -> u64 {
        if self.finetune.snapshots { self.schedule.cosine.cycles.saturating_sub(1) } else { 0 }
    }

    /// Whether the weights after an epoch, from 1, are kept beside those of the last epoch: it ends a cycle, which is not
    /// the last.
    pub fn keeps_cycle_end(&self, epoch: u64) -> bool {
        let epochs = self.run.epochs;
        let length = epochs / self.schedule.cosine.cycles.clamp(1, epochs);
        self.finetune.snapshots && epoch < epochs && epoch.is_multiple_of(length)
    }
}

impl ScheduleConfig {
    /// Records the first setting that does not fit the others, in a run of `epochs` epochs.
    pub(super) fn check_relations(&self, epochs: u64, faults: &mut Faults) {
        faults.unless(
            self.kind != ScheduleKind::Cosine || epochs.is_multiple_of(self.cosine.cycles),
            "schedule.cosine.cycles",
            self.cosine.cycles,
            "a number that divides run.epochs",
        );
        faults.unless(
            self.kind != ScheduleKind::OneCycle || self.warmup_steps == 0,
            "schedule.warmup_steps",
            self.warmup_steps,
            "0 with the schedule \"onecycle\", which begins with a rise of its own",
        );
        faults.unless(
            self.kind != ScheduleKind::Steps || !self.steps.epochs.is_empty(),
            "schedule.steps.epochs",
            "[]",
            "a list of epochs with the schedule \"steps\"",
        );
        let epochs = &self.steps.epochs;
        faults.unless(
            epochs.first() != Some(&0) && epochs.windows(2).all(|pair| pair[0] < pair[1]),
            "schedule.steps.epochs",
            format_args!("{epochs:?}"),
            "a list of numbers from 1 on that ascend",
        );
    }
}
