//! Symmetry operations, their text form, the operations of a space group given by a symbol or number, and the space group
//! of a crystal.

mod group;
mod operation;
mod space_group;
mod symbols;
mod tables;

pub use group::{MAX_OPERATIONS, closure, group_of, without_duplicates};
pub use operation::{OperationError, SymmetryOperation};
pub use space_group::{SpaceGroup, space_group_of};
pub use symbols::{
    operations_of_hall_symbol, operations_of_hermann_mauguin_symbol, operations_of_number,
    settings_of_hermann_mauguin_symbol, settings_of_number,
};

use crate::math::Matrix3;

/// Metric tensor `G = L · Lᵀ` of a lattice with rows l1, l2, l3, in Å².
pub type Metric = Matrix3;

/// Largest relative misfit of a metric tensor at which a rotation counts as a symmetry of the unit cell.
///
/// Published cell parameters are accurate to 1e-4, whereas a wrong choice of axes causes far larger misfits.
const METRIC_TOLERANCE: f64 = 0.02;

/// Whether every operation maps the lattice onto itself: `Rᵀ G R = G` within 2 % of the product of the lengths
/// involved.
pub fn fits_cell(operations: &[SymmetryOperation], metric: &Metric) -> bool {
    operations.iter().all(|operation| {
        if operation.rotation == SymmetryOperation::IDENTITY.rotation {
            return true;
        }
        let rotation = operation.rotation.map(|row| row.map(f64::from));
        (0..3).all(|i| {
            (0..3).all(|j| {
                let mut rotated = 0.0;
                for (k, row) in rotation.iter().enumerate() {
                    for (l, other) in rotation.iter().enumerate() {
                        rotated += row[i] * metric[k][l] * other[j];
                    }
                }
                (rotated - metric[i][j]).abs() <= METRIC_TOLERANCE * (metric[i][i] * metric[j][j]).sqrt()
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hexagonal_group_needs_a_hexagonal_cell() {
        let operations = operations_of_hall_symbol("P 6").expect("a group");
        let half = -0.5 * 9.0;
        assert!(fits_cell(&operations, &[[9.0, half, 0.0], [half, 9.0, 0.0], [0.0, 0.0, 25.0]]));
        assert!(fits_cell(
            &operations,
            &[[9.0, half + 0.001, 0.0], [half + 0.001, 9.0, 0.0], [0.0, 0.0, 25.0]]
        ));
        assert!(!fits_cell(&operations, &[[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 25.0]]));
        assert!(!fits_cell(&operations, &[[9.0, half, 2.0], [half, 9.0, 0.0], [2.0, 0.0, 25.0]]));
    }
}
