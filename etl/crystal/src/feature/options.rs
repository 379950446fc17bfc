//! Options of computing features.

use crate::niggli;

/// Largest cutoff in Å. It is ten times the usual cutoff of interatomic potentials. A larger cutoff is reduced to it.
pub const MAX_CUTOFF_ANGSTROM: f64 = 100.0;
/// Largest number of nearest neighbours kept for each centre site. Neighbours that tie with the last one are not
/// counted.
pub const MAX_NEIGHBOURS: usize = 1024;
/// Largest number of edges of a crystal. 87,000 sites with twelve neighbours each reach it.
pub const MAX_EDGES: usize = 1 << 20;
/// Largest distance, in Å, at which two sites coincide and are not neighbours (specification, section 2.2).
pub const MINIMUM_EDGE_DISTANCE_ANGSTROM: f64 = 1e-8;

/// Rule for neighbours that tie with the last one kept (specification, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ties {
    /// Keep the whole shell of the last neighbour. The result does not depend on the choice of unit cell.
    #[default]
    Shell,
    /// Keep exactly the number of [`FeatureOptions::neighbours`], the first in the canonical order.
    Cut,
}

/// Which of the neighbours within the cutoff are kept (specification, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Neighbours {
    /// This number of nearest ones, and those of the last shell that the rule for ties adds.
    Nearest(usize),
    /// All of them. No two tie for the last place, and every edge has its reverse.
    All,
}

impl Neighbours {
    /// Returns the number of neighbours at which the selection ends: [`usize::MAX`] for all.
    #[inline]
    pub(crate) fn wanted(self) -> usize {
        match self {
            Self::Nearest(number) => number,
            Self::All => usize::MAX,
        }
    }
}

/// All options that the features depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureOptions {
    /// Cutoff radius of the neighbour list in Å, 8 by default (specification, section 2.2).
    pub cutoff_angstrom: f64,
    /// Neighbours kept for each centre site, the 12 nearest by default.
    pub neighbours: Neighbours,
    /// Rule for neighbours that tie with the last one kept.
    pub ties: Ties,
    /// Largest gap between successive distances within one shell, in Å, 1e-4 by default.
    pub tie_tolerance_angstrom: f64,
    /// Fractional coordinates of at least 1 minus this tolerance are wrapped to just below zero. 1e-6 by default.
    pub wrap_tolerance: f64,
    /// Tolerance of the Niggli reduction relative to `V^(2/3)`, [`niggli::DEFAULT_EPSILON`] by default.
    pub niggli_epsilon: f64,
    /// A centred label is 0 along an axis if the absolute fractional displacement is at most 1/2 plus this tolerance.
    /// 1e-4 by default.
    pub centred_tolerance: f64,
}

impl Default for FeatureOptions {
    fn default() -> Self {
        Self {
            cutoff_angstrom: 8.0,
            neighbours: Neighbours::Nearest(12),
            ties: Ties::default(),
            tie_tolerance_angstrom: 1e-4,
            wrap_tolerance: 1e-6,
            niggli_epsilon: niggli::DEFAULT_EPSILON,
            centred_tolerance: 1e-4,
        }
    }
}
