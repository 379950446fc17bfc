//! The two ways in which the paper fine-tunes (specification, section 6).

use serde::{Deserialize, Serialize};

/// A group of tasks that are fine-tuned alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// MatBench's tasks: constant rates, the head's higher than the encoder's.
    Matbench,
    /// All others: one rate that goes up and down again once.
    Other,
}

impl Regime {
    /// Settings of the regime: dotted keys of the configuration with their values.
    pub fn overrides(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Regime::Matbench => &[
                ("optimiser.kind", "adamw"),
                ("optimiser.learning_rate", "1e-3"),
                ("finetune.head_learning_rate", "5e-3"),
                ("optimiser.weight_decay", "1e-5"),
                ("schedule.kind", "constant"),
            ],
            Regime::Other => &[
                ("optimiser.kind", "adamw"),
                ("optimiser.learning_rate", "0.01"),
                ("finetune.head_learning_rate", "0.01"),
                ("optimiser.weight_decay", "1e-5"),
                ("schedule.kind", "onecycle"),
            ],
        }
    }
}
