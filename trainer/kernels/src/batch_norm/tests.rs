use super::*;
use crate::gated;
use crate::testing::{Edges, check_gradient, close, dot, double, numbers, same_on_two_threads};
use proptest::prelude::*;

/// Means and biased variances by the definition.
fn naive(x: &[f64], channels: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = (x.len() / channels).max(1) as f64;
    let column = |channel: usize| x.iter().skip(channel).step_by(channels);
    let mean: Vec<f64> = (0..channels).map(|channel| column(channel).sum::<f64>() / rows).collect();
    let squares = |channel: usize| column(channel).map(|x| (x - mean[channel]).powi(2)).sum::<f64>();
    let variance = (0..channels).map(|channel| squares(channel) / rows).collect();
    (mean, variance)
}

/// y with the moments of x, and its dot product with `grad`.
fn loss(x: &[f64], weight: &[f64], bias: &[f64], activation: Activation, grad: &[f64]) -> f64 {
    let (mean, variance) = naive(x, weight.len());
    let layer = Layer { mean: &mean, variance: &variance, weight, bias, activation };
    dot(grad, &forward(layer, x, None))
}

/// The sums divided by a number of rows.
fn means(sums: &Sums, rows: usize) -> Sums {
    let share = |sums: &[f64]| sums.iter().map(|sum| sum / rows as f64).collect();
    Sums { dz: share(&sums.dz), dz_x: share(&sums.dz_x) }
}

fn check<R: Real>(rows: usize, channels: usize, with_residual: bool, seed: u64, tolerance: f64) {
    let x = numbers::<R>(rows * channels, seed);
    let (weight, bias) = (numbers::<R>(channels, seed + 1), numbers::<R>(channels, seed + 2));
    let residual = with_residual.then(|| numbers::<R>(rows * channels, seed + 3));
    let found = same_on_two_threads(|| moments(&x, channels));
    let (mean, variance) = naive(&double(&x), channels);
    close(&found.mean, &mean, tolerance);
    let squares: Vec<f64> = variance.iter().map(|variance| variance * rows as f64).collect();
    close(&found.squares, &squares, tolerance);

    let activation = Activation::Silu;
    let layer = Layer { mean: &mean, variance: &variance, weight: &weight, bias: &bias, activation };
    let y = same_on_two_threads(|| forward(layer, &x, residual.as_deref()));
    let grad = numbers::<R>(rows * channels, seed + 4);
    let (mut expected, mut sums) = (Vec::new(), Sums { dz: vec![0.0; channels], dz_x: vec![0.0; channels] });
    for k in 0..rows * channels {
        let channel = k % channels;
        let normal = (x[k].to_f64() - mean[channel]) / (variance[channel] + EPSILON).sqrt();
        let z = normal * weight[channel].to_f64() + bias[channel].to_f64();
        let sigmoid = 1.0 / (1.0 + (-z).exp());
        expected.push(z * sigmoid + residual.as_ref().map_or(0.0, |residual| residual[k].to_f64()));
        let dz = grad[k].to_f64() * sigmoid * (1.0 + z * (1.0 - sigmoid));
        sums.dz[channel] += dz;
        sums.dz_x[channel] += dz * normal;
    }
    close(&double(&y), &expected, 10.0 * tolerance);
    let found = same_on_two_threads(|| backward_sums(layer, &x, &grad));
    close(&found.dz, &sums.dz, 10.0 * tolerance);
    close(&found.dz_x, &sums.dz_x, 10.0 * tolerance);
    same_on_two_threads(|| backward_x(layer, &x, &grad, &means(&sums, rows.max(1))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn layers_of_any_shape(rows in 0usize..700, channels in 1usize..80, with_residual: bool, seed in 0u64..1000) {
        check::<f32>(rows, channels, with_residual, seed, 1e-6);
        check::<f64>(rows, channels, with_residual, seed, 1e-13);
    }
}

#[test]
fn gradients_by_differences() {
    let (rows, channels) = (7, 3);
    let x: Vec<f64> = numbers::<f64>(rows * channels, 1).iter().map(|x| 3.0 * x + 1.0).collect();
    let (weight, bias) = (numbers::<f64>(channels, 2), numbers::<f64>(channels, 3));
    let grad = numbers::<f64>(x.len(), 4);
    for activation in Activation::ALL {
        // The slope of ReLU jumps at 0, away from all z here.
        let (mean, variance) = naive(&x, channels);
        let layer = Layer { mean: &mean, variance: &variance, weight: &weight, bias: &bias, activation };
        let sums = backward_sums(layer, &x, &grad);
        let dx = backward_x(layer, &x, &grad, &means(&sums, rows));
        check_gradient(&x, &dx, |x| loss(x, &weight, &bias, activation, &grad));
        check_gradient(&weight, &sums.dz_x, |weight| loss(&x, weight, &bias, activation, &grad));
        check_gradient(&bias, &sums.dz, |bias| loss(&x, &weight, bias, activation, &grad));

        // Moments that do not depend on x.
        let zeros = means(&Sums { dz: vec![0.0; channels], dz_x: vec![0.0; channels] }, 1);
        let dx = backward_x(layer, &x, &grad, &zeros);
        check_gradient(&x, &dx, |x| dot(&grad, &forward(layer, x, None)));
    }
}

#[test]
fn gated_sums_are_those_of_the_normalised_rows() {
    for (atoms, most, half) in [(40, 30, 5), (60, 9, 37), (3, 0, 2), (0, 0, 1)] {
        let graph = Edges::random(atoms, most, 6);
        let (topology, channels) = (graph.topology(), 2 * half);
        let x = numbers::<f64>(topology.edges() * channels, 1);
        let (weight, bias) = (numbers::<f64>(channels, 2), numbers::<f64>(channels, 3));
        let (mean, variance) = naive(&x, channels);
        let activation = Activation::Identity;
        let layer = Layer { mean: &mean, variance: &variance, weight: &weight, bias: &bias, activation };
        let out = same_on_two_threads(|| gated_sum::forward(layer, &x, topology));
        let z = forward(layer, &x, None);
        close(&out, &gated::sum(&z, half, topology), 1e-14);
        let grad = numbers::<f64>(atoms * half, 4);
        let dz = gated::sum_backward(&z, &grad, topology);
        let sums = same_on_two_threads(|| gated_sum::backward_sums(layer, &x, &grad, topology));
        let expected = backward_sums(layer, &x, &dz);
        close(&sums.dz, &expected.dz, 1e-13);
        close(&sums.dz_x, &expected.dz_x, 1e-13);
        let means = means(&sums, topology.edges().max(1));
        let dx = same_on_two_threads(|| gated_sum::backward_x(layer, &x, &grad, &means, topology));
        close(&dx, &backward_x(layer, &x, &dz, &means), 1e-13);
    }
}

#[test]
fn moments_of_many_rows_far_from_zero_keep_their_digits() {
    let (rows, channels) = (15_000, 5);
    for offset in [0.0, 3.0, -1000.0] {
        let x: Vec<f32> = numbers::<f32>(rows * channels, 8).iter().map(|x| x + offset).collect();
        let (mean, variance) = naive(&double(&x), channels);
        let found = moments(&x, channels);
        for channel in 0..channels {
            let deviation = variance[channel].sqrt();
            let error = (found.mean[channel] - mean[channel]).abs() / deviation;
            assert!(error < 1e-6, "mean of {offset}: {error:e}");
            let error = (found.squares[channel] / rows as f64 / variance[channel] - 1.0).abs();
            assert!(error < 1e-6, "variance of {offset}: {error:e}");
        }
    }
}

#[test]
fn columns_of_one_number_have_no_variance() {
    let x = vec![0.1f32; 600];
    let found = moments(&x, 2);
    assert_eq!(found.squares, [0.0; 2]);
    let layer = Layer {
        mean: &found.mean,
        variance: &found.squares,
        weight: &[1.0f32; 2],
        bias: &[0.5; 2],
        activation: Activation::Identity,
    };
    assert!(forward(layer, &x, None).iter().all(|y| (y - 0.5).abs() < 1e-4));
    let none = moments::<f32>(&[], 2);
    assert_eq!((none.mean, none.squares), (vec![0.0; 2], vec![0.0; 2]));
}
