//! What the features depend on beside the crystal.

use crate::niggli;

/// Largest cutoff, in Å: ten times what any potential of crystals takes.
pub const MAX_CUTOFF_ANGSTROM: f64 = 100.0;
/// Most nearest neighbours kept for each centre atom, those that tie with the last one not counted.
pub const MAX_NEIGHBOURS: usize = 1024;
/// Most edges of a crystal: 87,000 sites with twelve neighbours.
pub const MAX_EDGES: usize = 1 << 20;
/// Two sites at or below this distance coincide and are not neighbours (specification, section 2.2), in Å.
pub const MINIMUM_EDGE_DISTANCE_ANGSTROM: f64 = 1e-8;

/// What happens to neighbours that tie with the last one kept (specification, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ties {
    /// Keep the whole shell of the last neighbour: invariant under the choice of cell.
    #[default]
    Shell,
    /// Keep exactly the first [`FeatureOptions::neighbours`] in the canonical order.
    Cut,
}

/// Everything the features depend on beside the crystal itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureOptions {
    /// Radius of the neighbour search in Å, 8 by default.
    pub cutoff_angstrom: f64,
    /// Nearest neighbours kept for each centre atom, 12 by default.
    pub neighbours: usize,
    /// Rule for neighbours that tie with the last one kept.
    pub ties: Ties,
    /// Neighbours whose distances chain with gaps up to this belong to one shell. In Å, 1e-4 by default.
    pub tie_tolerance_angstrom: f64,
    /// Fractional coordinates at or above `1 - this` are wrapped to just below zero. 1e-6 by default.
    pub wrap_tolerance: f64,
    /// Tolerance of the Niggli reduction relative to `V^(2/3)`, [`niggli::DEFAULT_EPSILON`] by default.
    pub niggli_epsilon: f64,
    /// A centred label is 0 along an axis where the fractional displacement is at most `1/2 + this`. 1e-4 by
    /// default.
    pub centred_tolerance: f64,
}

impl Default for FeatureOptions {
    fn default() -> Self {
        Self {
            cutoff_angstrom: 8.0,
            neighbours: 12,
            ties: Ties::default(),
            tie_tolerance_angstrom: 1e-4,
            wrap_tolerance: 1e-6,
            niggli_epsilon: niggli::DEFAULT_EPSILON,
            centred_tolerance: 1e-4,
        }
    }
}
