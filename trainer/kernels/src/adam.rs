//! Steps of Adam and AdamW on a parameter tensor, and the norm of a gradient.

use super::parallel;
use super::real::Real;
use crate::vectorised::vectorised;

/// Elements per task.
const CHUNK: usize = 1 << 14;
/// A mean of gradients whose magnitude is below this is set to zero. Where a gradient stays zero, the mean shrinks by β1
/// with each step until it is a subnormal number, with which many processors calculate some hundred times slower, and
/// rounding keeps it there.
const NEGLIGIBLE: f64 = 1e-30;
/// Number of independent sums in [`squared_norm`].
const LANES: usize = 16;

/// Settings of a step, with PyTorch's names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the mean of squared gradients.
    pub epsilon: f64,
    /// Decoupled weight decay (AdamW); 0 for Adam.
    pub weight_decay: f64,
    /// Number of this step, from 1.
    pub step: u32,
}

/// Factors of a step in the number type of the parameters.
#[derive(Clone, Copy)]
struct Factors<R> {
    keep: R,
    beta2: R,
    one_minus_beta1: R,
    one_minus_beta2: R,
    step_size: R,
    root_correction: R,
    epsilon: R,
    negligible: R,
}

/// Takes a step in place. With t = `settings.step` and the weight decay λ:
///
/// * p ← p·(1 − lr·λ)
/// * m ← m + (1−β1)(g − m), and 0 where |m| is then below 1e-30
/// * v ← β2·v + (1−β2)g²
/// * p ← p − lr/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)
///
/// # Panics
/// If the slices differ in length or the step is 0.
pub fn step<R: Real>(
    parameter: &mut [R],
    gradient: &[R],
    mean: &mut [R],
    square: &mut [R],
    settings: &Settings,
) {
    let length = parameter.len();
    assert!(settings.step > 0, "steps count from 1");
    assert_eq!(
        [gradient.len(), mean.len(), square.len()],
        [length; 3],
        "gradient and moments of {length} values"
    );
    let correction = |beta: f64| 1.0 - beta.powf(f64::from(settings.step));
    let factors = Factors {
        keep: R::from_f64(1.0 - settings.learning_rate * settings.weight_decay),
        beta2: R::from_f64(settings.beta2),
        one_minus_beta1: R::from_f64(1.0 - settings.beta1),
        one_minus_beta2: R::from_f64(1.0 - settings.beta2),
        step_size: R::from_f64(settings.learning_rate / correction(settings.beta1)),
        root_correction: R::from_f64(correction(settings.beta2).sqrt()),
        epsilon: R::from_f64(settings.epsilon),
        negligible: R::from_f64(NEGLIGIBLE),
    };
    let chunks = parameter.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK));
    let moments = mean.chunks_mut(CHUNK).zip(square.chunks_mut(CHUNK));
    parallel::map(
        chunks.zip(moments).collect(),
        || (),
        |_, ((parameter, gradient), (mean, square))| {
            update(parameter, gradient, mean, square, factors);
        },
    );
}

vectorised! {
    /// Takes the step on a chunk.
    fn update<'a>(
        parameter: &'a mut [R], gradient: &'a [R], mean: &'a mut [R], square: &'a mut [R], factors: Factors<R>,
    ) {
        let values = parameter.iter_mut().zip(gradient).zip(mean.iter_mut().zip(square));
        for ((parameter, gradient), (mean, square)) in values {
            let next = (*gradient - *mean).multiply_add::<FUSED>(factors.one_minus_beta1, *mean);
            let is_negligible = next < factors.negligible && -next < factors.negligible;
            *mean = if is_negligible { R::ZERO } else { next };
            let squared = *gradient * *gradient * factors.one_minus_beta2;
            *square = square.multiply_add::<FUSED>(factors.beta2, squared);
            let root = square.sqrt() / factors.root_correction + factors.epsilon;
            *parameter = *parameter * factors.keep - factors.step_size * (*mean / root);
        }
    }
}

/// Returns Σ x² in double precision. Chunks of fixed size are summed in order.
pub fn squared_norm<R: Real>(values: &[R]) -> f64 {
    let sums = parallel::map(
        values.chunks(CHUNK).collect(),
        || (),
        |_, chunk| {
            let mut sums = [0.0; LANES];
            add_squares(chunk, &mut sums);
            sums.iter().sum::<f64>()
        },
    );
    sums.into_iter().sum()
}

vectorised! {
    /// Adds the squares of every 16th element from k on to sums\[k\].
    fn add_squares<'a>(values: &'a [R], sums: &'a mut [f64; LANES]) {
        let (rows, rest) = values.as_chunks::<LANES>();
        for row in rows {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = value.to_f64().multiply_add::<FUSED>(value.to_f64(), *sum);
            }
        }
        for (sum, value) in sums.iter_mut().zip(rest) {
            *sum += value.to_f64() * value.to_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, double, numbers, same_on_two_threads};
    use proptest::prelude::*;

    const SETTINGS: Settings =
        Settings { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, step: 1 };

    /// Takes a step on one element by the formulas of the documentation in double precision.
    fn naive([p, g, m, v]: [f64; 4], s: &Settings) -> [f64; 3] {
        let t = f64::from(s.step);
        let m = s.beta1 * m + (1.0 - s.beta1) * g;
        let v = s.beta2 * v + (1.0 - s.beta2) * g * g;
        let root = v.sqrt() / (1.0 - s.beta2.powf(t)).sqrt() + s.epsilon;
        let p = p * (1.0 - s.learning_rate * s.weight_decay);
        [p - s.learning_rate / (1.0 - s.beta1.powf(t)) * m / root, m, v]
    }

    proptest! {
        #[test]
        fn steps_by_the_formula(length in 0usize..100, weight_decay in 0.0f64..0.1, seed in 0u64..1000) {
            let gradients: Vec<Vec<f64>> = (0..3).map(|k| numbers(length, seed + k)).collect();
            let start = numbers::<f64>(length, seed + 9);
            let (mut p, mut m, mut v) = (start.clone(), vec![0.0; length], vec![0.0; length]);
            let mut expected: Vec<[f64; 3]> = start.iter().map(|p| [*p, 0.0, 0.0]).collect();
            for (k, gradient) in gradients.iter().enumerate() {
                let settings = Settings { weight_decay, step: k as u32 + 1, ..SETTINGS };
                step(&mut p, gradient, &mut m, &mut v, &settings);
                for ([p, m, v], g) in expected.iter_mut().zip(gradient) {
                    [*p, *m, *v] = naive([*p, *g, *m, *v], &settings);
                }
            }
            close(&p, &expected.iter().map(|row| row[0]).collect::<Vec<_>>(), 1e-13);
            close(&m, &expected.iter().map(|row| row[1]).collect::<Vec<_>>(), 1e-13);
            close(&v, &expected.iter().map(|row| row[2]).collect::<Vec<_>>(), 1e-13);
        }
    }

    #[test]
    fn the_first_step_moves_by_the_learning_rate() {
        let mut parameter = [1.0f32, -2.0];
        step(&mut parameter, &[0.5, -3.0], &mut [0.0; 2], &mut [0.0; 2], &SETTINGS);
        close(&double(&parameter), &[0.999, -1.999], 1e-6);
    }

    #[test]
    fn a_mean_of_gradients_ends_at_zero() {
        let (mut p, mut m, mut v) = ([1.0f32; 2], [1e-3, -1e-3], [1e-6; 2]);
        for step_number in 1..1000 {
            step(&mut p, &[0.0; 2], &mut m, &mut v, &Settings { step: step_number, ..SETTINGS });
        }
        assert_eq!(m, [0.0; 2]);
    }

    #[test]
    fn chunks_and_threads_do_not_matter() {
        let length = 2 * CHUNK + 5;
        let gradient = numbers::<f32>(length, 1);
        let (p, norm) = same_on_two_threads(|| {
            let (mut p, mut m, mut v) = (numbers::<f32>(length, 2), vec![0.1; length], vec![0.2; length]);
            step(&mut p, &gradient, &mut m, &mut v, &SETTINGS);
            (p, squared_norm(&gradient))
        });
        let expected: f64 = double(&gradient).iter().map(|x| x * x).sum();
        close(&[norm], &[expected], 1e-13);
        let row = naive(
            [f64::from(numbers::<f32>(length, 2)[length - 1]), f64::from(gradient[length - 1]), 0.1, 0.2],
            &SETTINGS,
        );
        close(&[f64::from(p[length - 1])], &row[..1], 1e-6);
    }
}
