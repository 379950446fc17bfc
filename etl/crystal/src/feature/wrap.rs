//! Fractional coordinates in the Niggli cell (specification, section 2.1).

use crate::feature::FeatureError;
use crate::math::{IntegerMatrix3, Vector3, row_times, unimodular_inverse};
use crate::structure::FARTHEST_CELL;

/// Transforms fractional coordinates of the given cell to the reduced one by `f = f0 · T⁻¹` and wraps them into
/// `[-tolerance, 1 - tolerance)`.
///
/// Overwrites `wrapped` with the result, shape `[nsites, 3]`, in the order of the sites.
///
/// # Errors
/// Returns [`FeatureError::NonFiniteCoordinate`] for a coordinate that is not finite, before or after the
/// transformation, or whose absolute value exceeds [`FARTHEST_CELL`].
pub(crate) fn wrap_sites(
    given: &[Vector3],
    transform: &IntegerMatrix3,
    tolerance: f64,
    wrapped: &mut Vec<Vector3>,
) -> Result<(), FeatureError> {
    const IDENTITY: IntegerMatrix3 = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
    let inverse = (*transform != IDENTITY).then(|| unimodular_inverse(transform));
    wrapped.clear();
    for (site, given) in given.iter().enumerate() {
        // A NaN fails both comparisons.
        let is_no_place = |value: &&f64| value.is_nan() || value.abs() > FARTHEST_CELL;
        if let Some(&value) = given.iter().find(is_no_place) {
            return Err(FeatureError::NonFiniteCoordinate { site, value });
        }
        let fractional = inverse.as_ref().map_or(*given, |inverse| row_times(given, inverse));
        if let Some(&value) = fractional.iter().find(|value| !value.is_finite()) {
            return Err(FeatureError::NonFiniteCoordinate { site, value });
        }
        wrapped.push(fractional.map(|value| wrap(value, tolerance)));
    }
    Ok(())
}

/// Wraps a fractional coordinate into `[-tolerance, 1 - tolerance)` (specification, section 2.1, step 3).
///
/// The tolerance keeps the images of neighbours stable: a coordinate that is just below a lattice plane because of
/// rounding counts as lying on it.
pub(crate) fn wrap(value: f64, tolerance: f64) -> f64 {
    let inside = value - value.floor();
    if inside >= 1.0 - tolerance { inside - 1.0 } else { inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_just_below_a_plane_is_on_it() {
        assert_eq!(wrap(0.25, 1e-6), 0.25);
        assert_eq!(wrap(-0.25, 1e-6), 0.75);
        assert_eq!(wrap(3.5, 1e-6), 0.5);
        assert_eq!(wrap(1.0, 1e-6), 0.0);
        assert!((wrap(0.999_999_99, 1e-6) + 1e-8).abs() < 1e-15);
        assert!((wrap(-1e-8, 1e-6) + 1e-8).abs() < 1e-15);
        assert_eq!(wrap(-1e-20, 1e-6), 0.0);
        assert_eq!(wrap(0.999_99, 1e-6), 0.999_99);
    }

    #[test]
    fn sites_keep_their_place_under_a_change_of_basis() {
        // The second vector becomes the sum of the first two.
        let transform = [[1, 0, 0], [1, 1, 0], [0, 0, 1]];
        let mut wrapped = vec![[9.0; 3]];
        wrap_sites(&[[0.1, 0.3, -0.2]], &transform, 1e-6, &mut wrapped).expect("finite");
        assert_eq!(wrapped.len(), 1);
        for (value, expected) in wrapped[0].iter().zip([0.8, 0.3, 0.8]) {
            assert!((value - expected).abs() < 1e-15, "{value} {expected}");
        }
    }

    #[test]
    fn coordinates_that_are_not_finite_or_nowhere_are_named() {
        let transform = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
        let wrapped = |value| wrap_sites(&[[0.0; 3], [0.0, value, 0.0]], &transform, 1e-6, &mut Vec::new());
        for nowhere in [f64::INFINITY, 1e308, -1e17] {
            let error = wrapped(nowhere).expect_err("no position");
            assert_eq!(error, FeatureError::NonFiniteCoordinate { site: 1, value: nowhere });
            assert_eq!(error.reason_code(), "non_finite_coordinate");
        }
        assert!(wrapped(f64::NAN).is_err());
        wrapped(-FARTHEST_CELL).expect("far, but a position");
    }
}
