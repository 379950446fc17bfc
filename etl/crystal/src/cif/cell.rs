//! The unit cell from its six parameters.

use crate::math::{cross, dot, norm};
use crate::symmetry::Metric;

/// Longest cell edge that is accepted, in Å. The largest crystals of viruses have edges below 2,000 Å.
const MAX_LENGTH_ANGSTROM: f64 = 1e5;

/// Smallest accepted volume of a unit cell relative to the product of its edge lengths.
const MIN_RELATIVE_VOLUME: f64 = 1e-3;

/// Shortest cell edge that is accepted, in Å.
const MIN_LENGTH_ANGSTROM: f64 = 1e-2;

/// A valid unit cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// Lattice vectors l1, l2, l3 as rows, in Å: l1 along x, l2 in the xy-plane, right-handed.
    pub(super) lattice: [[f64; 3]; 3],
}

impl Cell {
    /// Creates a unit cell from a, b, c in Å and alpha, beta, gamma in degrees. Returns `None` if there is no such
    /// cell.
    ///
    /// The orientation is `l1 = (a, 0, 0)`, `l2 = b (cos γ, sin γ, 0)`, and l3 with positive z (International Tables
    /// B, 3.3.1; the convention of the Protein Data Bank). Right angles give exact zeros.
    pub(super) fn from_parameters(parameters: [f64; 6]) -> Option<Self> {
        let [a, b, c, alpha, beta, gamma] = parameters;
        let possible = MIN_LENGTH_ANGSTROM..=MAX_LENGTH_ANGSTROM;
        let lengths_are_possible = [a, b, c].iter().all(|length| possible.contains(length));
        let angles_are_possible = [alpha, beta, gamma].iter().all(|angle| *angle > 0.0 && *angle < 180.0);
        if !lengths_are_possible || !angles_are_possible {
            return None;
        }
        let [(_, cos_alpha), (_, cos_beta), (sin_gamma, cos_gamma)] =
            [alpha, beta, gamma].map(sine_and_cosine);
        let x = cos_beta;
        let y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma;
        let z_squared = 1.0 - x * x - y * y;
        if z_squared <= 0.0 {
            return None;
        }
        let z = z_squared.sqrt();
        if z * sin_gamma < MIN_RELATIVE_VOLUME {
            return None;
        }
        Some(Self { lattice: [[a, 0.0, 0.0], [b * cos_gamma, b * sin_gamma, 0.0], [c * x, c * y, c * z]] })
    }

    /// Returns the metric tensor `L · Lᵀ` in Å².
    pub(super) fn metric(&self) -> Metric {
        self.lattice.map(|row| self.lattice.map(|other| dot(&row, &other)))
    }

    /// Returns the volume in Å³.
    pub(super) fn volume(&self) -> f64 {
        self.lattice[0][0] * self.lattice[1][1] * self.lattice[2][2]
    }

    /// Returns the largest fractional component along each axis of a vector of this length in Å: the length divided
    /// by the distance of the lattice planes.
    pub(super) fn fractional_reach(&self, length: f64) -> [f64; 3] {
        let [l1, l2, l3] = &self.lattice;
        let volume = self.volume();
        [cross(l2, l3), cross(l3, l1), cross(l1, l2)].map(|normal| length * norm(&normal) / volume)
    }
}

/// Returns the sine and cosine of an angle in degrees, correctly rounded at 60°, 90° and 120°.
fn sine_and_cosine(degrees: f64) -> (f64, f64) {
    const SIN_60: f64 = 0.866_025_403_784_438_6;
    if degrees == 90.0 {
        (1.0, 0.0)
    } else if degrees == 60.0 {
        (SIN_60, 0.5)
    } else if degrees == 120.0 {
        (SIN_60, -0.5)
    } else {
        degrees.to_radians().sin_cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parameters_of(lattice: [[f64; 3]; 3]) -> [f64; 6] {
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let length = |a: [f64; 3]| dot(a, a).sqrt();
        let angle = |a, b| (dot(a, b) / (length(a) * length(b))).acos().to_degrees();
        let [a, b, c] = lattice;
        [length(a), length(b), length(c), angle(b, c), angle(a, c), angle(a, b)]
    }

    #[test]
    fn right_angles_are_exact() {
        let cell = Cell::from_parameters([3.0, 4.0, 5.0, 90.0, 90.0, 90.0]).expect("a cell");
        assert_eq!(cell.lattice, [[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 5.0]]);
        assert_eq!(cell.fractional_reach(1.0), [1.0 / 3.0, 0.25, 0.2]);
        assert_eq!(cell.volume(), 60.0);
    }

    #[test]
    fn impossible_cells() {
        for parameters in [
            [0.0, 1.0, 1.0, 90.0, 90.0, 90.0],
            [-1.0, 1.0, 1.0, 90.0, 90.0, 90.0],
            [1e9, 1.0, 1.0, 90.0, 90.0, 90.0],
            [f64::NAN, 1.0, 1.0, 90.0, 90.0, 90.0],
            [1.0, f64::INFINITY, 1.0, 90.0, 90.0, 90.0],
            [1.0, 1.0, 1.0, 0.0, 90.0, 90.0],
            [1.0, 1.0, 1.0, 90.0, 180.0, 90.0],
            [1.0, 1.0, 1.0, 90.0, 90.0, f64::NAN],
            [1.0, 1.0, 1.0, 120.0, 120.0, 120.0],
            [1.0, 1.0, 1.0, 30.0, 30.0, 90.0],
        ] {
            assert_eq!(Cell::from_parameters(parameters), None, "{parameters:?}");
        }
    }

    proptest! {
        #[test]
        fn the_lattice_has_its_parameters(
            lengths in prop::array::uniform3(0.5f64..50.0),
            angles in prop::array::uniform3(61.0f64..119.0),
        ) {
            let [a, b, c] = lengths;
            let [alpha, beta, gamma] = angles;
            if let Some(cell) = Cell::from_parameters([a, b, c, alpha, beta, gamma]) {
                for (found, expected) in parameters_of(cell.lattice).iter().zip([a, b, c, alpha, beta, gamma]) {
                    prop_assert!((found - expected).abs() < 1e-8, "{found} {expected}");
                }
            }
        }
    }
}
