//! Expansions of numbers in Gaussians.

use super::real::Real;
use super::rows;
use crate::vectorised::vectorised;

/// Gaussians and sigmoids smaller than this are set to zero. Added to a number of ordinary size, so small a number is lost
/// to rounding, in single and in double precision. Its products with weights and gradients are often subnormal numbers, with
/// which many processors calculate some hundred times slower.
pub const NEGLIGIBLE: f64 = 1e-25;

/// Returns g_n = exp(−γ (d − c_n)²) for each of the `values` d and each of the `centres` c, \[values, centres\], and zero
/// for what is below [`NEGLIGIBLE`].
pub fn forward<R: Real>(values: &[R], centres: &[R], gamma: f64) -> Vec<R> {
    let gamma = R::from_f64(-gamma);
    rows::of_rows(
        values.len(),
        centres.len(),
        || (),
        |(), rows, out| {
            expand(&values[rows], centres, gamma, R::from_f64(NEGLIGIBLE), out);
        },
    )
}

vectorised! {
    /// out = exp(factor · (value − centre)²), row by row, where that is not below `negligible`.
    fn expand<'a>(values: &'a [R], centres: &'a [R], factor: R, negligible: R, out: &'a mut [R]) {
        for (out, value) in out.chunks_exact_mut(centres.len().max(1)).zip(values) {
            for (out, centre) in out.iter_mut().zip(centres) {
                let distance = *value - *centre;
                let gaussian = (factor * (distance * distance)).exp::<FUSED>();
                // A NaN stays.
                *out = if gaussian < negligible { R::ZERO } else { gaussian };
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
    }

    #[test]
    fn nothing_is_left_far_from_the_centre() {
        let distances: Vec<f32> = (0..1000).map(|k| k as f32 * 0.01).chain([1e4, f32::INFINITY]).collect();
        for gaussian in forward(&distances, &[0.0], 25.0) {
            assert!(gaussian == 0.0 || f64::from(gaussian) >= NEGLIGIBLE, "{gaussian:e}");
        }
        let [near, far] = forward(&[1.4f64, 1.6], &[0.0], 25.0)[..] else { panic!("two") };
        assert!((near / (-49.0f64).exp() - 1.0).abs() < 1e-12 && far == 0.0, "{near:e} {far:e}");
        assert!(forward(&[f32::NAN], &[0.0], 25.0)[0].is_nan());
    }
}
