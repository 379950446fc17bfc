//! Statistics that standardise the input of the lattice encoder (specification, section 4.4).

/// Mean and standard deviation of the lattice parameters a, b, c in Å and alpha, beta, gamma in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatticeStatistics {
    /// Means.
    pub mean: [f64; 6],
    /// Population standard deviations, at least 1e-3.
    pub std: [f64; 6],
}

impl Default for LatticeStatistics {
    /// Statistics of typical inorganic crystals, for weights without a description. The reference numbers were
    /// computed with them.
    fn default() -> Self {
        Self { mean: [4.9, 5.6, 8.0, 89.0, 86.0, 86.0], std: [1.3, 1.5, 4.1, 19.0, 16.0, 19.0] }
    }
}
