//! The uses of a configuration, and the settings that have an effect on each.

use std::fmt;

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
