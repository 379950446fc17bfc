//! Layer normalisation ([arXiv 1607.06450](https://arxiv.org/abs/1607.06450)).

use super::batch_norm::{EPSILON, drain};
use super::dense::optional_blocks;
use super::parallel;
use super::real::Real;
use super::rows::{self, TASK_ROWS, elements};
use crate::raw::fresh::Fresh;
use crate::vectorised::vectorised;

/// Number of sums in which a row is added, so that they fit into vectors.
const LANES: usize = 32;

/// Gradients of [`forward`].
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<R> {
    /// \[rows, channels\] gradient of x.
    pub dx: Vec<R>,
    /// \[channels\] gradient of the weight.
    pub dweight: Vec<R>,
    /// \[channels\] gradient of the bias.
    pub dbias: Vec<R>,
}

/// Returns y = x̂ ∘ weight + bias with x̂ = (x − mean)/√(variance + 1e-5), where mean and biased variance are those of
/// each row. x and y are \[rows, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn forward<R: Real>(x: &[R], weight: &[R], bias: &[R]) -> Vec<R> {
    let channels = weight.len();
    assert_eq!(bias.len(), channels, "a bias for each channel");
    rows::of_rows(
        rows::count("x", x, channels),
        channels,
        || (),
        |(), rows, y| {
            normalise(&x[elements(&rows, channels)], weight, bias, y);
        },
    )
}

/// Returns the gradients of [`forward`]. `grad` is the gradient of y. The moments are computed again from x. With dx̂ =
/// grad ∘ weight and the means of a row:
///
/// * dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ ∘ x̂))/√(variance + 1e-5)
/// * dweight = Σ_rows grad ∘ x̂
/// * dbias = Σ_rows grad
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward<R: Real>(x: &[R], weight: &[R], grad: &[R]) -> Gradients<R> {
    gradients(x, weight, None, grad).0
}

/// Returns out = values ∘ σ(y), where y is that of [`forward`]. y is never stored. The `values` are \[rows, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn gate<R: Real>(x: &[R], weight: &[R], bias: &[R], values: &[R]) -> Vec<R> {
    let channels = weight.len();
    assert_eq!(bias.len(), channels, "a bias for each channel");
    assert_eq!(values.len(), x.len(), "the values' shape");
    rows::of_rows(
        rows::count("x", x, channels),
        channels,
        || (),
        |(), rows, out| {
            let range = elements(&rows, channels);
            normalise(&x[range.clone()], weight, bias, out);
            multiply_by_gates(&values[range], out);
        },
    )
}

/// Returns the gradients of [`gate`], those of the normalisation and that of the values, grad ∘ σ(y). The gradient of y
/// is grad ∘ values ∘ σ(y) ∘ (1 − σ(y)).
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn gate_backward<R: Real>(
    x: &[R],
    [weight, bias]: [&[R]; 2],
    values: &[R],
    grad: &[R],
) -> (Gradients<R>, Vec<R>) {
    assert_eq!(bias.len(), weight.len(), "a bias for each channel");
    assert_eq!(values.len(), x.len(), "the values' shape");
    let (gradients, dvalues) = gradients(x, weight, Some([bias, values]), grad);
    (gradients, dvalues.unwrap_or_default())
}

/// Returns the gradients of a normalisation, and that of the values if its result gates some. The bias and the values
/// are given then.
fn gradients<R: Real>(
    x: &[R],
    weight: &[R],
    gated: Option<[&[R]; 2]>,
    grad: &[R],
) -> (Gradients<R>, Option<Vec<R>>) {
    let channels = weight.len();
    assert_eq!(x.len(), grad.len(), "the gradient's shape");
    let mut dx = Fresh::new(x.len());
    let mut dvalues = gated.map(|_| Fresh::new(x.len()));
    let tasks = parallel::ranges(rows::count("x", x, channels), TASK_ROWS);
    let ends = tasks.clone().map(|task| task.end * channels);
    let dx_blocks = dx.blocks(ends.clone());
    let dvalues_blocks = optional_blocks(dvalues.as_mut().map(|dvalues| dvalues.blocks(ends)), tasks.len());
    let items: Vec<_> = tasks.zip(dx_blocks).zip(dvalues_blocks).collect();
    let scratch = || ([(); 3].map(|()| rows::strip(channels)), [(); 3].map(|()| vec![R::ZERO; channels]));
    let parts = parallel::map(items, scratch, |(strips, sums), ((task, mut dx), mut dvalues)| {
        let [first, second, memory] = sums;
        let (mut firsts, mut seconds) = (vec![0.0; channels], vec![0.0; channels]);
        for rows in rows::strips(task, channels) {
            let range = elements(&rows, channels);
            let [out, dy, gated_grad] = strips.each_mut().map(|strip| &mut strip[..range.len()]);
            let mut grad = &grad[range.clone()];
            if let (Some([bias, values]), Some(dvalues)) = (gated, dvalues.as_mut()) {
                normalise(&x[range.clone()], weight, bias, dy);
                differentiate_gates(&values[range.clone()], grad, dy, gated_grad);
                dvalues.append(gated_grad);
                grad = dy;
            }
            differentiate(&x[range], weight, grad, first, second, memory, out);
            dx.append(out);
            drain(first, &mut firsts);
            drain(second, &mut seconds);
        }
        (firsts, seconds)
    });
    let (dweights, dbiases): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let sum = |parts: Vec<Vec<f64>>| {
        parallel::sum(parts, channels).into_iter().map(R::from_f64).collect::<Vec<_>>()
    };
    let gradients = Gradients { dx: dx.finish(), dweight: sum(dweights), dbias: sum(dbiases) };
    (gradients, dvalues.map(Fresh::finish))
}

/// Returns Σ term(row).
#[inline(always)]
fn sum<R: Real>(row: &[R], term: impl Fn(R) -> R) -> R {
    let mut lanes = [R::ZERO; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(*value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += term(*value);
    }
    lanes.iter().fold(R::ZERO, |sum, lane| sum + *lane)
}

/// Returns the mean of a row and the inverse of its deviation. `share` is 1/channels.
#[inline(always)]
fn mean_and_inverse<R: Real>(row: &[R], share: R) -> (R, R) {
    let mean = sum(row, |x| x) * share;
    let variance = sum(row, |x| (x - mean) * (x - mean)) * share;
    (mean, R::ONE / (variance + R::from_f64(EPSILON)).sqrt())
}

vectorised! {
    /// y = x̂ ∘ weight + bias, row by row.
    fn normalise<'a>(x: &'a [R], weight: &'a [R], bias: &'a [R], y: &'a mut [R]) {
        let width = weight.len().max(1);
        let share = R::from_f64(1.0 / width as f64);
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            let (mean, inverse) = mean_and_inverse(x, share);
            for ((y, x), (weight, bias)) in y.iter_mut().zip(x).zip(weight.iter().zip(bias)) {
                *y = ((*x - mean) * inverse).multiply_add::<FUSED>(*weight, *bias);
            }
        }
    }
}

vectorised! {
    /// Writes dx, and adds to dweight and dbias. `products` is memory for a row.
    fn differentiate<'a>(
        x: &'a [R], weight: &'a [R], grad: &'a [R], dweight: &'a mut [R], dbias: &'a mut [R],
        products: &'a mut [R], dx: &'a mut [R],
    ) {
        let width = weight.len().max(1);
        let share = R::from_f64(1.0 / width as f64);
        let rows = x.chunks_exact(width).zip(grad.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((x, grad), dx) in rows {
            let (mean, inverse) = mean_and_inverse(x, share);
            let sums = dweight.iter_mut().zip(&mut *dbias);
            let outs = dx.iter_mut().zip(&mut *products);
            for ((((x, grad), weight), (dweight, dbias)), (dx, product)) in
                x.iter().zip(grad).zip(weight).zip(sums).zip(outs)
            {
                let normal = (*x - mean) * inverse;
                *dweight = grad.multiply_add::<FUSED>(normal, *dweight);
                *dbias += *grad;
                *dx = *grad * *weight;
                *product = *dx * normal;
            }
            let first = sum(dx, |dx| dx) * share;
            let second = sum(products, |product| product) * share * inverse;
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = (*dx - first - (*x - mean) * second) * inverse;
            }
        }
    }
}

vectorised! {
    /// y ← values ∘ σ(y).
    fn multiply_by_gates<'a>(values: &'a [R], y: &'a mut [R]) {
        for (y, value) in y.iter_mut().zip(values) {
            *y = y.sigmoid::<FUSED>() * *value;
        }
    }
}

vectorised! {
    /// y ← grad ∘ values ∘ σ(y) ∘ (1 − σ(y)), dvalues = grad ∘ σ(y).
    fn differentiate_gates<'a>(values: &'a [R], grad: &'a [R], y: &'a mut [R], dvalues: &'a mut [R]) {
        for (((y, dvalue), value), grad) in y.iter_mut().zip(dvalues).zip(values).zip(grad) {
            let sigmoid = y.sigmoid::<FUSED>();
            *dvalue = *grad * sigmoid;
            *y = *dvalue * *value * (R::ONE - sigmoid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_gradient, close, dot, double, numbers, same_on_two_threads};
    use proptest::prelude::*;

    fn check<R: Real>(rows: usize, channels: usize, seed: u64, tolerance: f64) {
        let x = numbers::<R>(rows * channels, seed);
        let (weight, bias) = (numbers::<R>(channels, seed + 1), numbers::<R>(channels, seed + 2));
        let grad = numbers::<R>(rows * channels, seed + 3);
        let y = same_on_two_threads(|| forward(&x, &weight, &bias));
        let found = same_on_two_threads(|| backward(&x, &weight, &grad));
        let (mut expected, mut dx) = (Vec::new(), Vec::new());
        let (mut dweight, mut dbias) = (vec![0.0; channels], vec![0.0; channels]);
        for (row, grad) in double(&x).chunks_exact(channels).zip(double(&grad).chunks_exact(channels)) {
            let average = |values: &[f64]| values.iter().sum::<f64>() / channels as f64;
            let mean = average(row);
            let variance = average(&row.iter().map(|x| (x - mean).powi(2)).collect::<Vec<_>>());
            let inverse = 1.0 / (variance + EPSILON).sqrt();
            let normal: Vec<f64> = row.iter().map(|x| (x - mean) * inverse).collect();
            let dnormal: Vec<f64> = grad.iter().zip(&weight).map(|(g, w)| g * w.to_f64()).collect();
            let second = dot(&dnormal, &normal) / channels as f64;
            for c in 0..channels {
                expected.push(normal[c] * weight[c].to_f64() + bias[c].to_f64());
                dx.push((dnormal[c] - average(&dnormal) - normal[c] * second) * inverse);
                dweight[c] += grad[c] * normal[c];
                dbias[c] += grad[c];
            }
        }
        close(&double(&y), &expected, tolerance);
        close(&double(&found.dx), &dx, tolerance);
        close(&double(&found.dweight), &dweight, tolerance);
        close(&double(&found.dbias), &dbias, tolerance);

        let values = numbers::<R>(rows * channels, seed + 4);
        let out = same_on_two_threads(|| gate(&x, &weight, &bias, &values));
        let gates: Vec<f64> = y.iter().map(|y| 1.0 / (1.0 + (-y.to_f64()).exp())).collect();
        let gated: Vec<f64> = gates.iter().zip(&values).map(|(gate, value)| gate * value.to_f64()).collect();
        close(&double(&out), &gated, tolerance);
        let (found, dvalues) = same_on_two_threads(|| gate_backward(&x, [&weight, &bias], &values, &grad));
        let dgates = gates.iter().zip(&grad).map(|(gate, grad)| gate * grad.to_f64());
        close(&double(&dvalues), &dgates.collect::<Vec<_>>(), tolerance);
        let dy: Vec<R> = gated
            .iter()
            .zip(&gates)
            .zip(&grad)
            .map(|((gated, gate), grad)| R::from_f64(gated * (1.0 - gate) * grad.to_f64()))
            .collect();
        let expected = backward(&x, &weight, &dy);
        close(&double(&found.dx), &double(&expected.dx), tolerance);
        close(&double(&found.dweight), &double(&expected.dweight), tolerance);
        close(&double(&found.dbias), &double(&expected.dbias), tolerance);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn layers_of_any_shape(rows in 0usize..600, channels in 1usize..100, seed in 0u64..1000) {
            // The deviation of a row of few numbers may be small, and rounding errors are divided by it.
            if channels > 7 {
                check::<f32>(rows, channels, seed, 1e-4);
            }
            check::<f64>(rows, channels, seed, 1e-11);
        }
    }

    #[test]
    fn gradients_by_differences() {
        let (x, weight, bias) = (numbers::<f64>(24, 1), numbers::<f64>(6, 2), numbers::<f64>(6, 3));
        let grad = numbers::<f64>(24, 4);
        let found = backward(&x, &weight, &grad);
        let loss = |x: &[f64], weight: &[f64], bias: &[f64]| dot(&grad, &forward(x, weight, bias));
        check_gradient(&x, &found.dx, |x| loss(x, &weight, &bias));
        check_gradient(&weight, &found.dweight, |weight| loss(&x, weight, &bias));
        check_gradient(&bias, &found.dbias, |bias| loss(&x, &weight, bias));

        let values = numbers::<f64>(24, 5);
        let (found, dvalues) = gate_backward(&x, [&weight, &bias], &values, &grad);
        let loss = |x: &[f64], bias: &[f64], values: &[f64]| dot(&grad, &gate(x, &weight, bias, values));
        check_gradient(&x, &found.dx, |x| loss(x, &bias, &values));
        check_gradient(&bias, &found.dbias, |bias| loss(&x, bias, &values));
        check_gradient(&values, &dvalues, |values| loss(&x, &bias, values));
    }
}
