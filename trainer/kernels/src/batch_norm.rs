//! Batch normalisation ([arXiv 1502.03167](https://arxiv.org/abs/1502.03167)) with activation and residual.
//!
//! Moments and the sums of the backward pass are added in double precision. Between a sum and its use a caller may add
//! the sums of other processes.

use super::activation::times_slope;
use super::dense::{Activation, activate, add_rows};
use super::parallel;
use super::real::Real;
use super::rows::{self, TASK_ROWS, elements};
use crate::vectorised::vectorised;

/// Added to the variance, as in PyTorch.
pub const EPSILON: f64 = 1e-5;

/// Moments of the columns of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// \[channels\] means.
    pub mean: Vec<f64>,
    /// \[channels\] sums of the squared deviations from the mean.
    pub squares: Vec<f64>,
}

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

/// Returns the moments of the columns of x \[rows, channels\]; zeros without rows.
///
/// # Panics
/// If the rows of x are not whole.
pub fn moments<R: Real>(x: &[R], channels: usize) -> Moments {
    let tasks = parallel::ranges(rows::count("x", x, channels), TASK_ROWS).collect();
    let scratch = || [vec![R::ZERO; channels], vec![R::ZERO; channels], vec![R::ZERO; channels]];
    let parts = parallel::map(tasks, scratch, |[centre, first, second], task| {
        // Deviations from a number close to the mean lose no digits: the mean of the first strip.
        let beginning = rows::strips(task.clone(), channels).next().unwrap_or_default();
        let share = R::from_f64(1.0 / beginning.len().max(1) as f64);
        centre.fill(R::ZERO);
        add_rows(&x[elements(&beginning, channels)], centre);
        centre.iter_mut().for_each(|sum| *sum = *sum * share);
        let (mut firsts, mut seconds) = (vec![0.0; channels], vec![0.0; channels]);
        let count = task.len() as f64;
        for rows in rows::strips(task, channels) {
            add_deviations(&x[elements(&rows, channels)], centre, first, second);
            drain(first, &mut firsts);
            drain(second, &mut seconds);
        }
        for ((first, second), centre) in firsts.iter_mut().zip(&mut seconds).zip(centre) {
            let shift = *first / count;
            *second = (*second - shift * *first).max(0.0);
            *first = centre.to_f64() + shift;
        }
        (count, Moments { mean: firsts, squares: seconds })
    });
    let mut parts = parts.into_iter();
    let none = || (0.0, Moments { mean: vec![0.0; channels], squares: vec![0.0; channels] });
    let (mut rows, mut total) = parts.next().unwrap_or_else(none);
    for (count, part) in parts {
        total.merge(rows, &part, count);
        rows += count;
    }
    total
}

impl Moments {
    /// Adds the moments of `more` rows to those of `rows` rows.
    fn merge(&mut self, rows: f64, part: &Moments, more: f64) {
        let share = more / (rows + more);
        let columns = self.mean.iter_mut().zip(&mut self.squares).zip(part.mean.iter().zip(&part.squares));
        for ((mean, squares), (part_mean, part_squares)) in columns {
            let distance = part_mean - *mean;
            *mean += distance * share;
            *squares += part_squares + distance * distance * rows * share;
        }
    }
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

    /// Writes the gradient of z in the rows `rows`. z and `slope` are memory for it.
    fn dz<'a>(
        &self,
        columns: &Columns<R>,
        [x, grad]: [&'a [R]; 2],
        [z, slope, dz]: [&'a mut [R]; 3],
    ) -> &'a [R] {
        if self.activation == Activation::Identity {
            return grad;
        }
        let (z, dz) = (&mut z[..x.len()], &mut dz[..x.len()]);
        normalise(x, &columns.mean, &columns.scale, &columns.offset, z);
        times_slope(self.activation, z, slope, grad, dz);
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
            normalise(&x[range.clone()], &columns.mean, &columns.scale, &columns.offset, y);
            activate(layer.activation, y, None);
            if let Some(residual) = residual {
                parallel::add(y, &residual[range]);
            }
        },
    )
}

/// Returns the sums of the backward pass. `grad` is the gradient of y, and also that of the residual. z is computed
/// again from x, which takes less time than its way through memory.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward_sums<R: Real>(layer: Layer<'_, R>, x: &[R], grad: &[R]) -> Sums {
    let channels = layer.channels();
    assert_eq!(x.len(), grad.len(), "the gradient's shape");
    let columns = layer.columns();
    let tasks = parallel::ranges(rows::count("x", x, channels), TASK_ROWS).collect();
    let scratch = || {
        let strip = || rows::strip::<R>(channels);
        ([strip(), strip(), strip()], vec![R::ZERO; channels], vec![R::ZERO; channels])
    };
    let parts = parallel::map(tasks, scratch, |(strips, first, second), task| {
        let (mut firsts, mut seconds) = (vec![0.0; channels], vec![0.0; channels]);
        for rows in rows::strips(task, channels) {
            let range = elements(&rows, channels);
            let memory = strips.each_mut().map(Vec::as_mut_slice);
            let dz = layer.dz(&columns, [&x[range.clone()], &grad[range.clone()]], memory);
            add_products(dz, &x[range], &columns.mean, first, second);
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

/// Returns the gradient of x, weight/deviation ∘ (dz − mean(dz) − x̂ ∘ mean(dz ∘ x̂)). `means` are the sums of
/// [`backward_sums`] divided by the number of rows, or zeros if the moments do not depend on x.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward_x<R: Real>(layer: Layer<'_, R>, x: &[R], grad: &[R], means: &Sums) -> Vec<R> {
    let channels = layer.channels();
    assert_eq!(x.len(), grad.len(), "the gradient's shape");
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
        let range = elements(&rows, channels);
        let (x, grad) = (&x[range.clone()], &grad[range]);
        let dz = layer.dz(&columns, [x, grad], strips.each_mut().map(Vec::as_mut_slice));
        combine([dz, x], &columns, &factor, &constant, out);
    })
}

/// out = scale · dz + factor · (x − mean) + constant.
fn combine<R: Real>([dz, x]: [&[R]; 2], columns: &Columns<R>, factor: &[R], constant: &[R], out: &mut [R]) {
    normalise(x, &columns.mean, factor, constant, out);
    add_scaled(dz, &columns.scale, out);
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
    /// first += Σ_rows (x − centre), second += Σ_rows (x − centre)².
    fn add_deviations<'a>(x: &'a [R], centre: &'a [R], first: &'a mut [R], second: &'a mut [R]) {
        for x in x.chunks_exact(centre.len().max(1)) {
            let sums = first.iter_mut().zip(&mut *second);
            for ((x, centre), (first, second)) in x.iter().zip(centre).zip(sums) {
                let deviation = *x - *centre;
                *first += deviation;
                *second = deviation.multiply_add::<FUSED>(deviation, *second);
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
