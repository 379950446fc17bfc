//! Checks of what structures of pymatgen give in two ways. Values that are rounded agree.

use crystal::math::{determinant, dot, inverse, norm, row_times};
use crystal::number::significant;
use crystal::structure::Structure;

use super::RecordError;

/// Keys of the lengths and angles of a lattice.
pub(super) const PARAMETERS: [&str; 6] = ["a", "b", "c", "alpha", "beta", "gamma"];
/// Number of lengths among them.
const LENGTHS: usize = 3;
/// Largest distance of two positions that agree, in Å. It allows for rounded Cartesian coordinates.
const SAME_POSITION_ANGSTROM: f64 = 0.01;
/// Largest difference of the fractional coordinates of two positions that agree, whatever their distance is. It allows
/// for fractions of three decimals.
const SAME_FRACTION: f64 = 1e-3;
/// Largest difference of two lengths that agree, in Å. It allows for one decimal.
const SAME_LENGTH_ANGSTROM: f64 = 0.06;
/// Largest relative difference of two lengths that agree, whatever their difference in Å is.
const SAME_LENGTH: f64 = 0.005;
/// Largest difference of two angles that agree, in degrees. It allows for whole degrees.
const SAME_ANGLE_DEGREES: f64 = 0.5;
/// Largest relative difference of two volumes that agree.
const SAME_VOLUME: f64 = 0.005;

/// Checks that the Cartesian coordinates of sites are those of their fractional ones, but for a lattice vector.
///
/// # Errors
/// Returns [`RecordError::PropertyValue`] for the first site of which they are not.
pub(super) fn check_positions(
    structure: &Structure,
    restated: &[(usize, [f64; 3])],
) -> Result<(), RecordError> {
    let lattice = &structure.lattice;
    for &(site, given) in restated {
        let Some(fractional) = structure.fractional.get(site) else { continue };
        let place = row_times(fractional, lattice);
        let apart = [0, 1, 2].map(|axis| given[axis] - place[axis]);
        if norm(&apart) <= SAME_POSITION_ANGSTROM {
            continue;
        }
        let rest = row_times(&apart, &inverse(lattice)).map(|fraction| fraction - fraction.round());
        let is_rounded = rest.iter().all(|fraction| fraction.abs() <= SAME_FRACTION);
        // Coordinates that are not finite say nothing.
        if !is_rounded && norm(&row_times(&rest, lattice)) > SAME_POSITION_ANGSTROM {
            let value = format!("{given:?} of site {}", site + 1);
            let wanted = "Cartesian form of its abc";
            return Err(RecordError::PropertyValue { key: "xyz".to_owned(), value, wanted });
        }
    }
    Ok(())
}

/// Checks that lengths, angles and the volume are those of the cell vectors, as far as they are given.
///
/// # Errors
/// Returns [`RecordError::PropertyValue`] for the first one that is not.
pub(super) fn check_parameters(
    matrix: &[[f64; 3]; 3],
    parameters: &[Option<f64>; 6],
    volume: Option<f64>,
) -> Result<(), RecordError> {
    let [a, b, c] = matrix;
    let lengths = [a, b, c].map(norm);
    let angles = [(b, c), (a, c), (a, b)]
        .map(|(first, second)| (dot(first, second) / (norm(first) * norm(second))).acos().to_degrees());
    let found = lengths.into_iter().chain(angles);
    let check = |key: &str, given: Option<f64>, found: f64, tolerance: f64| match given {
        Some(given) if (given - found).abs() > tolerance => Err(RecordError::PropertyValue {
            key: key.to_owned(),
            value: format!("{given} beside a matrix with {}", significant(found)),
            wanted: "value of that cell",
        }),
        _ => Ok(()),
    };
    for (at, ((key, given), found)) in PARAMETERS.iter().zip(parameters).zip(found).enumerate() {
        let tolerance =
            if at < LENGTHS { SAME_LENGTH_ANGSTROM.max(SAME_LENGTH * found) } else { SAME_ANGLE_DEGREES };
        check(key, *given, found, tolerance)?;
    }
    let found = determinant(matrix).abs();
    check("volume", volume, found, SAME_VOLUME * found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_positions_agree_in_cells_of_any_size() {
        for edge in [5.0, 11.5, 40.0] {
            let lattice = [[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]];
            let structure =
                Structure { lattice, atomic_numbers: vec![84], fractional: vec![[0.123, 0.457, 0.999]] };
            let agrees = |exact: [f64; 3]| {
                check_positions(&structure, &[(0, exact.map(|fraction| edge * fraction))]).is_ok()
            };
            assert!(agrees([0.1234999, 0.4565001, 0.9994999]), "{edge}");
            assert!(agrees([0.1234999, 0.4565001, -0.0005001]), "{edge}");
            assert!(!agrees([0.125, 0.457, 0.999 + 0.01]), "{edge}");
            assert!(!agrees([0.623, 0.457, 0.999]), "{edge}");
            assert!(agrees([f64::NAN; 3]), "{edge}");
        }
    }

    #[test]
    fn rounded_lengths_and_angles_agree() {
        // A rhombohedral cell of 11.547 Å and angles of 109.471°, which are the tetrahedral ones.
        let edge = 20.0 / 3.0;
        let matrix = [[-edge, edge, edge], [edge, -edge, edge], [edge, edge, -edge]];
        let fault = |at: usize, given: f64| {
            let mut parameters = [None; 6];
            parameters[at] = Some(given);
            match check_parameters(&matrix, &parameters, None) {
                Err(RecordError::PropertyValue { key, .. }) => Some(key),
                _ => None,
            }
        };
        for (at, given) in [(0, 11.547), (0, 11.5), (1, 11.6), (3, 109.47), (4, 109.0), (5, 109.9)] {
            assert_eq!(fault(at, given), None, "{given}");
        }
        for (at, given, key) in [(0, 11.4, "a"), (2, 11.7, "c"), (3, 108.9, "alpha"), (5, 110.0, "gamma")] {
            assert_eq!(fault(at, given).as_deref(), Some(key), "{given}");
        }
        // One decimal of a short length, and half a percent of a long one.
        let cubic = |edge: f64, given: f64| {
            let matrix = [[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]];
            check_parameters(&matrix, &[Some(given), None, None, None, None, None], None).is_ok()
        };
        assert!(cubic(2.85, 2.9) && !cubic(2.85, 2.92));
        assert!(cubic(40.0, 40.19) && !cubic(40.0, 40.21));
    }
}
