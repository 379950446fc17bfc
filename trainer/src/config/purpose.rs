//! The settings that have an effect on a command.

use std::fmt;

use super::Override;
use super::error::{ConfigError, Place};

/// What a configuration is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Pre-training.
    Pretraining,
    /// Fine-tuning. The task says which crystals validate, and these choose the best weights.
    Finetuning,
    /// Embeddings by a trained encoder.
    Embedding,
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pretraining => "pre-training",
            Self::Finetuning => "fine-tuning",
            Self::Embedding => "embeddings",
        })
    }
}

impl Purpose {
    /// Checks that every override has an effect. The settings of a file may have none, since one file may serve several
    /// commands. The keys must be known.
    ///
    /// # Errors
    /// [`ConfigError::WithoutEffect`] for the first setting without an effect.
    pub fn require_effect(self, overrides: &[Override]) -> Result<(), ConfigError> {
        match overrides.iter().find(|given| !self.uses(&given.key)) {
            None => Ok(()),
            Some(Override { name, key, value }) => Err(ConfigError::WithoutEffect {
                place: Place::Override(name),
                key: key.clone(),
                value: value.clone(),
                purpose: self,
            }),
        }
    }

    /// Whether a setting has an effect.
    fn uses(self, key: &str) -> bool {
        let section = key.split('.').next().unwrap_or_default();
        match self {
            Self::Pretraining => section != "finetune",
            Self::Finetuning => {
                // The method chooses the recipe.
                (section != "pretrain" || key == "pretrain.method")
                    && !["data.validation", "data.validation_fraction", "run.select"].contains(&key)
            }
            Self::Embedding => {
                section == "data"
                    && !["data.shuffle_buffer", "data.validation", "data.validation_fraction"].contains(&key)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn given(setting: &str) -> [Override; 1] {
        [Override::parse("--set", setting).expect("key=value")]
    }

    #[test]
    fn settings_without_an_effect_are_refused() {
        let refused = |purpose: Purpose, setting: &str| {
            let config = Config::resolve(None, &[setting]).map(|_| ());
            config.expect("a known setting");
            purpose.require_effect(&given(setting)).expect_err("no effect").to_string()
        };
        assert_eq!(
            refused(Purpose::Finetuning, "pretrain.mmpt.labels = cell"),
            "--set: pretrain.mmpt.labels = cell: has no effect on fine-tuning"
        );
        for (purpose, setting) in [
            (Purpose::Finetuning, "data.validation=hash"),
            (Purpose::Finetuning, "run.select=train"),
            (Purpose::Pretraining, "finetune.head_width=8"),
            (Purpose::Embedding, "model.mmpt.hidden=8"),
            (Purpose::Embedding, "data.shuffle_buffer=8"),
        ] {
            assert!(refused(purpose, setting).contains(": has no effect on "), "{setting}");
        }
        for setting in ["model.mmpt.hidden=8", "run.epochs=3", "data.batch_crystals=2", "seed=5"] {
            for purpose in [Purpose::Pretraining, Purpose::Finetuning] {
                purpose.require_effect(&given(setting)).expect(setting);
            }
        }
        Purpose::Finetuning.require_effect(&given("pretrain.method=infograph")).expect("it has a recipe");
        Purpose::Embedding.require_effect(&given("data.workers=2")).expect("it has one");
    }
}
