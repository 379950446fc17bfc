//! Activations of every number of a matrix.

use super::dense::{Activation, activate, multiply};
use super::real::Real;
use super::rows::{self, elements};

/// Returns activation(x) for every number of x \[rows, channels\].
///
/// # Panics
/// If the rows of x are not whole.
pub fn forward<R: Real>(x: &[R], channels: usize, activation: Activation) -> Vec<R> {
    rows::of_rows(
        rows::count("x", x, channels),
        channels,
        || (),
        |(), rows, out| {
            out.copy_from_slice(&x[elements(&rows, channels)]);
            activate(activation, out, None);
        },
    )
}

/// Returns the gradient of [`forward`], grad ∘ activation'(x). The slope is computed again from x, which takes less
/// time than its way through memory.
///
/// # Panics
/// If the rows of x are not whole or the gradient has another length.
pub fn backward<R: Real>(x: &[R], grad: &[R], channels: usize, activation: Activation) -> Vec<R> {
    assert_eq!(x.len(), grad.len(), "the gradient's shape");
    let scratch = || (rows::strip::<R>(channels), rows::strip::<R>(channels));
    rows::of_rows(rows::count("x", x, channels), channels, scratch, |(z, slope), rows, out| {
        let range = elements(&rows, channels);
        let z = &mut z[..range.len()];
        z.copy_from_slice(&x[range.clone()]);
        times_slope(activation, z, slope, &grad[range], out);
    })
}

/// Writes grad ∘ activation'(z) into `out`. z and `slope` are memory for it.
pub(super) fn times_slope<R: Real>(
    activation: Activation,
    z: &mut [R],
    slope: &mut [R],
    grad: &[R],
    out: &mut [R],
) {
    if activation == Activation::Identity {
        out.copy_from_slice(grad);
        return;
    }
    let slope = &mut slope[..z.len()];
    activate(activation, z, Some(slope));
    multiply(grad, slope, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_gradient, dot, numbers, same_on_two_threads};

    #[test]
    fn every_activation_has_its_slope() {
        let (rows, channels) = (700, 3);
        let x: Vec<f64> = numbers::<f64>(rows * channels, 1).iter().map(|x| 5.0 * x).collect();
        let grad = numbers::<f64>(x.len(), 2);
        for activation in Activation::ALL {
            let gradient = same_on_two_threads(|| backward(&x, &grad, channels, activation));
            assert_eq!(gradient.len(), x.len());
            let part = 30;
            let loss = |x: &[f64]| dot(&grad[..part], &forward(x, channels, activation));
            check_gradient(&x[..part], &gradient[..part], loss);
            let whole = same_on_two_threads(|| forward(&x, channels, activation));
            assert_eq!(whole[part..2 * part], forward(&x[part..2 * part], channels, activation));
        }
        assert!(forward::<f32>(&[], 4, Activation::Silu).is_empty());
    }

    #[test]
    fn nothing_is_left_far_below_zero() {
        let x: Vec<f32> = (0..1100).map(|k| k as f32 * -0.1).chain([f32::MIN]).collect();
        let ones = vec![1.0; x.len()];
        for activation in [Activation::Silu, Activation::Softplus, Activation::ShiftedSoftplus] {
            let slopes = backward(&x, &ones, 1, activation);
            assert!(slopes.iter().all(|slope| *slope == 0.0 || slope.abs() > 1e-25), "{activation:?}");
            assert_eq!(slopes.last(), Some(&0.0), "{activation:?}");
        }
        assert!(forward(&x, 1, Activation::Silu).iter().all(|y| *y == 0.0 || y.abs() > 1e-25));
        let [near, far] = forward(&[-57.0f64, -58.0], 1, Activation::Silu)[..] else { panic!("two") };
        assert!((near / (-57.0 * (-57.0f64).exp()) - 1.0).abs() < 1e-12 && far == 0.0, "{near:e} {far:e}");
        assert!(forward(&[f32::NAN], 1, Activation::Silu)[0].is_nan());
    }
}
