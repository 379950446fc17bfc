//! Niggli reduction of a lattice (specification, section 2.1).
//!
//! The algorithm is that of Křivý & Gruber (1976), Acta Cryst. A32, 297-298
//! (<https://doi.org/10.1107/S0567739476000636>). It transforms the six components of the metric tensor. Comparisons
//! use the tolerance of Grosse-Kunstleve, Sauter & Adams (2004), Acta Cryst. A60, 1-6
//! (<https://doi.org/10.1107/S010876730302186X>).
//!
//! Two details differ, without an effect on the result. A step subtracts any multiple of a vector at once, and the
//! metric tensor is recomputed from the exact change of basis after long steps and at the end, so that rounding
//! errors do not accumulate.

mod error;
mod metric;

use crate::math::{IntegerMatrix3, Matrix3, cross, determinant, dot, product, to_real};
use metric::Metric;

pub use error::NiggliError;
pub use metric::parameters;

/// Default tolerance relative to `V^(2/3)`, for cells known to five digits (specification, section 2.1).
pub const DEFAULT_EPSILON: f64 = 1e-5;

/// Largest number of steps with one tolerance. Reduced cells take one or two steps, the most skewed bases some
/// hundred.
///
/// Comparisons with a tolerance are not transitive, so a cell whose lengths or angles differ by about the tolerance
/// can cycle. That happens in one of a hundred hexagonal cells whose vectors are off by 1e-5 Å.
const STEPS_PER_TOLERANCE: usize = 500;

/// Factors of the tolerance that are tried in turn until the reduction terminates. Larger ones come first, because
/// with them differences of about the tolerance count as equalities for every basis.
const TOLERANCE_FACTORS: [f64; 9] = [1.0, 3.0, 9.0, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 0.0];

/// Shortest lattice vector that is accepted, in Å. It is well below interatomic distances, and long enough for the
/// images of every neighbour within the cutoff to fit 16 bits.
const SHORTEST_LATTICE_VECTOR: f64 = 0.1;

/// Smallest accepted volume of a reduced cell, relative to the product of its edge lengths. The ratio of an exactly
/// reduced cell is at least `1/2`. If it is smaller, the vectors are coplanar within rounding.
const LEAST_RELATIVE_VOLUME: f64 = 0.1;

/// A Niggli-reduced lattice and the change of basis that leads to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NiggliCell {
    /// Reduced lattice in Å with rows l1, l2, l3, of the same handedness as the given one.
    pub lattice: Matrix3,
    /// Change of basis T, an integer matrix with determinant +1: `lattice = T · L0`, where L0 is the given lattice.
    pub transform: IntegerMatrix3,
    /// Volume in Å³, positive.
    pub volume: f64,
}

/// Returns the Niggli tolerance in Å²: `epsilon_relative · V^(2/3)` (specification, section 2.1, step 2).
fn tolerance(epsilon_relative: f64, volume: f64) -> f64 {
    let edge = volume.cbrt();
    epsilon_relative * edge * edge
}

/// Computes the Niggli reduction of a lattice with rows l1, l2, l3 in Å.
///
/// The tolerance in comparisons of components of the metric tensor is `epsilon_relative · V^(2/3)` in Å². The lattice
/// may be left- or right-handed, and its handedness is preserved. In the rare case that no cell satisfies all
/// comparisons, the reduction is repeated with other tolerances.
///
/// # Errors
/// Returns [`NiggliError::NonFiniteLattice`], [`NiggliError::DegenerateLattice`], [`NiggliError::NotConverged`] or
/// [`NiggliError::TransformOverflow`].
pub fn niggli_reduce(lattice: &Matrix3, epsilon_relative: f64) -> Result<NiggliCell, NiggliError> {
    for (row, vector) in lattice.iter().enumerate() {
        if let Some(&value) = vector.iter().find(|value| !value.is_finite()) {
            return Err(NiggliError::NonFiniteLattice { row, value });
        }
    }
    let mut basis = Basis::IDENTITY;
    let mut volume = 0.0;
    for factor in TOLERANCE_FACTORS {
        let mut steps = 0;
        while steps < STEPS_PER_TOLERANCE {
            let transform = basis.to_transform()?;
            let reduced =
                if basis == Basis::IDENTITY { *lattice } else { product(&to_real(&transform), lattice) };
            volume = determinant(&reduced).abs();
            let mut metric = Metric::of(&reduced);
            check_extent(&metric, volume)?;
            match reduce_metric(
                &mut metric,
                &mut basis,
                factor * tolerance(epsilon_relative, volume),
                &mut steps,
            )? {
                Progress::Unchanged => {
                    check_volume(&metric, volume)?;
                    return Ok(NiggliCell { lattice: reduced, transform, volume });
                }
                Progress::Changed => {}
            }
        }
    }
    Err(NiggliError::NotConverged { steps: STEPS_PER_TOLERANCE * TOLERANCE_FACTORS.len(), volume })
}

/// Whether a lattice with rows l1, l2, l3 in Å satisfies the main and special Niggli conditions (International Tables
/// A, 9.2.2) within one of the tolerances that [`niggli_reduce`] uses.
pub fn is_niggli(lattice: &Matrix3, epsilon_relative: f64) -> bool {
    let metric = Metric::of(lattice);
    let tolerance = tolerance(epsilon_relative, determinant(lattice).abs());
    TOLERANCE_FACTORS.iter().any(|factor| metric.is_niggli(factor * tolerance))
}

/// Returns the distances of neighbouring lattice planes along the three axes in Å: `h_a = V / |l_b × l_c|`
/// (specification, section 2.2).
pub(crate) fn plane_spacings(lattice: &Matrix3, volume: f64) -> [f64; 3] {
    [0, 1, 2].map(|axis| {
        let normal = cross(&lattice[(axis + 1) % 3], &lattice[(axis + 2) % 3]);
        volume / dot(&normal, &normal).sqrt()
    })
}

/// Checks that the lattice vectors are long enough for a crystal. Shorter ones are linearly dependent or far too
/// small.
fn check_extent(metric: &Metric, volume: f64) -> Result<(), NiggliError> {
    let shortest = metric.shortest();
    // The comparison is written so that NaN, after an overflow, is an error too.
    let usable = shortest >= SHORTEST_LATTICE_VECTOR && shortest.is_finite() && volume.is_finite();
    if usable { Ok(()) } else { Err(NiggliError::DegenerateLattice { volume, shortest }) }
}

/// Checks that the volume of a reduced cell is not just a rounding error of its vectors.
fn check_volume(metric: &Metric, volume: f64) -> Result<(), NiggliError> {
    if volume >= LEAST_RELATIVE_VOLUME * metric.product_of_lengths() {
        Ok(())
    } else {
        Err(NiggliError::DegenerateLattice { volume, shortest: metric.shortest() })
    }
}

/// Result of a pass over a freshly computed metric tensor.
enum Progress {
    /// The metric tensor was reduced already.
    Unchanged,
    /// The basis changed, so the metric tensor has to be recomputed.
    Changed,
}

/// Applies Křivý-Gruber steps to `metric` and `basis` until no step applies or the metric tensor has to be
/// recomputed. The numbers in the comments are the step numbers of Křivý and Gruber.
fn reduce_metric(
    metric: &mut Metric,
    basis: &mut Basis,
    tolerance: f64,
    steps: &mut usize,
) -> Result<Progress, NiggliError> {
    let mut progress = Progress::Unchanged;
    while *steps < STEPS_PER_TOLERANCE {
        *steps += 1;
        // Steps 1 and 2: order the lengths.
        if metric.first_pair_misordered(tolerance) {
            metric.swap_first_pair();
            basis.swap(0, 1);
            progress = Progress::Changed;
        }
        if metric.second_pair_misordered(tolerance) {
            metric.swap_second_pair();
            basis.swap(1, 2);
            progress = Progress::Changed;
            continue;
        }
        // Steps 3 and 4: make all angles acute, or none.
        let signs = metric.angle_signs(tolerance);
        if signs != [1, 1, 1] {
            metric.flip(signs);
            basis.flip(signs);
            progress = Progress::Changed;
        }
        // Steps 5 to 8: shorten a vector by the others.
        let multiple = if let Some(multiple) = metric.third_by_second(tolerance) {
            metric.subtract_second_from_third(multiple);
            basis.subtract(2, 1, multiple)?
        } else if let Some(multiple) = metric.third_by_first(tolerance) {
            metric.subtract_first_from_third(multiple);
            basis.subtract(2, 0, multiple)?
        } else if let Some(multiple) = metric.second_by_first(tolerance) {
            metric.subtract_first_from_second(multiple);
            basis.subtract(1, 0, multiple)?
        } else if metric.body_diagonal_is_shorter(tolerance) {
            metric.add_both_to_third();
            basis.subtract(2, 0, -1.0)?;
            basis.subtract(2, 1, -1.0)?
        } else {
            return Ok(progress);
        };
        progress = Progress::Changed;
        if multiple > 1.0 {
            // A long step cancels many digits of the metric tensor.
            return Ok(progress);
        }
    }
    Ok(Progress::Changed)
}

/// The accumulated change of basis. Its rows are the current vectors in terms of the given ones.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Basis([[i64; 3]; 3]);

impl Basis {
    const IDENTITY: Self = Self([[1, 0, 0], [0, 1, 0], [0, 0, 1]]);

    /// Exchanges two vectors and inverts all three, which preserves the determinant and the angles.
    fn swap(&mut self, first: usize, second: usize) {
        self.0.swap(first, second);
        self.flip([-1, -1, -1]);
    }

    /// Multiplies the vectors by signs.
    fn flip(&mut self, signs: [i8; 3]) {
        for (row, sign) in self.0.iter_mut().zip(signs) {
            *row = row.map(|entry| entry * i64::from(sign));
        }
    }

    /// Subtracts an integer multiple of the vector `source` from the vector `target`. Returns the absolute value of
    /// the multiple.
    fn subtract(&mut self, target: usize, source: usize, multiple: f64) -> Result<f64, NiggliError> {
        let source = self.0[source];
        for (entry, source) in self.0[target].iter_mut().zip(source) {
            *entry = entry.saturating_sub((multiple as i64).saturating_mul(source));
            if i32::try_from(*entry).is_err() {
                return Err(NiggliError::TransformOverflow { entry: *entry });
            }
        }
        Ok(multiple.abs())
    }

    /// Returns the change of basis with 32-bit entries.
    fn to_transform(self) -> Result<IntegerMatrix3, NiggliError> {
        let mut transform = [[0; 3]; 3];
        for (row, entries) in transform.iter_mut().zip(self.0) {
            for (stored, entry) in row.iter_mut().zip(entries) {
                *stored = i32::try_from(entry).map_err(|_| NiggliError::TransformOverflow { entry })?;
            }
        }
        Ok(transform)
    }
}

#[cfg(test)]
mod tests;
