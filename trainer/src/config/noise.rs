//! Settings of the noise on crystals, weights and gradients.

use super::Config;
use super::fault::{NOT_NEGATIVE, Range, SHARE};
use super::model::ModelKind;
use super::section::section;

/// Allowed displacement along a coordinate, or its standard deviation, in Å. It ends at about half the length of a bond, beyond
/// which atoms change places.
pub(in crate::config) const DISPLACEMENT: Range<f64> =
    Range { holds: |length| (0.0..=1.0).contains(length), needed: "0 to 1 Å" };
/// Allowed standard deviation of the strain, a relative change of length. A larger strain could collapse a cell.
pub(in crate::config) const STRAIN: Range<f64> =
    Range { holds: |strain| (0.0..=0.2).contains(strain), needed: "0 to 0.2" };

section! {
    /// Noise while a model is trained. It is drawn by the seed anew for every crystal, batch or step. Validation is without.
    pub struct NoiseConfig {
        /// Standard deviation in Å of the noise on each Cartesian coordinate of an atom; 0 moves no atom. Only fine-tuning
        /// uses it.
        pub displacement: f64 = 0.0, in DISPLACEMENT;
        /// Standard deviation of the strain of the cell along an axis; 0 strains no cell. Only fine-tuning uses it.
        pub strain: f64 = 0.0, in STRAIN;
        /// Standard deviation of the noise on the weights that a batch is computed with, in units of the root mean square of
        /// their matrix or vector.
        pub weights: f64 = 0.0, in SHARE;
        /// Standard deviation of the noise on the gradients of the first step, in units of the root mean square over their
        /// matrix or vector.
        pub gradient: f64 = 0.0, in NOT_NEGATIVE;
        /// Exponent γ of the fall of the noise on gradients: after t steps it is smaller by the factor (1 + t)^-γ.
        pub gradient_decay: f64 = 0.275, in NOT_NEGATIVE;
    }
}

impl NoiseConfig {
    /// Whether there is noise on the crystals of a fine-tuning.
    pub fn moves_crystals(&self) -> bool {
        self.displacement > 0.0 || self.strain > 0.0
    }
}

impl Config {
    /// Whether a fine-tuning learns the noise on its crystals beside the property. MMPT's encoder alone can.
    pub fn learns_noise(&self) -> bool {
        self.finetune.noise_weight > 0.0
            && self.noise.moves_crystals()
            && self.model.kind == ModelKind::Mmpt
            && !self.finetune.freeze_encoder
    }
}
