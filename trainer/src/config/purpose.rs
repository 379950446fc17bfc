//! The settings that have an effect on a command.

use std::fmt;

use super::error::{ConfigError, Place};
use super::{Config, Override, effect};

/// What a configuration is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Pre-training.
    Pretraining,
    /// Fine-tuning. The task says which crystals validate, and these choose the best weights.
    Finetuning,
    /// Fine-tuning with a list of seeds.
    FinetuningBySeeds,
    /// Embeddings by a trained encoder.
    Embedding,
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pretraining => "pre-training",
            Self::Finetuning => "fine-tuning",
            Self::FinetuningBySeeds => "fine-tuning with a list of seeds",
            Self::Embedding => "embeddings",
        })
    }
}

impl Purpose {
    /// Checks that every override of a configuration has an effect. The settings of a file may have none, since one file
    /// may serve several commands. The keys must be known.
    ///
    /// # Errors
    /// [`ConfigError::WithoutEffect`] or [`ConfigError::Hindered`] for the first setting without an effect.
    pub fn require_effect(self, config: &Config, overrides: &[Override]) -> Result<(), ConfigError> {
        for Override { name, key, value } in overrides {
            let (place, key, value) = (Place::Override(name), key.clone(), value.clone());
            if !self.uses(&key) {
                return Err(ConfigError::WithoutEffect { place, key, value, purpose: self });
            }
            if let Some(other) = self.hindrance(config, &key) {
                let other = format!("{other} = {}", config.value(other).unwrap_or_default());
                return Err(ConfigError::Hindered { place, key, value, other });
            }
        }
        Ok(())
    }

    /// Returns the setting beside which another one has no effect; `None` if it has one.
    pub(crate) fn hindrance(self, config: &Config, key: &str) -> Option<&'static str> {
        let is_finetuning = matches!(self, Self::Finetuning | Self::FinetuningBySeeds);
        if is_finetuning && key == "pretrain.method" && config.pretrain.method.model() != config.model.kind {
            // The recipe is the encoder's own.
            return Some("model.kind");
        }
        effect::hindrance(config, key)
    }

    /// Whether a setting has an effect.
    pub(super) fn uses(self, key: &str) -> bool {
        let section = key.split('.').next().unwrap_or_default();
        match self {
            Self::Pretraining => {
                section != "finetune" && !["noise.displacement", "noise.strain"].contains(&key)
            }
            Self::FinetuningBySeeds => key != "seed" && Self::Finetuning.uses(key),
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

    fn given(setting: &str) -> [Override; 1] {
        [Override::parse("--set", setting).expect("key=value")]
    }

    #[test]
    fn settings_without_an_effect_are_refused() {
        let require = |purpose: Purpose, setting: &str| {
            let config = Config::resolve(None, &[setting]).expect("a known setting");
            purpose.require_effect(&config, &given(setting)).map_err(|error| error.to_string())
        };
        let refused = |purpose, setting| require(purpose, setting).expect_err("no effect");
        assert_eq!(
            refused(Purpose::Finetuning, "pretrain.mmpt.labels = cell"),
            "--set: pretrain.mmpt.labels = cell: has no effect on fine-tuning"
        );
        for (purpose, setting) in [
            (Purpose::Finetuning, "data.validation=hash"),
            (Purpose::Finetuning, "run.select=train"),
            (Purpose::Pretraining, "finetune.head_width=8"),
            (Purpose::Pretraining, "noise.strain=0.01"),
            (Purpose::Embedding, "model.mmpt.hidden=8"),
            (Purpose::Embedding, "data.shuffle_buffer=8"),
            (Purpose::FinetuningBySeeds, "seed=8"),
            (Purpose::FinetuningBySeeds, "run.select=train"),
        ] {
            assert!(refused(purpose, setting).contains(": has no effect on "), "{setting}");
        }
        for setting in ["model.mmpt.hidden=8", "run.epochs=3", "data.batch_crystals=2", "seed=5"] {
            for purpose in [Purpose::Pretraining, Purpose::Finetuning] {
                require(purpose, setting).expect(setting);
            }
        }
        require(Purpose::Embedding, "data.workers=2").expect("it has one");
        assert_eq!(
            refused(Purpose::Pretraining, "optimiser.momentum=0.5"),
            "--set: optimiser.momentum = 0.5: has no effect with optimiser.kind = \"adam\""
        );
        assert_eq!(
            refused(Purpose::Finetuning, "model.schnet.interactions=2"),
            "--set: model.schnet.interactions = 2: has no effect with model.kind = \"mmpt\""
        );
    }

    #[test]
    fn a_method_has_a_recipe_for_its_encoder_alone() {
        let method = "pretrain.method=infograph";
        for (kind, has_effect) in [("cgcnn", true), ("schnet", false)] {
            let config = Config::resolve(None, &[method, &format!("model.kind={kind}")]).expect("settings");
            assert_eq!(Purpose::Finetuning.require_effect(&config, &given(method)).is_ok(), has_effect);
            assert!(Purpose::Pretraining.require_effect(&config, &given(method)).is_ok());
            let shown = config.settings_for(Purpose::Finetuning);
            assert_eq!(shown.iter().any(|(key, _)| key == "pretrain.method"), has_effect, "{kind}");
            assert!(!shown.iter().any(|(key, _)| key.starts_with("model.mmpt.")), "{kind}");
        }
    }
}
