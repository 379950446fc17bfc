//! What standardises the lattice encoder's input (specification, section 4.4).

/// Mean and standard deviation of a, b, c (Å) and alpha, beta, gamma (degrees).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatticeStatistics {
    /// Means.
    pub mean: [f64; 6],
    /// Standard deviations of the population, at least 1e-3.
    pub std: [f64; 6],
}

impl Default for LatticeStatistics {
    /// Typical inorganic crystals, for weights that do not say what they were trained on; the
    /// reference numbers were made with these.
    fn default() -> Self {
        Self { mean: [4.9, 5.6, 8.0, 89.0, 86.0, 86.0], std: [1.3, 1.5, 4.1, 19.0, 16.0, 19.0] }
    }
}
