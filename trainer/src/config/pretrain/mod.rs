//! Settings of pre-training.
//!
//! * [`mmpt`]: masked views and labels of MMPT
//! * [`loss`]: loss terms of MMPT
//! * [`crystal_twins`]: views and projector of Crystal Twins
//! * [`denoise`]: noise and heads of denoising
//!
//! Every method with settings has a section that is named like it.

pub mod crystal_twins;
pub mod denoise;
pub mod loss;
pub mod mmpt;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};
use super::model::{ModelConfig, ModelKind};
use super::section::{Setting, section};

pub use crystal_twins::CrystalTwinsConfig;
pub use denoise::DenoiseConfig;
pub use loss::LossConfig;
pub use mmpt::{Masking, MmptPretrainConfig};

/// The pre-trainings there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MethodKind {
    /// MMPT: masked atoms, the agreement of two views, and periodic attributes.
    Mmpt,
    /// Crystal Twins: the agreement of two augmented views.
    CrystalTwins,
    /// InfoGraph: the mutual information of atoms and crystals.
    #[serde(rename = "infograph")]
    InfoGraph,
    /// Denoising: the noise on atoms and cells.
    Denoise,
    /// MMPT on crystals with noise, together with denoising.
    #[serde(rename = "mmpt+denoise")]
    MmptDenoise,
}

impl Setting for MethodKind {}

impl MethodKind {
    /// All methods.
    pub const ALL: [Self; 5] =
        [Self::Mmpt, Self::CrystalTwins, Self::InfoGraph, Self::Denoise, Self::MmptDenoise];

    /// Returns a description in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Mmpt => "Mutex masked pre-training for crystals",
            Self::CrystalTwins => "Crystal Twins, the agreement of two views of a crystal",
            Self::InfoGraph => "InfoGraph, the mutual information of atoms and their crystal",
            Self::Denoise => "Denoising of the atoms and cells of crystals",
            Self::MmptDenoise => {
                "Mutex masked pre-training for crystals with denoising of their atoms and cells"
            }
        }
    }

    /// Returns the word for it in a configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mmpt => "mmpt",
            Self::CrystalTwins => "crystal-twins",
            Self::InfoGraph => "infograph",
            Self::Denoise => "denoise",
            Self::MmptDenoise => "mmpt+denoise",
        }
    }

    /// Returns what its models hold besides the encoder.
    pub fn decoders(self) -> &'static str {
        match self {
            Self::Mmpt => "decoders",
            Self::CrystalTwins => "projector",
            Self::InfoGraph => "discriminators",
            Self::Denoise => "heads for the noise",
            Self::MmptDenoise => "decoders and heads for the noise",
        }
    }

    /// Returns the kind of encoder that it trains.
    pub fn model(self) -> ModelKind {
        match self {
            Self::Mmpt | Self::Denoise | Self::MmptDenoise => ModelKind::Mmpt,
            Self::CrystalTwins | Self::InfoGraph => ModelKind::Cgcnn,
        }
    }
}

section! {
    /// The pre-training and its settings.
    pub struct PretrainConfig {
        /// The pre-training: "mmpt", "crystal-twins", "infograph", "denoise" or "mmpt+denoise". Sections of
        /// other methods have no effect.
        pub method: MethodKind = MethodKind::Mmpt;
        /// Labels, masks and decoders of MMPT's pre-training.
        pub mmpt: MmptPretrainConfig = MmptPretrainConfig::default();
        /// Views and projector of Crystal Twins.
        pub crystal_twins: CrystalTwinsConfig = CrystalTwinsConfig::default();
        /// Noise and heads of denoising.
        pub denoise: DenoiseConfig = DenoiseConfig::default();
    }
}

impl PretrainConfig {
    /// Returns a lower bound of the number of weights besides those of the encoder.
    pub(crate) fn least_numbers(&self, model: &ModelConfig) -> f64 {
        match self.method {
            MethodKind::Mmpt => self.mmpt.decoder_numbers(model.widths().atoms),
            MethodKind::CrystalTwins => self.crystal_twins.projector_numbers(model.cgcnn.crystal_width),
            MethodKind::InfoGraph => {
                const MATRICES: f64 = 8.0;
                let width = model.cgcnn.convolutions as f64 * model.cgcnn.atom_width as f64;
                MATRICES * width * width
            }
            MethodKind::Denoise => self.denoise.head_numbers(model.widths().atoms),
            MethodKind::MmptDenoise => {
                let atoms = model.widths().atoms;
                self.mmpt.decoder_numbers(atoms) + self.denoise.head_numbers(atoms)
            }
        }
    }

    /// Returns the settings in which two models must agree to exchange weights: all but those of the loss and of
    /// augmentations, which are the default's.
    pub fn of_weights(&self) -> Self {
        let mut settings = self.clone();
        settings.mmpt.loss = LossConfig::default();
        settings.crystal_twins = self.crystal_twins.of_weights();
        settings.denoise = self.denoise.of_weights();
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
            MethodKind::Denoise => self.denoise.check_relations(faults),
            MethodKind::MmptDenoise => {
                self.mmpt.loss.check_relations(faults);
                self.denoise.check_relations(faults);
                faults.unless(
                    !self.denoise.hides_types(),
                    "pretrain.denoise.hidden_types",
                    self.denoise.hidden_types,
                    "0 with the method \"mmpt+denoise\": its masks hide types already",
                );
            }
            MethodKind::CrystalTwins | MethodKind::InfoGraph => {}
        }
    }
}
