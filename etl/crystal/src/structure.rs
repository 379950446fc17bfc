//! A crystal as it is read.

/// Farthest that a site may lie from the origin, in cells. A double that far out still tells places in a cell
/// apart that are 2e-10 of an edge from each other; whatever is farther was never a position.
pub(crate) const FARTHEST_CELL: f64 = 1_048_576.0;

/// Atoms in a cell, as every reader gives them.
///
/// Row-vector convention (specification, section 1): a Cartesian position is `x = f · L`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Structure {
    /// Rows are the cell vectors l1, l2, l3, in Å.
    pub lattice: [[f64; 3]; 3],
    /// Fractional coordinates of every site, shape `[nsites, 3]`, as read (not wrapped).
    pub fractional: Vec<[f64; 3]>,
    /// Atomic number of every site, 1..=118, shape `[nsites]`.
    pub atomic_numbers: Vec<u8>,
}

impl Structure {
    /// Removes all sites and keeps the allocations.
    pub fn clear(&mut self) {
        self.lattice = [[0.0; 3]; 3];
        self.fractional.clear();
        self.atomic_numbers.clear();
    }
}
