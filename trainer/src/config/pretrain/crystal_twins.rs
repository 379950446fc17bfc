//! Settings of Crystal Twins' pre-training.

use crate::config::fault::{NOT_NEGATIVE, SHARE, WIDTH};
use crate::config::noise::DISPLACEMENT;
use crate::config::section::section;

section! {
    /// Settings of Crystal Twins (Magar et al. 2022) with the Barlow Twins loss: its two views and its projector. The
    /// defaults are those of its published code.
    pub struct CrystalTwinsConfig {
        /// Share of a crystal's atoms that a view masks, rounded down, but at least one atom.
        pub atom_share: f64 = 0.1, in SHARE;
        /// Share of an atom's edges that a view masks, rounded down.
        pub edge_share: f64 = 0.1, in SHARE;
        /// Largest distance in Å by which a view moves an atom; 0 moves none. The neighbours are found anew.
        pub perturb: f64 = 0.0, in DISPLACEMENT;
        /// Width of the projection that the loss compares.
        pub output_width: usize = 256, in WIDTH;
        /// λ, factor of the off-diagonal elements in the loss.
        pub off_diagonal: f64 = 0.0051, in NOT_NEGATIVE;
    }
}

impl CrystalTwinsConfig {
    /// Returns the number of weights in the projector's matrices on crystal embeddings of the width `crystals`.
    pub(crate) fn projector_numbers(&self, crystals: usize) -> f64 {
        let crystals = crystals as f64;
        crystals * (crystals + self.output_width as f64)
    }

    /// Returns the settings in which two models must agree to exchange weights: the width of the projection.
    pub(super) fn of_weights(&self) -> Self {
        Self { output_width: self.output_width, ..Self::default() }
    }
}
