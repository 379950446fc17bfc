//! Batch normalisation ([arXiv 1502.03167](https://arxiv.org/abs/1502.03167)) with activation and residual.
//!
//! Moments and the sums of the backward pass are added in double precision. Between a sum and its use a caller may add
//! the sums of other processes.

pub mod gated_sum;
mod moments;

use std::ops::Range;

use super::activation::times_slope;
use super::dense::{Activation, activate};
use super::parallel;
use super::real::Real;
use super::rows::{self, TASK_ROWS, elements};
use crate::vectorised::vectorised;
pub use moments::{Moments, moments};

/// Added to the variance, as in PyTorch.
pub const EPSILON: f64 = 1e-5;

/// A normalisation with activation.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a, R> {
    /// \[channels\] means.
    pub mean: &'a [f64],
    /// \[channels\] biased variances.
    pub variance: &'a [f64],
    /// \[channels\] scale.
    pub weight: &'a [R],
    /// \[channels\] offset.
    pub bias: &'a [R],
    /// Activation of the normalised numbers.
    pub activation: Activation,
}

/// Sums of the gradient dz over the rows, where z is the argument of the activation and x̂ = (x − mean)/deviation.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// \[channels\] Σ dz, the gradient of the bias.
    pub dz: Vec<f64>,
    /// \[channels\] Σ dz ∘ x̂, the gradient of the weight.
    pub dz_x: Vec<f64>,
}

/// The numbers of each channel in the type of the matrices: x̂ = (x − mean) · inverse + rest, where mean is rounded and
/// rest makes up for it.
struct Columns<R> {
    mean: Vec<R>,
    /// weight · inverse.
    scale: Vec<R>,
    /// bias + weight · rest.
    offset: Vec<R>,
}

impl<R: Real> Columns<R> {
    /// Writes z of some rows of x.
    fn z(&self, x: &[R], z: &mut [R]) {
        normalise(x, &self.mean, &self.scale, &self.offset, z);
    }
}

impl<R: Real> Layer<'_, R> {
    fn channels(&self) -> usize {
        let channels = self.mean.len();
        assert_eq!(self.variance.len(), channels, "a variance for each channel");
        assert_eq!(self.weight.len(), channels, "a weight for each channel");
        assert_eq!(self.bias.len(), channels, "a bias for each channel");
        channels
    }

    /// Returns the inverse deviation of a channel, and what the rounding of its mean adds to x̂.
    fn inverse_and_rest(&self, channel: usize) -> (f64, f64) {
        let (mean, inverse) = (self.mean[channel], 1.0 / (self.variance[channel] + EPSILON).sqrt());
        (inverse, (R::from_f64(mean).to_f64() - mean) * inverse)
    }

    fn columns(&self) -> Columns<R> {
        let column = |channel: usize| {
            let (inverse, rest) = self.inverse_and_rest(channel);
            let (weight, bias) = (self.weight[channel].to_f64(), self.bias[channel].to_f64());
            (R::from_f64(weight * inverse), R::from_f64(bias + weight * rest))
        };
        let (scale, offset) = (0..self.channels()).map(column).unzip();
        Columns { mean: self.mean.iter().map(|mean| R::from_f64(*mean)).collect(), scale, offset }
    }
}

/// What follows z, as its gradient.
trait After<R>: Sync {
    /// Returns the gradient of z in some rows. It may be written to the memory, three strips.
    fn dz<'a>(&'a self, rows: &Range<usize>, z: impl FnOnce(&mut [R]), memory: [&'a mut [R]; 3]) -> &'a [R];
}

/// An activation, and the gradient of its result.
struct Activated<'a, R> {
    activation: Activation,
    channels: usize,
    grad: &'a [R],
}

impl<R: Real> After<R> for Activated<'_, R> {
    fn dz<'a>(
        &'a self,
        rows: &Range<usize>,
        z: impl FnOnce(&mut [R]),
        [values, slope, dz]: [&'a mut [R]; 3],
    ) -> &'a [R] {
        let grad = &self.grad[elements(rows, self.channels)];
        if self.activation == Activation::Identity {
            return grad;
        }
        let (values, dz) = (&mut values[..grad.len()], &mut dz[..grad.len()]);
        z(values);
        times_slope(self.activation, values, slope, grad, dz);
        dz
    }
}

/// Returns y = activation(z) + residual with z = x̂ ∘ weight + bias and x̂ = (x − mean)/√(variance + 1e-5). x, y and
/// the residual are \[rows, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn forward<R: Real>(layer: Layer<'_, R>, x: &[R], residual: Option<&[R]>) -> Vec<R> {
    let channels = layer.channels();
    assert!(residual.is_none_or(|residual| residual.len() == x.len()), "the residual's shape");
    let columns = layer.columns();
    rows::of_rows(
        rows::count("x", x, channels),
        channels,
        || (),
        |(), rows, y| {
            let range = elements(&rows, channels);
            columns.z(&x[range.clone()], y);
            activate(layer.activation, y, None);
            if let Some(residual) = residual {
                parallel::add(y, &residual[range]);
            }
        },
    )
}

/// Returns the sums of the backward pass of [`forward`]. `grad` is the gradient of y, and also that of the residual. z
/// is computed again from x, which takes less time than its way through memory.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward_sums<R: Real>(layer: Layer<'_, R>, x: &[R], grad: &[R]) -> Sums {
    assert_eq!(x.len(), grad.len(), "the gradient's shape");
    sums(layer, x, &Activated { activation: layer.activation, channels: layer.channels(), grad })
}

/// Returns the gradient of x in [`forward`], weight/deviation ∘ (dz − mean(dz) − x̂ ∘ mean(dz ∘ x̂)). `means` are the
/// sums of [`backward_sums`] divided by the number of rows, or zeros if the moments do not depend on x.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward_x<R: Real>(layer: Layer<'_, R>, x: &[R], grad: &[R], means: &Sums) -> Vec<R> {
    assert_eq!(x.len(), grad.len(), "the gradient's shape");
    let after = Activated { activation: layer.activation, channels: layer.channels(), grad };
    dx(layer, x, &after, means)
}

/// Returns the sums of the backward pass.
fn sums<R: Real>(layer: Layer<'_, R>, x: &[R], after: &impl After<R>) -> Sums {
    let channels = layer.channels();
    let columns = layer.columns();
    let tasks = parallel::ranges(rows::count("x", x, channels), TASK_ROWS).collect();
    let scratch =
        || ([(); 3].map(|()| rows::strip::<R>(channels)), vec![R::ZERO; channels], vec![R::ZERO; channels]);
    let parts = parallel::map(tasks, scratch, |(strips, first, second), task| {
        let (mut firsts, mut seconds) = (vec![0.0; channels], vec![0.0; channels]);
        for rows in rows::strips(task, channels) {
            let x = &x[elements(&rows, channels)];
            let dz = after.dz(&rows, |z| columns.z(x, z), strips.each_mut().map(Vec::as_mut_slice));
            add_products(dz, x, &columns.mean, first, second);
            drain(first, &mut firsts);
            drain(second, &mut seconds);
        }
        (firsts, seconds)
    });
    let (firsts, seconds): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let (dz, mut dz_x) = (parallel::sum(firsts, channels), parallel::sum(seconds, channels));
    for (channel, (dz_x, dz)) in dz_x.iter_mut().zip(&dz).enumerate() {
        let (inverse, rest) = layer.inverse_and_rest(channel);
        *dz_x = *dz_x * inverse + dz * rest;
    }
    Sums { dz, dz_x }
}

/// Returns the gradient of x.
fn dx<R: Real>(layer: Layer<'_, R>, x: &[R], after: &impl After<R>, means: &Sums) -> Vec<R> {
    let channels = layer.channels();
    assert_eq!([means.dz.len(), means.dz_x.len()], [channels; 2], "two means for each channel");
    let columns = layer.columns();
    // scale · dz + factor · (x − mean) + constant.
    let column = |channel: usize| {
        let (inverse, rest) = layer.inverse_and_rest(channel);
        let scale = -layer.weight[channel].to_f64() * inverse;
        let (dz, dz_x) = (means.dz[channel], means.dz_x[channel]);
        (R::from_f64(scale * dz_x * inverse), R::from_f64(scale * (dz + dz_x * rest)))
    };
    let (factor, constant): (Vec<R>, Vec<R>) = (0..channels).map(column).unzip();
    let scratch = || [(); 3].map(|()| rows::strip::<R>(channels));
    rows::of_rows(rows::count("x", x, channels), channels, scratch, |strips, rows, out| {
        let x = &x[elements(&rows, channels)];
        let dz = after.dz(&rows, |z| columns.z(x, z), strips.each_mut().map(Vec::as_mut_slice));
        normalise(x, &columns.mean, &factor, &constant, out);
        add_scaled(dz, &columns.scale, out);
    })
}

vectorised! {
    /// z = (x − mean) · scale + offset, row by row.
    fn normalise<'a>(x: &'a [R], mean: &'a [R], scale: &'a [R], offset: &'a [R], z: &'a mut [R]) {
        let width = mean.len().max(1);
        for (x, z) in x.chunks_exact(width).zip(z.chunks_exact_mut(width)) {
            let columns = mean.iter().zip(scale).zip(offset);
            for ((z, x), ((mean, scale), offset)) in z.iter_mut().zip(x).zip(columns) {
                *z = (*x - *mean).multiply_add::<FUSED>(*scale, *offset);
            }
        }
    }
}

vectorised! {
    /// out += scale · dz, row by row.
    fn add_scaled<'a>(dz: &'a [R], scale: &'a [R], out: &'a mut [R]) {
        let width = scale.len().max(1);
        for (dz, out) in dz.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            for ((out, dz), scale) in out.iter_mut().zip(dz).zip(scale) {
                *out = dz.multiply_add::<FUSED>(*scale, *out);
            }
        }
    }
}

vectorised! {
    /// first += Σ_rows dz, second += Σ_rows dz ∘ (x − mean).
    fn add_products<'a>(dz: &'a [R], x: &'a [R], mean: &'a [R], first: &'a mut [R], second: &'a mut [R]) {
        let width = mean.len().max(1);
        for (dz, x) in dz.chunks_exact(width).zip(x.chunks_exact(width)) {
            let sums = first.iter_mut().zip(&mut *second);
            for (((dz, x), mean), (first, second)) in dz.iter().zip(x).zip(mean).zip(sums) {
                *first += *dz;
                *second = dz.multiply_add::<FUSED>(*x - *mean, *second);
            }
        }
    }
}

vectorised! {
    /// total += part, and part = 0.
    pub(super) fn drain<'a>(part: &'a mut [R], total: &'a mut [f64]) {
        for (part, total) in part.iter_mut().zip(total) {
            *total += part.to_f64();
            *part = R::ZERO;
        }
    }
}

#[cfg(test)]
mod tests;
