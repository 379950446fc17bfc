//! Settings of MMPT's loss terms (specification, section 6). A term of weight 0 is not computed.

use serde::{Deserialize, Serialize};

use crate::config::fault::{Faults, NOT_NEGATIVE};
use crate::config::section::{Setting, section};

/// Error function of a regression term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Error {
    /// `|prediction - target|`
    Absolute,
    /// `(prediction - target)²`
    Squared,
}

impl Setting for Error {}

/// Samples of the Barlow Twins loss (specification, section 6, L_BT; <https://arxiv.org/abs/2103.03230>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Samples {
    /// The atoms of the batch.
    Atoms,
    /// The crystals of the batch. Each is the mean of its atoms.
    Crystals,
}

impl Setting for Samples {}

section! {
    /// A classification term.
    pub struct Classification {
        /// Factor of the term in the sum; a term of weight 0 is not computed.
        pub weight: f64 = 1.0, in NOT_NEGATIVE;
    }
}

section! {
    /// A regression term.
    pub struct Regression {
        /// Factor of the term in the sum.
        pub weight: f64 = 1.0, in NOT_NEGATIVE;
        /// How an error counts: "absolute" or "squared".
        pub error: Error = Error::Absolute;
    }
}

section! {
    /// The Barlow Twins term between the two views.
    pub struct BarlowTwins {
        /// Factor of the term in the sum.
        pub weight: f64 = 0.5, in NOT_NEGATIVE;
        /// λ, factor of the off-diagonal elements.
        pub off_diagonal: f64 = 0.0051, in NOT_NEGATIVE;
        /// Whether columns are centred before they are correlated.
        pub centred: bool = true;
        /// Samples of the correlation: "atoms" or "crystals" (each the mean of its atoms).
        pub samples: Samples = Samples::Atoms;
    }
}

/// Passes the terms of Eq. 7 to another macro, in order: the meaning of a term, its name, its settings and their
/// defaults. The file of its name in `pretrain/mmpt/loss` computes it.
macro_rules! terms {
    ($then:ident) => {
        $then! {
            /// L_A, types of masked atoms (cross entropy).
            atom: Classification = Classification { weight: 5.0 };
            /// L_X, distances of masked atoms from the crystal's centre, in Å.
            coordinate: Regression = Regression::default();
            /// L_L, standardised lattice parameters.
            lattice: Regression = Regression { error: Error::Squared, ..Regression::default() };
            /// L_BT, agreement of the two views (Barlow Twins).
            contrast: BarlowTwins = BarlowTwins::default();
            /// L_Die, direction of every edge (cross entropy).
            direction: Classification = Classification::default();
            /// L_Unit, whether an edge stays in its cell (cross entropy).
            same_cell: Classification = Classification::default();
            /// L_Dis, length of every edge, in Å.
            distance: Regression = Regression::default();
        }
    };
}
pub(crate) use terms;

/// Declares the settings of the terms.
macro_rules! settings {
    ($($(#[doc = $about:literal])* $term:ident: $settings:ty = $default:expr;)*) => {
        section! {
            /// The terms of Eq. 7 with their weights.
            pub struct LossConfig {
                $($(#[doc = $about])* pub $term: $settings = $default;)*
            }
        }

        impl LossConfig {
            /// Returns the weights of the terms in order.
            pub(crate) fn weights(&self) -> impl Iterator<Item = f64> {
                [$(self.$term.weight),*].into_iter()
            }
        }
    };
}
terms!(settings);

impl LossConfig {
    /// Records a fault if all weights are zero.
    pub(super) fn check_relations(&self, faults: &mut Faults) {
        faults.unless(
            self.weights().any(|weight| weight > 0.0),
            "pretrain.mmpt.loss.atom.weight",
            self.atom.weight,
            "greater than 0 where every other term's weight is 0",
        );
    }
}
