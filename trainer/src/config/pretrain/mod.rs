//! Settings of pre-training.
//!
//! * [`mmpt`]: masked views and labels of MMPT
//! * [`loss`]: loss terms of MMPT
//!
//! Every method has a section that is named like it.

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
    /// MMPT: masked atoms, the agreement of two views, and periodic attributes.
    Mmpt,
}

impl Setting for MethodKind {}

impl MethodKind {
    /// Returns a description in a few words.
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
    /// Returns a lower bound of the number of the decoders' weights, on an encoder whose atom embeddings have the
    /// width `atoms`.
    pub(crate) fn least_numbers(&self, atoms: usize) -> f64 {
        match self.method {
            MethodKind::Mmpt => self.mmpt.decoder_numbers(atoms),
        }
    }

    /// Returns the settings in which two models must agree to exchange weights: all but those of the loss, which are
    /// the default's.
    pub fn of_weights(&self) -> Self {
        let mut settings = self.clone();
        settings.mmpt.loss = LossConfig::default();
        settings
    }

    /// Returns the first setting out of its range, as `key = value: must be <needed>`.
    pub(crate) fn fault(&self) -> Option<String> {
        let mut faults = Faults::default();
        self.check("pretrain", &mut faults);
        faults.0.as_ref().map(Fault::to_string)
    }

    /// Records the first setting that does not fit the others.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        match self.method {
            MethodKind::Mmpt => self.mmpt.loss.check_relations(faults),
        }
    }
}
