//! Why a lattice has no Niggli cell.

use crate::number::significant;

/// A lattice that cannot be reduced.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NiggliError {
    /// A component of a cell vector is infinite or not a number.
    #[error("cell vector {row} has the component {value}")]
    NonFiniteLattice {
        /// Which cell vector, 0..3.
        row: usize,
        /// The component.
        value: f64,
    },
    /// The cell vectors span no volume, or one that no crystal can have.
    #[error(
        "the cell is degenerate: volume {} Å³, shortest lattice vector {} Å",
        significant(*.volume), significant(*.shortest)
    )]
    DegenerateLattice {
        /// Volume in Å³.
        volume: f64,
        /// Length of the shortest lattice vector met, in Å.
        shortest: f64,
    },
    /// The Niggli reduction did not end.
    #[error("the Niggli reduction did not converge in {steps} steps (volume {} Å³)", significant(*.volume))]
    NotConverged {
        /// Steps taken.
        steps: usize,
        /// Volume of the cell in Å³.
        volume: f64,
    },
    /// The given basis is so skewed that the change of basis has no 32-bit entries.
    #[error("the cell is too skewed: its Niggli transformation needs the entry {entry}")]
    TransformOverflow {
        /// The entry that does not fit.
        entry: i64,
    },
}

impl NiggliError {
    /// Short stable name of the kind of error, in snake_case.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::NonFiniteLattice { .. } => "non_finite_lattice",
            Self::DegenerateLattice { .. } => "degenerate_lattice",
            Self::NotConverged { .. } => "niggli_not_converged",
            Self::TransformOverflow { .. } => "transform_overflow",
        }
    }
}
