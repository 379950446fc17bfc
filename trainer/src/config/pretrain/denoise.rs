//! Settings of the pre-training by denoising.

use crate::config::fault::{BELOW_ONE, Faults, NOT_NEGATIVE, WIDTH};
use crate::config::noise::{DISPLACEMENT, STRAIN};
use crate::config::section::section;

section! {
    /// Settings of denoising: the noise on a crystal and the heads that predict it.
    pub struct DenoiseConfig {
        /// Standard deviation in Å of the noise on each Cartesian coordinate of an atom; 0 moves no atom.
        pub displacement: f64 = 0.05, in DISPLACEMENT;
        /// Standard deviation of the strain of the cell along an axis; 0 strains no cell.
        pub strain: f64 = 0.02, in STRAIN;
        /// Weight of the loss of the strain; that of the displacements has the weight 1.
        pub strain_weight: f64 = 1.0, in NOT_NEGATIVE;
        /// Share of the atoms whose types the encoder does not see, and a further head predicts; 0 hides none.
        pub hidden_types: f64 = 0.0, in BELOW_ONE;
        /// Weight of the loss of the hidden types, in nats.
        pub type_weight: f64 = 1.0, in NOT_NEGATIVE;
        /// Weight of both together beside the loss of MMPT, with the method "mmpt+denoise". With 0 the noise is an
        /// augmentation alone, and the heads stay as they are.
        pub weight: f64 = 1.0, in NOT_NEGATIVE;
        /// Width of the hidden layer of the heads.
        pub head_width: usize = 64, in WIDTH;
    }
}

impl DenoiseConfig {
    /// Returns the number of weights in the matrices of the heads on both atoms of an edge.
    pub(crate) fn head_numbers(&self, atoms: usize) -> f64 {
        const ATOMS_OF_HEADS: f64 = 4.0;
        ATOMS_OF_HEADS * atoms as f64 * self.head_width as f64
    }

    /// Whether there is a head for the types of atoms.
    pub fn hides_types(&self) -> bool {
        self.hidden_types > 0.0
    }

    /// Returns the settings that must be equal for a model to take the weights of another: the width of the heads, and
    /// whether there is a head for the types of atoms.
    pub(super) fn of_weights(&self) -> Self {
        /// Stands for any share.
        const SOME: f64 = 0.5;
        let hidden_types = if self.hides_types() { SOME } else { 0.0 };
        Self { head_width: self.head_width, hidden_types, ..Self::default() }
    }

    /// Records noise on nothing, and a loss of nothing.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        faults.unless(
            self.displacement > 0.0 || self.strain > 0.0 || self.hides_types(),
            "pretrain.denoise.displacement",
            self.displacement,
            "greater than 0 where pretrain.denoise.strain = 0 and pretrain.denoise.hidden_types = 0: there is no noise",
        );
        let learns_strain = self.strain > 0.0 && self.strain_weight > 0.0;
        let learns_types = self.hides_types() && self.type_weight > 0.0;
        faults.unless(
            self.displacement > 0.0 || learns_strain || learns_types,
            "pretrain.denoise.displacement",
            self.displacement,
            "greater than 0 where neither strains nor types have a weight above 0: there is nothing to learn",
        );
    }
}
