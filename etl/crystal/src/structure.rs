//! The crystal structure that readers return.

/// Largest absolute fractional coordinate that is accepted. A double of this size still resolves 2e-10 of a cell
/// edge; larger values are not meaningful positions.
pub(crate) const FARTHEST_CELL: f64 = 1_048_576.0;

/// A unit cell and the atoms in it.
///
/// Coordinates are row vectors (specification, section 1): a Cartesian position is `x = f · L`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Structure {
    /// Lattice matrix L in Å. The rows are the lattice vectors l1, l2, l3.
    pub lattice: [[f64; 3]; 3],
    /// Fractional coordinates of every site, shape `[nsites, 3]`. They are not wrapped into the unit cell.
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
