//! Conversion of Cartesian to fractional coordinates.

use thiserror::Error;

use crate::math::{determinant, inverse, norm, row_times};
use crate::structure::Structure;

/// A unit cell counts as singular if its volume is below this fraction of the product of its edge lengths.
const SINGULAR_VOLUME_FRACTION: f64 = 1e-10;

/// An error of converting Cartesian to fractional coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CartesianError {
    /// The lattice vectors are coplanar.
    #[error("the cell vectors span no volume")]
    SingularLattice,
    /// A fractional coordinate is not finite, because the position is too large for the unit cell.
    #[error("site {site} lies too many cells away to be counted")]
    NotFinite {
        /// Index of the site.
        site: usize,
    },
}

impl CartesianError {
    /// Returns a short stable name of the kind of error in snake_case.
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::SingularLattice => "singular_lattice",
            Self::NotFinite { .. } => "not_finite",
        }
    }
}

/// Replaces Cartesian positions in Å, stored in [`Structure::fractional`], by fractional coordinates.
///
/// Solves `x = f · L` (specification, section 1) by `f = x · L⁻¹`.
///
/// # Errors
/// Returns [`CartesianError::SingularLattice`], with the positions unchanged, or [`CartesianError::NotFinite`].
pub fn to_fractional(structure: &mut Structure) -> Result<(), CartesianError> {
    let [a, b, c] = &structure.lattice;
    let volume = determinant(&structure.lattice);
    let smallest = SINGULAR_VOLUME_FRACTION * norm(a) * norm(b) * norm(c);
    // A NaN compares as not greater, and fails here too.
    if !volume.is_finite() || volume.abs().partial_cmp(&smallest) != Some(std::cmp::Ordering::Greater) {
        return Err(CartesianError::SingularLattice);
    }
    let inverse = inverse(&structure.lattice);
    for (site, position) in structure.fractional.iter_mut().enumerate() {
        *position = row_times(position, &inverse);
        if !position.iter().all(|fraction| fraction.is_finite()) {
            return Err(CartesianError::NotFinite { site });
        }
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
            assert_eq!(to_fractional(&mut flat), Err(CartesianError::SingularLattice));
            assert_eq!(flat.fractional, [[1.0; 3]]);
        }
    }

    #[test]
    fn a_position_without_a_finite_fraction_is_refused() {
        let lattice = [[1e-100, 0.0, 0.0], [0.0, 1e-100, 0.0], [0.0, 0.0, 1e-100]];
        let fractional = vec![[0.0; 3], [1e300, 0.0, 0.0]];
        let mut far = Structure { lattice, fractional, atomic_numbers: vec![1, 1] };
        assert_eq!(to_fractional(&mut far), Err(CartesianError::NotFinite { site: 1 }));
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
