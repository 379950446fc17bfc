use super::*;
use crate::testing::{Edges, check_gradient, close, dot, double, numbers, same_on_two_threads};
use proptest::prelude::*;

/// The arrays of [`Triplets`] for random numbers; the pairs of an edge with itself stand for reverses.
struct Sample<R> {
    graph: Edges,
    spherical: Vec<R>,
    angular: Vec<R>,
    pair_offsets: Vec<i32>,
    w1: Vec<R>,
    w2: Vec<R>,
    x: Vec<R>,
    channels: usize,
}

impl<R: Real> Sample<R> {
    fn new(atoms: usize, most: usize, channels: usize, seed: u64) -> Self {
        let graph = Edges::random(atoms, most, seed);
        let topology = graph.topology();
        let edges = topology.edges();
        let mut pair_offsets = vec![0];
        let mut reversed = Vec::new();
        for j in 0..atoms {
            for out in topology.outgoing_of(j) {
                reversed.extend(topology.incoming_of(j).map(|edge| edge == *out as usize));
            }
            pair_offsets.push(reversed.len() as i32);
        }
        let mut angular = numbers::<R>(reversed.len() * ORDERS, seed + 2);
        for (factors, _) in angular.chunks_exact_mut(ORDERS).zip(&reversed).filter(|(_, reversed)| **reversed)
        {
            factors.fill(R::ZERO);
        }
        Sample {
            spherical: numbers(edges * SPHERICAL, seed + 3),
            angular,
            pair_offsets,
            w1: numbers(BASIS * SPHERICAL, seed + 4),
            w2: numbers(channels * BASIS, seed + 5),
            x: numbers(edges * channels, seed + 6),
            channels,
            graph,
        }
    }

    fn triplets(&self) -> Triplets<'_, R> {
        Triplets {
            spherical: &self.spherical,
            angular: &self.angular,
            pair_offsets: &self.pair_offsets,
            topology: self.graph.topology(),
        }
    }

    fn weights(&self) -> Weights<'_, R> {
        Weights { w1: &self.w1, w2: &self.w2 }
    }

    fn in_double(&self) -> Sample<f64> {
        let topology = self.graph.topology();
        Sample {
            graph: Edges::of(topology),
            spherical: double(&self.spherical),
            angular: double(&self.angular),
            pair_offsets: self.pair_offsets.clone(),
            w1: double(&self.w1),
            w2: double(&self.w2),
            x: double(&self.x),
            channels: self.channels,
        }
    }
}

/// The sum triplet by triplet: lin_sbf2(lin_sbf1 sbf_t) as section 4.2 of the specification writes it.
fn naive(sample: &Sample<f64>, x: &[f64], w1: &[f64], w2: &[f64]) -> Vec<f64> {
    let topology = sample.graph.topology();
    let channels = sample.channels;
    let mut y = vec![0.0; x.len()];
    for j in 0..topology.atoms() {
        let mut pair = sample.pair_offsets[j] as usize;
        for ji in topology.outgoing_of(j) {
            for kj in topology.incoming_of(j) {
                let sbf: Vec<f64> = (0..SPHERICAL)
                    .map(|q| {
                        sample.spherical[kj * SPHERICAL + q] * sample.angular[pair * ORDERS + q / RADIAL]
                    })
                    .collect();
                let hidden: Vec<f64> = w1.chunks_exact(SPHERICAL).map(|row| dot(row, &sbf)).collect();
                for (c, row) in w2.chunks_exact(BASIS).enumerate() {
                    y[*ji as usize * channels + c] += x[kj * channels + c] * dot(row, &hidden);
                }
                pair += 1;
            }
        }
    }
    y
}

fn check<R: Real>(sample: &Sample<R>, seed: u64, tolerance: f64) {
    let exact = sample.in_double();
    let y = same_on_two_threads(|| forward(sample.triplets(), &sample.x, sample.weights()));
    close(&double(&y), &naive(&exact, &exact.x, &exact.w1, &exact.w2), tolerance);

    // The sum is linear in each factor, so a gradient times a direction is the sum in that direction.
    let grad = numbers::<R>(sample.x.len(), seed);
    let gradients = same_on_two_threads(|| backward(sample.triplets(), &sample.x, sample.weights(), &grad));
    let grad = double(&grad);
    for direction in 0..3 {
        let x = numbers::<f64>(exact.x.len(), direction);
        let (w1, w2) = (numbers::<f64>(exact.w1.len(), direction), numbers::<f64>(exact.w2.len(), direction));
        close(
            &[
                dot(&double(&gradients.dx), &x),
                dot(&double(&gradients.dw1), &w1),
                dot(&double(&gradients.dw2), &w2),
            ],
            &[
                dot(&grad, &naive(&exact, &x, &exact.w1, &exact.w2)),
                dot(&grad, &naive(&exact, &exact.x, &w1, &exact.w2)),
                dot(&grad, &naive(&exact, &exact.x, &exact.w1, &w2)),
            ],
            10.0 * tolerance,
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn triplets_of_any_shape(atoms in 0usize..40, most in 0usize..14, channels in 1usize..40, seed in 0u64..1000) {
        check(&Sample::<f32>::new(atoms, most, channels, seed), seed, 1e-5);
        check(&Sample::<f64>::new(atoms, most, channels, seed), seed, 1e-12);
    }
}

#[test]
fn triplets_of_the_model() {
    check(&Sample::<f32>::new(100, 24, 64, 3), 3, 1e-5);
}

#[test]
fn gradients_by_differences() {
    let sample = Sample::<f64>::new(4, 4, 3, 5);
    let grad = numbers::<f64>(sample.x.len(), 6);
    let loss =
        |x: &[f64], w1: &[f64], w2: &[f64]| dot(&grad, &forward(sample.triplets(), x, Weights { w1, w2 }));
    let gradients = backward(sample.triplets(), &sample.x, sample.weights(), &grad);
    check_gradient(&sample.x, &gradients.dx, |x| loss(x, &sample.w1, &sample.w2));
    check_gradient(&sample.w1, &gradients.dw1, |w1| loss(&sample.x, w1, &sample.w2));
    check_gradient(&sample.w2, &gradients.dw2, |w2| loss(&sample.x, &sample.w1, w2));
}
