//! Settings of the learning-rate schedule.

use serde::{Deserialize, Serialize};

use super::fault::{BELOW_ONE, Faults, POSITIVE, SHARE};
use super::section::{Setting, section};

/// Learning rate as a function of the optimiser step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Constant after the warm-up.
    #[default]
    Constant,
    /// Half a cosine, from the full rate to [`ScheduleConfig::minimum_factor`] times the full rate.
    Cosine,
    /// PyTorch's `OneCycleLR`: the rate rises and falls by half cosines, and β1 does the opposite.
    OneCycle,
}

impl Setting for ScheduleKind {}

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
    /// The learning-rate schedule of a run.
    pub struct ScheduleConfig {
        /// Learning rate over the steps: "constant", "cosine" or "onecycle" (PyTorch's OneCycleLR).
        pub kind: ScheduleKind = ScheduleKind::default();
        /// Steps on which the rate rises evenly before "constant" or "cosine" begins.
        pub warmup_steps: u64 = 0;
        /// Where "cosine" ends, as a share of the full rate.
        pub minimum_factor: f64 = 0.0, in SHARE;
        /// Parameters of "onecycle".
        pub onecycle: OneCycleConfig = OneCycleConfig::default();
    }
}

impl ScheduleConfig {
    /// Records the first setting that does not fit the others.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        faults.unless(
            self.kind != ScheduleKind::OneCycle || self.warmup_steps == 0,
            "schedule.warmup_steps",
            self.warmup_steps,
            "0 with the schedule \"onecycle\", which begins with a rise of its own",
        );
    }
}
