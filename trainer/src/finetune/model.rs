//! The model that fine-tuning trains: that of the property, and heads for the noise on its crystals if that is learnt.

use burn::prelude::*;

use crate::model::PropertyModel;
use crate::pretrain::denoise::heads::NoiseHeads;

/// The model of a property, with heads for the noise on crystals where that is learnt, too.
#[derive(Module, Debug)]
pub struct FinetuneModel {
    /// The model that is kept.
    pub property: PropertyModel,
    /// Heads for the noise.
    pub noise: Option<NoiseHeads>,
}

impl From<PropertyModel> for FinetuneModel {
    fn from(property: PropertyModel) -> Self {
        Self { property, noise: None }
    }
}
