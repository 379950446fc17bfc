use super::*;
use crate::testing::{Edges, check_gradient, close, dot, double, numbers, same_on_two_threads};
use proptest::prelude::*;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Sums `term(edge, channel)` over the edges into each atom.
fn sums(topology: Topology<'_>, channels: usize, term: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut out = vec![0.0; topology.atoms() * channels];
    for (edge, target) in topology.target.iter().enumerate() {
        (0..channels).for_each(|c| out[*target as usize * channels + c] += term(edge, c));
    }
    out
}

fn check<R: Real>(atoms: usize, most: usize, channels: usize, seed: u64, tolerance: f64) {
    let graph = Edges::random(atoms, most, seed);
    let topology = graph.topology();
    let x: Vec<R> =
        numbers::<f64>(topology.edges() * 2 * channels, seed).iter().map(|x| R::from_f64(6.0 * x)).collect();
    let at = |edge: usize, c: usize| x[edge * 2 * channels + c].to_f64();
    let out = same_on_two_threads(|| sum(&x, channels, topology));
    let term = |edge: usize, c: usize| sigmoid(at(edge, c)) * softplus(at(edge, channels + c));
    close(&double(&out), &sums(topology, channels, term), tolerance);
    let grad = numbers::<R>(atoms * channels, seed + 1);
    let dx = same_on_two_threads(|| sum_backward(&x, &grad, topology));
    let expected: Vec<f64> = (0..x.len())
        .map(|k| {
            let (edge, c) = (k / (2 * channels), k % channels);
            let grad = grad[topology.target[edge] as usize * channels + c].to_f64();
            let (gate, core) = (at(edge, c), at(edge, channels + c));
            let is_gate = k % (2 * channels) < channels;
            let slope = if is_gate { softplus(core) * (1.0 - sigmoid(gate)) } else { sigmoid(core) };
            grad * sigmoid(gate) * slope
        })
        .collect();
    close(&double(&dx), &expected, tolerance);

    let gates = &x[..topology.edges() * channels];
    let values = numbers::<R>(atoms * channels, seed + 2);
    let (out, inverse) = same_on_two_threads(|| mean(gates, &values, topology));
    let gate = |edge: usize, c: usize| sigmoid(gates[edge * channels + c].to_f64());
    let value = |edge: usize, c: usize| values[topology.source[edge] as usize * channels + c].to_f64();
    let weights = sums(topology, channels, gate);
    let weighted = sums(topology, channels, |edge, c| gate(edge, c) * value(edge, c));
    let expected: Vec<f64> =
        weighted.iter().zip(&weights).map(|(sum, weight)| sum / (weight + 1e-6)).collect();
    close(&double(&out), &expected, tolerance);
    let all = [true; 2];
    let found = same_on_two_threads(|| mean_backward(gates, &values, [&out, &inverse], &grad, all, topology));
    let ratio: Vec<f64> = grad.iter().zip(&weights).map(|(g, weight)| g.to_f64() / (weight + 1e-6)).collect();
    let dgates: Vec<f64> = (0..gates.len())
        .map(|k| {
            let (edge, c) = (k / channels, k % channels);
            let target = topology.target[edge] as usize * channels + c;
            let gate = gate(edge, c);
            ratio[target] * (value(edge, c) - expected[target]) * gate * (1.0 - gate)
        })
        .collect();
    close(&double(&found.dgates.expect("wanted")), &dgates, tolerance);
    let mut dvalues = vec![0.0; atoms * channels];
    for (edge, source) in topology.source.iter().enumerate() {
        for c in 0..channels {
            let target = topology.target[edge] as usize * channels + c;
            dvalues[*source as usize * channels + c] += gate(edge, c) * ratio[target];
        }
    }
    close(&double(&found.dvalues.expect("wanted")), &dvalues, tolerance);
    let none = mean_backward(gates, &values, [&out, &inverse], &grad, [false; 2], topology);
    assert_eq!((none.dgates, none.dvalues), (None, None));
}

proptest! {
    #[test]
    fn gates_of_any_shape(atoms in 0usize..80, most in 0usize..40, channels in 1usize..40, seed in 0u64..1000) {
        check::<f32>(atoms, most, channels, seed, 2e-6);
        check::<f64>(atoms, most, channels, seed, 1e-13);
    }
}

#[test]
fn gradients_by_differences() {
    let graph = Edges::random(5, 5, 2);
    let topology = graph.topology();
    let channels = 3;
    let x = numbers::<f64>(topology.edges() * 2 * channels, 1);
    let grad = numbers::<f64>(5 * channels, 2);
    check_gradient(&x, &sum_backward(&x, &grad, topology), |x| dot(&grad, &sum(x, channels, topology)));
    let (gates, values) = (&x[..topology.edges() * channels], numbers::<f64>(5 * channels, 3));
    let (out, inverse) = mean(gates, &values, topology);
    let found = mean_backward(gates, &values, [&out, &inverse], &grad, [true; 2], topology);
    let loss = |gates: &[f64], values: &[f64]| dot(&grad, &mean(gates, values, topology).0);
    check_gradient(gates, &found.dgates.expect("wanted"), |gates| loss(gates, &values));
    check_gradient(&values, &found.dvalues.expect("wanted"), |values| loss(gates, values));
}

#[test]
fn far_arguments_neither_overflow_nor_vanish() {
    let topology = Topology {
        target: &[0; 2],
        source: &[0; 2],
        incoming: &[0, 2],
        outgoing: &[0, 2],
        outgoing_edges: &[0, 1],
    };
    let sums = sum(&[-200.0f32, 300.0, 200.0, -300.0], 1, topology);
    assert!(sums[0] >= 0.0 && sums[0] < 1e-30, "{sums:?}");
    let gradient = sum_backward(&[-200.0f32, 300.0, 200.0, -300.0], &[1.0], topology);
    assert!(gradient.iter().all(|value| value.abs() < 1e-30), "{gradient:?}");
    let (out, inverse) = mean(&[-200.0f32, -200.0], &[1.0], topology);
    assert!(out[0] >= 0.0 && out[0] < 1e-6 && inverse[0].is_finite());
}
