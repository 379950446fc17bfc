//! How the learning rate changes over a run.

use serde::{Deserialize, Serialize};

/// Shape of the learning rate over the optimiser's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// The same at every step after the warm-up.
    #[default]
    Constant,
    /// Half a cosine from the full rate to [`ScheduleConfig::minimum_factor`] of it.
    Cosine,
    /// PyTorch's `OneCycleLR`: up and down again by half cosines, β1 the other way.
    OneCycle,
}

/// Parameters of [`ScheduleKind::OneCycle`], with the names and defaults of PyTorch's `OneCycleLR`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycleConfig {
    /// Share of the steps on which the rate rises, in [0, 1].
    pub pct_start: f64,
    /// The first rate is the highest one divided by this.
    pub div_factor: f64,
    /// The last rate is the first one divided by this.
    pub final_div_factor: f64,
    /// Whether β1 falls from `max_momentum` to `base_momentum` while the rate rises, and back.
    pub cycle_momentum: bool,
    /// β1 at the highest rate, in [0, 1).
    pub base_momentum: f64,
    /// β1 at the first and last step, in [0, 1).
    pub max_momentum: f64,
}

impl Default for OneCycleConfig {
    fn default() -> Self {
        Self {
            pct_start: 0.3,
            div_factor: 25.0,
            final_div_factor: 1e4,
            cycle_momentum: true,
            base_momentum: 0.85,
            max_momentum: 0.95,
        }
    }
}

/// The learning-rate schedule of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Shape.
    pub kind: ScheduleKind,
    /// Steps on which the rate rises evenly to its full value before the shape begins.
    pub warmup_steps: u64,
    /// Where the cosine ends, as a share of the full rate, in [0, 1].
    pub minimum_factor: f64,
    /// Parameters of the one-cycle shape.
    pub onecycle: OneCycleConfig,
}
