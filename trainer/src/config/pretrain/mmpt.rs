//! Settings of MMPT's pre-training: labels, masks and decoders (specification, sections 2.4 and 5).

use serde::{Deserialize, Serialize};

use super::loss::LossConfig;
use crate::config::fault::WIDTH;
use crate::config::section::{Setting, section};
use crate::data::PeriodicLabels;

/// Distribution of the two masks of a crystal (specification, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Masking {
    /// The second mask is the complement of the first.
    Mutex,
    /// Both masks are drawn independently, each with half of the atoms. This is the ablation without mutex masks.
    Independent,
}

impl Setting for Masking {}
impl Setting for PeriodicLabels {}

section! {
    /// Settings of MMPT's pre-training: labels, masks, decoders and loss. The defaults are the paper's, or the
    /// specification's choices where the paper is silent.
    pub struct MmptPretrainConfig {
        /// Periodic-attribute labels: "centred" (the home cell is put around the centre atom, so that the cell's
        /// origin does not matter) or "cell" (as in the paper).
        pub labels: PeriodicLabels = PeriodicLabels::Centred;
        /// Masks of the two views: "mutex" (complements), "independent" (ablation without mutex masks).
        pub masking: Masking = Masking::Mutex;
        /// Width of the decoders' hidden layers.
        pub decoder_width: usize = 64, in WIDTH;
        /// Weights and forms of the loss terms.
        pub loss: LossConfig = LossConfig::default();
    }
}

impl MmptPretrainConfig {
    /// Returns the number of weights in the matrices of the three pair heads, each of which takes two atoms. The
    /// other decoders are not counted.
    pub(crate) fn decoder_numbers(&self, atoms: usize) -> f64 {
        const ATOMS_OF_HEADS: f64 = 6.0;
        ATOMS_OF_HEADS * atoms as f64 * self.decoder_width as f64
    }
}
