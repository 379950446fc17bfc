//! Errors of the Niggli reduction.

use crate::number::significant;

/// An error of a lattice that cannot be reduced.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NiggliError {
    /// A component of a lattice vector is infinite or NaN.
    #[error("cell vector {row} has the component {value}")]
    NonFiniteLattice {
        /// Index of the lattice vector, 0..3.
        row: usize,
        /// The component.
        value: f64,
    },
    /// The lattice vectors are linearly dependent, or the unit cell is too small for a crystal.
    #[error(
        "the cell is degenerate: volume {} Å³, shortest lattice vector {} Å",
        significant(*.volume), significant(*.shortest)
    )]
    DegenerateLattice {
        /// Volume in Å³.
        volume: f64,
        /// Length of the shortest lattice vector found, in Å.
        shortest: f64,
    },
    /// The reduction did not terminate.
    #[error("the Niggli reduction did not converge in {steps} steps (volume {} Å³)", significant(*.volume))]
    NotConverged {
        /// Number of steps taken.
        steps: usize,
        /// Volume of the cell in Å³.
        volume: f64,
    },
    /// The given basis is so skewed that an entry of the change of basis exceeds 32 bits.
    #[error("the cell is too skewed: its Niggli transformation needs the entry {entry}")]
    TransformOverflow {
        /// The entry that does not fit.
        entry: i64,
    },
}

impl NiggliError {
    /// Returns a short stable name of the kind of error in snake_case.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::NonFiniteLattice { .. } => "non_finite_lattice",
            Self::DegenerateLattice { .. } => "degenerate_lattice",
            Self::NotConverged { .. } => "niggli_not_converged",
            Self::TransformOverflow { .. } => "transform_overflow",
        }
    }
}
