//! Coordinates in units of their standard deviations.

use rayon::prelude::*;

/// A coordinate counts as constant if its standard deviation is smaller than this share of its magnitude: what is left is
/// the rounding of single precision.
const CONSTANT: f64 = 1e-6;
/// Rows whose sums are taken together, so that sums do not depend on the number of threads.
const BLOCK_ROWS: usize = 4096;

/// A shift and a factor for every coordinate, which make distances independent of the coordinates' units: `x` becomes
/// `(x - mean) / (deviation · √varying)`, where `varying` is the number of coordinates that vary.
///
/// A Euclidean distance is then the root mean square, over these coordinates, of the difference in standard deviations.
/// The mean of the squared distances of all pairs of points of the set is 2: pairs taken at random are about √2 apart,
/// whatever the width. Constant coordinates become zero, since the set does not show how much they matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardisation {
    centre: Vec<f64>,
    factor: Vec<f64>,
}

impl Standardisation {
    /// Returns the standardisation by the population standard deviations of points, `[len, width]`.
    ///
    /// # Panics
    /// If the width is 0 or the rows are not whole.
    pub fn of(values: &[f32], width: usize) -> Self {
        assert!(width > 0 && values.len().is_multiple_of(width), "whole rows");
        let count = (values.len() / width).max(1) as f64;
        let centre: Vec<f64> =
            sums(values, width, |_, value| value).into_iter().map(|sum| sum / count).collect();
        let squares = sums(values, width, |column, value| (value - centre[column]).powi(2));
        let deviation: Vec<f64> = squares.into_iter().map(|sum| (sum / count).sqrt()).collect();
        let varies =
            |column: usize| deviation[column] > CONSTANT * (centre[column].abs() + deviation[column]);
        let varying = (0..width).filter(|&column| varies(column)).count().max(1) as f64;
        let factor = |column: usize| match varies(column) {
            true => 1.0 / (deviation[column] * varying.sqrt()),
            false => 0.0,
        };
        Self { factor: (0..width).map(factor).collect(), centre }
    }

    /// Number of coordinates that vary.
    pub fn varying(&self) -> usize {
        self.factor.iter().filter(|factor| **factor > 0.0).count()
    }

    /// Standardises points in place, `[len, width]`.
    pub fn apply(&self, values: &mut [f32]) {
        values.par_chunks_mut(self.centre.len()).for_each(|row| {
            for ((value, centre), factor) in row.iter_mut().zip(&self.centre).zip(&self.factor) {
                *value = ((f64::from(*value) - centre) * factor) as f32;
            }
        });
    }
}

/// Returns the sums over all rows of a function of the column and the value, in blocks whose order is fixed.
fn sums(values: &[f32], width: usize, of: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let blocks: Vec<Vec<f64>> = values
        .par_chunks(width * BLOCK_ROWS)
        .map(|block| {
            let mut sums = vec![0.0; width];
            for row in block.chunks_exact(width) {
                for (column, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                    *sum += of(column, f64::from(value));
                }
            }
            sums
        })
        .collect();
    let mut total = vec![0.0; width];
    for block in blocks {
        total.iter_mut().zip(block).for_each(|(total, sum)| *total += sum);
    }
    total
}
