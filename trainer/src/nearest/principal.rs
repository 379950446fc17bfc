//! Principal components: the directions in which points vary most.

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

use super::Points;

/// Rows whose products are summed together, so that sums do not depend on the number of threads.
const BLOCK_ROWS: usize = 1024;

/// The first principal components of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// Mean of the points, `[width]`.
    pub centre: Vec<f64>,
    /// Unit vectors in order of their variance, `[count, width]`. The largest coordinate of each, by its size, is positive;
    /// of equally large ones the first.
    pub axes: Vec<Vec<f64>>,
    /// Share of each axis of the whole variance, `[count]`; 0 if all points are the same.
    pub shares: Vec<f64>,
}

/// Returns the first `count` principal components of points, by the eigenvectors of their covariance in double precision.
/// Exact but for rounding, and the same on any number of threads.
pub fn principal_axes(points: &Points, count: usize) -> Components {
    let width = points.width();
    let rows = points.len().max(1) as f64;
    let centre: Vec<f64> = block_sums(points, width, |row, sums| {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    })
    .into_iter()
    .map(|sum| sum / rows)
    .collect();
    let products = block_sums(points, width * width, |row, sums| {
        let shifted: Vec<f64> =
            row.iter().zip(&centre).map(|(&value, mean)| f64::from(value) - mean).collect();
        // The lower triangle is enough.
        for (index, first) in shifted.iter().enumerate() {
            let sums = &mut sums[index * width..index * width + index + 1];
            sums.iter_mut().zip(&shifted).for_each(|(sum, second)| *sum += first * second);
        }
    });
    let element = |row: usize, column: usize| products[row.max(column) * width + row.min(column)] / rows;
    let eigen = SymmetricEigen::new(DMatrix::from_fn(width, width, element));
    let total: f64 = eigen.eigenvalues.iter().map(|value| value.max(0.0)).sum();
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]).then(a.cmp(&b)));
    order.truncate(count);
    let axis = |&index: &usize| signed(eigen.eigenvectors.column(index).iter().copied().collect());
    let share = |&index: &usize| if total > 0.0 { eigen.eigenvalues[index].max(0.0) / total } else { 0.0 };
    Components { axes: order.iter().map(axis).collect(), shares: order.iter().map(share).collect(), centre }
}

impl Components {
    /// Returns the coordinates of a point along the axes, `[count]`.
    pub fn project(&self, point: &[f32]) -> Vec<f64> {
        let along = |axis: &Vec<f64>| -> f64 {
            let shifted = point.iter().zip(&self.centre).map(|(&value, mean)| f64::from(value) - mean);
            shifted.zip(axis).map(|(value, direction)| value * direction).sum()
        };
        self.axes.iter().map(along).collect()
    }
}

/// Turns an axis so that its largest coordinate is positive.
fn signed(axis: Vec<f64>) -> Vec<f64> {
    let largest =
        axis.iter().copied().reduce(|a, b| if b.abs() > a.abs() { b } else { a }).unwrap_or_default();
    if largest < 0.0 { axis.into_iter().map(|value| -value).collect() } else { axis }
}

/// Returns `length` sums over all points, in blocks whose order is fixed.
fn block_sums(points: &Points, length: usize, add: impl Fn(&[f32], &mut [f64]) + Sync) -> Vec<f64> {
    let starts: Vec<usize> = (0..points.len()).step_by(BLOCK_ROWS).collect();
    let mut total = vec![0.0; length];
    // A few blocks at a time: the matrices of a million points would fill the memory.
    for starts in starts.chunks(4 * rayon::current_num_threads()) {
        let blocks: Vec<Vec<f64>> = starts
            .par_iter()
            .map(|&start| {
                let mut sums = vec![0.0; length];
                (start..(start + BLOCK_ROWS).min(points.len()))
                    .for_each(|row| add(points.row(row), &mut sums));
                sums
            })
            .collect();
        for block in blocks {
            total.iter_mut().zip(block).for_each(|(total, sum)| *total += sum);
        }
    }
    total
}
