//! Squared Euclidean distances between points.

use super::real::Real;
use super::rows::count;
use crate::vectorised::vectorised;

/// Coordinates whose squares are summed side by side. The width of points is a multiple of it.
pub const LANES: usize = 16;

/// Writes the squared Euclidean distance of each of the `points`, \[rows, width\], from one point, \[width\], to `out`,
/// \[rows\]. Every distance is summed in [`LANES`] partial sums over `width / LANES` coordinates each, whose sum is taken
/// in the end: at most `width / LANES + LANES` additions follow one another. Runs in the caller's thread.
///
/// # Panics
/// If the width is no multiple of [`LANES`], or a slice has another length.
pub fn squared<R: Real>(point: &[R], points: &[R], out: &mut [R]) {
    assert!(point.len().is_multiple_of(LANES), "point: whole lanes");
    assert_eq!(count("points", points, point.len()), out.len(), "out: one distance a row");
    fill(point, points, out);
}

vectorised! {
    fn fill<'a>(point: &'a [R], points: &'a [R], out: &'a mut [R]) {
        let (point, _) = point.as_chunks::<LANES>();
        let (chunks, _) = points.as_chunks::<LANES>();
        for (out, row) in out.iter_mut().zip(chunks.chunks_exact(point.len().max(1))) {
            let mut sums = [R::ZERO; LANES];
            for (a, b) in row.iter().zip(point) {
                for lane in 0..LANES {
                    let difference = a[lane] - b[lane];
                    sums[lane] = difference.multiply_add::<FUSED>(difference, sums[lane]);
                }
            }
            *out = sums.into_iter().fold(R::ZERO, |sum, lane| sum + lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, double, numbers};

    fn check<R: Real>(rows: usize, width: usize, tolerance: f64) {
        let (point, points) = (numbers::<R>(width, 3), numbers::<R>(rows * width, 5));
        let expected: Vec<f64> = (0..rows)
            .map(|row| {
                let row = &points[row * width..(row + 1) * width];
                row.iter().zip(&point).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum()
            })
            .collect();
        let mut found = vec![R::ONE; rows];
        squared(&point, &points, &mut found);
        close(&double(&found), &expected, tolerance);
    }

    #[test]
    fn distances_by_their_definition() {
        for (rows, width) in [(0, 16), (1, 16), (7, 128), (65, 48)] {
            check::<f32>(rows, width, 1e-5);
            check::<f64>(rows, width, 1e-13);
        }
        let mut out = [];
        squared::<f32>(&[], &[], &mut out);
    }

    #[test]
    #[should_panic(expected = "whole lanes")]
    fn lanes_are_whole() {
        squared(&[0.0_f32; 15], &[0.0; 15], &mut [0.0]);
    }
}
