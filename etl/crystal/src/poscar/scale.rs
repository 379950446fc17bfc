//! The scale on the second line: one factor, three factors, or the volume of the unit cell as a negative number.

use super::PoscarError;
use super::lines::{Lines, excerpt, fields, number};
use crate::cartesian::CartesianError;
use crate::math::determinant;

/// Scale of the lattice vectors and Cartesian positions.
pub(super) enum Scale {
    /// Factors along x, y and z.
    Factors([f64; 3]),
    /// Volume of the scaled unit cell in Å³.
    Volume(f64),
}

/// Reads the line with the scale.
///
/// # Errors
/// Returns [`PoscarError::BadScale`] if it is invalid.
pub(super) fn read_scale(lines: &mut Lines<'_>) -> Result<Scale, PoscarError> {
    let line = lines.next("the scale")?;
    let bad = || PoscarError::BadScale { line: lines.number, value: excerpt(line) };
    let mut values = [0.0; 3];
    let mut count = 0;
    // Anything after the numbers is a comment.
    for (slot, value) in values.iter_mut().zip(fields(line).map_while(number)) {
        *slot = value;
        count += 1;
    }
    match (count, values) {
        (3, factors) if factors.iter().all(|&factor| factor > 0.0) => Ok(Scale::Factors(factors)),
        (1, [factor, ..]) if factor > 0.0 => Ok(Scale::Factors([factor; 3])),
        (1, [volume, ..]) if volume < 0.0 => Ok(Scale::Volume(-volume)),
        _ => Err(bad()),
    }
}

impl Scale {
    /// Returns the factor for each Cartesian axis.
    ///
    /// # Errors
    /// Returns [`PoscarError::Cartesian`] if a volume is given but the lattice vectors span none.
    pub(super) fn factors(&self, lattice: &[[f64; 3]; 3]) -> Result<[f64; 3], PoscarError> {
        match *self {
            Self::Factors(factors) => Ok(factors),
            Self::Volume(volume) => {
                let factor = (volume / determinant(lattice).abs()).cbrt();
                if factor.is_finite() { Ok([factor; 3]) } else { Err(CartesianError::SingularLattice.into()) }
            }
        }
    }
}
