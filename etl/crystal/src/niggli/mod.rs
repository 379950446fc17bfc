//! Niggli reduction of a lattice (specification, section 2.1).
//!
//! The algorithm is that of Křivý and Gruber (Acta Cryst. A32, 297, 1976,
//! <https://doi.org/10.1107/S0567739476000636>) on the six components of the metric tensor, with the
//! comparisons within a tolerance of Grosse-Kunstleve, Sauter and Adams (Acta Cryst. A60, 1, 2004,
//! <https://doi.org/10.1107/S010876730302186X>). Two things are added, neither of which changes the result: a
//! step removes any multiple of a vector at once, and the metric is computed afresh from the exact
//! change of basis after long steps and at the end, so that no rounding accumulates.

mod error;
mod metric;

use crate::math::{IntegerMatrix3, Matrix3, cross, determinant, dot, product, to_real};
use metric::Metric;

pub use error::NiggliError;
pub use metric::parameters;

/// Tolerance relative to `V^(2/3)` of cells that are known to five digits (specification, section 2.1).
pub const DEFAULT_EPSILON: f64 = 1e-5;

/// Steps with one tolerance. Reduced cells take one or two, the most skewed bases some hundred.
///
/// Comparisons within a tolerance are not transitive, so a cell whose lengths or angles differ by
/// just about the tolerance can go round in a circle: in one of a hundred hexagonal cells whose
/// vectors are off by 1e-5 Å.
const STEPS_PER_TOLERANCE: usize = 500;

/// Multiples of the tolerance tried until the reduction ends. Larger ones come first, because they
/// take differences about the tolerance as equalities, whatever the basis.
const TOLERANCE_FACTORS: [f64; 9] = [1.0, 3.0, 9.0, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 0.0];

/// Shortest lattice vector a crystal can have, in Å: well below any distance of atoms, and long
/// enough that every image within the cutoff has a 16-bit index.
const SHORTEST_LATTICE_VECTOR: f64 = 0.1;

/// Least volume of a reduced cell relative to the product of its lengths. An exactly reduced cell
/// has at least `1/2`; less means that the vectors are coplanar and only rounding spans a volume.
const LEAST_RELATIVE_VOLUME: f64 = 0.1;

/// A Niggli cell and how it came about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NiggliCell {
    /// Rows are the reduced cell vectors, in Å; same handedness as the given ones.
    pub lattice: Matrix3,
    /// `lattice = transform · given`, determinant +1.
    pub transform: IntegerMatrix3,
    /// Volume in Å³, positive.
    pub volume: f64,
}

/// The Niggli tolerance in Å²: `epsilon_relative · V^(2/3)` (specification, section 2.1, step 2).
fn tolerance(epsilon_relative: f64, volume: f64) -> f64 {
    let edge = volume.cbrt();
    epsilon_relative * edge * edge
}

/// Reduces a lattice (rows, Å) to its Niggli cell.
///
/// `epsilon_relative` times `V^(2/3)` is the tolerance of the comparisons of metric components.
/// The lattice may be left- or right-handed; the change of basis keeps its handedness. In the rare
/// case that no cell satisfies all comparisons, it is done with another tolerance.
///
/// # Errors
/// [`NiggliError::NonFiniteLattice`], [`NiggliError::DegenerateLattice`],
/// [`NiggliError::NotConverged`] and [`NiggliError::TransformOverflow`].
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

/// Whether a lattice (rows, Å) satisfies the Niggli conditions (International Tables A, 9.2.2:
/// main and special conditions) within a tolerance that [`niggli_reduce`] tries.
pub fn is_niggli(lattice: &Matrix3, epsilon_relative: f64) -> bool {
    let metric = Metric::of(lattice);
    let tolerance = tolerance(epsilon_relative, determinant(lattice).abs());
    TOLERANCE_FACTORS.iter().any(|factor| metric.is_niggli(factor * tolerance))
}

/// Distances of neighbouring lattice planes along the three axes, in Å: `h_a = V / |l_b × l_c|`
/// (specification, section 2.2).
pub(crate) fn plane_spacings(lattice: &Matrix3, volume: f64) -> [f64; 3] {
    [0, 1, 2].map(|axis| {
        let normal = cross(&lattice[(axis + 1) % 3], &lattice[(axis + 2) % 3]);
        volume / dot(&normal, &normal).sqrt()
    })
}

/// A lattice vector too short for a crystal ends the reduction: the given vectors are linearly
/// dependent, or far too small.
fn check_extent(metric: &Metric, volume: f64) -> Result<(), NiggliError> {
    let shortest = metric.shortest();
    // Written so that an overflow to "not a number" is an error too.
    let usable = shortest >= SHORTEST_LATTICE_VECTOR && shortest.is_finite() && volume.is_finite();
    if usable { Ok(()) } else { Err(NiggliError::DegenerateLattice { volume, shortest }) }
}

/// The volume of a reduced cell must come from its vectors, not from their rounding.
fn check_volume(metric: &Metric, volume: f64) -> Result<(), NiggliError> {
    if volume >= LEAST_RELATIVE_VOLUME * metric.product_of_lengths() {
        Ok(())
    } else {
        Err(NiggliError::DegenerateLattice { volume, shortest: metric.shortest() })
    }
}

/// What a pass over a freshly computed metric did.
enum Progress {
    /// Nothing: the metric was reduced already.
    Unchanged,
    /// The basis changed, so the metric wants computing afresh.
    Changed,
}

/// Applies Křivý-Gruber steps to `metric` and `basis` until no step applies or the metric is due to
/// be computed afresh. The numbers in the comments are those of the algorithm's steps.
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
        // Steps 3 and 4: all angles acute, or none.
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
            // A long step cancels many digits of the metric.
            return Ok(progress);
        }
    }
    Ok(Progress::Changed)
}

/// The change of basis so far: rows are the current vectors in terms of the given ones.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Basis([[i64; 3]; 3]);

impl Basis {
    const IDENTITY: Self = Self([[1, 0, 0], [0, 1, 0], [0, 0, 1]]);

    /// Exchanges two vectors and turns all three, which keeps the determinant and the angles.
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

    /// Subtracts `multiple` (a whole number) times vector `source` from vector `target`; returns
    /// the size of the multiple.
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

    /// The change of basis as it is stored.
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
