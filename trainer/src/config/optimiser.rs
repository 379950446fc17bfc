//! Settings of the optimiser.

use serde::{Deserialize, Serialize};

use super::fault::{BELOW_ONE, Faults, NOT_NEGATIVE, POSITIVE, at_least_one};
use super::section::{Setting, section};

/// The update rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam: the weight decay is added to the gradient.
    #[default]
    Adam,
    /// AdamW: the weight decay shrinks the weights directly.
    AdamW,
    /// Stochastic gradient descent with momentum: the weight decay is added to the gradient.
    Sgd,
}

impl Setting for OptimiserKind {}

section! {
    /// The optimiser of a run.
    pub struct OptimiserConfig {
        /// "adam", "adamw" (decoupled weight decay) or "sgd" (with momentum).
        pub kind: OptimiserKind = OptimiserKind::default();
        /// Learning rate; the highest one where a schedule changes it.
        pub learning_rate: f64 = 1e-5, in POSITIVE;
        /// Decay of the mean of gradients; "onecycle" replaces it by its momentum.
        pub beta1: f64 = 0.9, in BELOW_ONE;
        /// Decay of the mean of squared gradients.
        pub beta2: f64 = 0.999, in BELOW_ONE;
        /// Added to the root of the mean square.
        pub epsilon: f64 = 1e-8, in POSITIVE;
        /// Share of the velocity that "sgd" keeps from step to step; "onecycle" replaces it by its momentum.
        pub momentum: f64 = 0.9, in BELOW_ONE;
        /// Weight decay.
        pub weight_decay: f64 = 0.0, in NOT_NEGATIVE;
        /// Parameters without weight decay: those with one of these texts in their names, such as
        /// `["bias", "norm"]`.
        pub decay_exempt: Vec<String> = Vec::new();
        /// Largest norm of all gradients together, or "none".
        pub clip_norm: Option<f64> = None, in POSITIVE, with "super::optional";
        /// Batches whose gradients are averaged for one step.
        pub accumulate: usize = 1, in at_least_one();
    }
}

impl OptimiserConfig {
    /// Records a list of exemptions that would exempt everything.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        faults.unless(
            !self.decay_exempt.iter().any(String::is_empty),
            "optimiser.decay_exempt",
            format_args!("{:?}", self.decay_exempt),
            "a list of texts that are not empty",
        );
    }
}
