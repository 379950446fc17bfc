//! Cartesian positions into fractions of the cell.

use thiserror::Error;

use crate::math::{cross, determinant, norm, row_times};
use crate::structure::Structure;

/// A cell is without volume where its volume is below this fraction of the product of its edges.
const SINGULAR_VOLUME_FRACTION: f64 = 1e-10;

/// The cell vectors lie in a plane, so that no position has fractions of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cell vectors span no volume")]
pub struct SingularLattice;

/// Replaces positions in Å that stand in [`Structure::fractional`] by fractions of the cell.
///
/// Solves `x = f · L` (SPEC 1): `f = x · L⁻¹`, the columns of `L⁻¹` being the cross products of the
/// cell vectors over the volume.
///
/// # Errors
/// [`SingularLattice`]; the positions are as they were.
pub fn to_fractional(structure: &mut Structure) -> Result<(), SingularLattice> {
    let [a, b, c] = &structure.lattice;
    let volume = determinant(&structure.lattice);
    let smallest = SINGULAR_VOLUME_FRACTION * norm(a) * norm(b) * norm(c);
    // A NaN is not greater than anything, and so fails as well.
    if !volume.is_finite() || volume.abs().partial_cmp(&smallest) != Some(std::cmp::Ordering::Greater) {
        return Err(SingularLattice);
    }
    let columns = [cross(b, c), cross(c, a), cross(a, b)];
    let inverse = [0, 1, 2].map(|row| columns.map(|column| column[row] / volume));
    for position in &mut structure.fractional {
        *position = row_times(position, &inverse);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_flat_cell_is_refused() {
        for lattice in [[[0.0; 3]; 3], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1e-13]]] {
            let mut flat = Structure { lattice, fractional: vec![[1.0; 3]], atomic_numbers: vec![1] };
            assert_eq!(to_fractional(&mut flat), Err(SingularLattice));
            assert_eq!(flat.fractional, [[1.0; 3]]);
        }
    }

    proptest! {
        #[test]
        fn fractions_lead_back_to_the_positions(
            lattice in proptest::array::uniform3(proptest::array::uniform3(-10.0..10.0f64)),
            position in proptest::array::uniform3(-20.0..20.0f64),
        ) {
            prop_assume!(determinant(&lattice).abs() > 1.0);
            let mut structure = Structure { lattice, fractional: vec![position], atomic_numbers: vec![1] };
            to_fractional(&mut structure).expect("a cell with volume");
            let back = row_times(&structure.fractional[0], &lattice);
            for (back, position) in back.iter().zip(position) {
                prop_assert!((back - position).abs() < 1e-9, "{} {}", back, position);
            }
        }
    }
}
