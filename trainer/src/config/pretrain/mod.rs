//! How a model is pre-trained.
//!
//! * [`mmpt`]: MMPT's masked views and labels
//! * [`loss`]: the terms of its loss
//!
//! Every method has a section of its own, called like the method.

pub mod loss;
pub mod mmpt;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};
use super::section::{Setting, section};

pub use loss::LossConfig;
pub use mmpt::{Masking, MmptPretrainConfig};

/// The pre-trainings there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodKind {
    /// Masked atoms, the agreement of two views and periodic attributes.
    Mmpt,
}

impl Setting for MethodKind {}

impl MethodKind {
    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Mmpt => "Mutex masked pre-training for crystals",
        }
    }
}

section! {
    /// The pre-training and its settings.
    pub struct PretrainConfig {
        /// The pre-training: "mmpt". Sections of other methods have no effect.
        pub method: MethodKind = MethodKind::Mmpt;
        /// Labels, masks and decoders of MMPT's pre-training.
        pub mmpt: MmptPretrainConfig = MmptPretrainConfig::default();
    }
}

impl PretrainConfig {
    /// Lower bound on the numbers in the weights of the method's decoders on an encoder whose atoms have vectors of
    /// width `atoms`.
    pub(crate) fn least_numbers(&self, atoms: usize) -> f64 {
        match self.method {
            MethodKind::Mmpt => self.mmpt.decoder_numbers(atoms),
        }
    }

    /// What weights must agree in to be used for one another: everything but the loss, which says how they came
    /// about.
    pub fn of_weights(&self) -> Self {
        let mut settings = self.clone();
        settings.mmpt.loss = LossConfig::default();
        settings
    }

    /// The first setting out of its range, as `key = value: must be what is needed`.
    pub(crate) fn fault(&self) -> Option<String> {
        let mut faults = Faults::default();
        self.check("pretrain", &mut faults);
        faults.0.as_ref().map(Fault::to_string)
    }

    /// Notes the first setting that does not fit the others.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        match self.method {
            MethodKind::Mmpt => self.mmpt.loss.check_relations(faults),
        }
    }
}
