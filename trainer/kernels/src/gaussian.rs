//! Expansions of numbers in Gaussians.

use super::real::Real;
use super::rows;
use crate::vectorised::vectorised;

/// Returns g_n = exp(−γ (d − c_n)²) for each of the `values` d and each of the `centres` c, \[values, centres\].
pub fn forward<R: Real>(values: &[R], centres: &[R], gamma: f64) -> Vec<R> {
    let gamma = R::from_f64(-gamma);
    rows::of_rows(
        values.len(),
        centres.len(),
        || (),
        |(), rows, out| {
            expand(&values[rows], centres, gamma, out);
        },
    )
}

vectorised! {
    /// out = exp(factor · (value − centre)²), row by row.
    fn expand<'a>(values: &'a [R], centres: &'a [R], factor: R, out: &'a mut [R]) {
        for (out, value) in out.chunks_exact_mut(centres.len().max(1)).zip(values) {
            for (out, centre) in out.iter_mut().zip(centres) {
                let distance = *value - *centre;
                *out = (factor * (distance * distance)).exp::<FUSED>();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, double, numbers, same_on_two_threads};

    fn check<R: Real>(count: usize, centres: usize, tolerance: f64) {
        let values = numbers::<R>(count, 3);
        let centres: Vec<R> = (0..centres).map(|n| R::from_f64(n as f64 * 0.2 - 1.0)).collect();
        let expected: Vec<f64> = values
            .iter()
            .flat_map(|d| centres.iter().map(|c| (-25.0 * (d.to_f64() - c.to_f64()).powi(2)).exp()))
            .collect();
        close(&double(&same_on_two_threads(|| forward(&values, &centres, 25.0))), &expected, tolerance);
    }

    #[test]
    fn gaussians_by_their_definition() {
        for (count, centres) in [(0, 4), (1, 1), (700, 41), (3, 0)] {
            check::<f32>(count, centres, 1e-6);
            check::<f64>(count, centres, 1e-14);
        }
        // Far from the centre nothing is left.
        assert!(forward(&[1e4f32], &[0.0], 25.0)[0] < 1e-37);
    }
}
