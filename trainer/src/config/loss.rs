//! Weights and forms of the loss terms (specification, section 6). A term of weight 0 is not computed.

use serde::{Deserialize, Serialize};

/// How the error of a predicted number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Error {
    /// `|prediction - target|`
    Absolute,
    /// `(prediction - target)²`
    Squared,
}

/// What the agreement of the two views is measured on (specification, section 6, L_BT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Samples {
    /// The atoms of the batch.
    Atoms,
    /// The crystals of the batch, each the mean of its atoms.
    Crystals,
}

/// A classification term.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// Factor of the term in the sum.
    pub weight: f64,
}

/// A regression term.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// Factor of the term in the sum.
    pub weight: f64,
    /// How an error counts.
    pub error: Error,
}

/// The Barlow Twins term between the two views.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarlowTwins {
    /// Factor of the term in the sum.
    pub weight: f64,
    /// λ, the factor of the off-diagonal elements.
    pub off_diagonal: f64,
    /// Whether the columns are centred before they are correlated.
    pub centred: bool,
    /// Samples of the correlation.
    pub samples: Samples,
}

/// The terms of Eq. 7 with their weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// L_A: types of the masked atoms.
    pub atom: Classification,
    /// L_X: distances of the masked atoms from the crystal's centre, in Å.
    pub coordinate: Regression,
    /// L_L: standardised lattice parameters.
    pub lattice: Regression,
    /// L_BT: agreement of the two views.
    pub contrast: BarlowTwins,
    /// L_Die: direction of every edge.
    pub direction: Classification,
    /// L_Unit: whether an edge stays in its cell.
    pub same_cell: Classification,
    /// L_Dis: length of every edge, in Å.
    pub distance: Regression,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            atom: Classification { weight: 5.0 },
            coordinate: Regression { weight: 1.0, error: Error::Absolute },
            lattice: Regression { weight: 1.0, error: Error::Squared },
            contrast: BarlowTwins {
                weight: 0.5,
                off_diagonal: 0.0051,
                centred: true,
                samples: Samples::Atoms,
            },
            direction: Classification { weight: 1.0 },
            same_cell: Classification { weight: 1.0 },
            distance: Regression { weight: 1.0, error: Error::Absolute },
        }
    }
}

/// Periodic-attribute learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct PalConfig {
    /// Which direction and same-cell labels are predicted (specification, section 2.4).
    pub labels: crate::data::PeriodicLabels,
}
