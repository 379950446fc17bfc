//! Settings of the pre-training by denoising.

use crate::config::fault::{Faults, NOT_NEGATIVE, Range, WIDTH};
use crate::config::section::section;

/// Allowed standard deviation of the noise on a coordinate, in Å. Larger noise would move atoms past their neighbours.
const DISPLACEMENT: Range<f64> = Range { holds: |length| (0.0..=1.0).contains(length), needed: "0 to 1 Å" };
/// Allowed standard deviation of the strain, without a unit. Larger strains would fold cells flat.
const STRAIN: Range<f64> = Range { holds: |strain| (0.0..=0.2).contains(strain), needed: "0 to 0.2" };

section! {
    /// Settings of denoising: the noise on a crystal and the heads that predict it.
    pub struct DenoiseConfig {
        /// Standard deviation in Å of the noise on each Cartesian coordinate of an atom; 0 moves no atom.
        pub displacement: f64 = 0.05, in DISPLACEMENT;
        /// Standard deviation of the strain of the cell along an axis; 0 strains no cell.
        pub strain: f64 = 0.02, in STRAIN;
        /// Weight of the loss of the strain; that of the displacements has the weight 1.
        pub strain_weight: f64 = 1.0, in NOT_NEGATIVE;
        /// Weight of both together beside the loss of MMPT, with the method "mmpt+denoise". With 0 the noise is an
        /// augmentation alone, and the heads stay as they are.
        pub weight: f64 = 1.0, in NOT_NEGATIVE;
        /// Width of the hidden layer of both heads.
        pub head_width: usize = 64, in WIDTH;
    }
}

impl DenoiseConfig {
    /// Returns the number of weights in the matrices of the heads on both atoms of an edge.
    pub(crate) fn head_numbers(&self, atoms: usize) -> f64 {
        const ATOMS_OF_HEADS: f64 = 4.0;
        ATOMS_OF_HEADS * atoms as f64 * self.head_width as f64
    }

    /// Returns the settings in which two models must agree to exchange weights: the width of the heads.
    pub(super) fn of_weights(&self) -> Self {
        Self { head_width: self.head_width, ..Self::default() }
    }

    /// Records noise on nothing, and a loss of nothing.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        faults.unless(
            self.displacement > 0.0 || self.strain > 0.0,
            "pretrain.denoise.displacement",
            self.displacement,
            "greater than 0 where pretrain.denoise.strain = 0: there is no noise",
        );
        faults.unless(
            self.displacement > 0.0 || self.strain_weight > 0.0,
            "pretrain.denoise.strain_weight",
            self.strain_weight,
            "greater than 0 where pretrain.denoise.displacement = 0: there is nothing to learn",
        );
    }
}
