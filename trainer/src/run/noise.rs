//! Noise on the weights and gradients of a model in training.
//!
//! * Weights: a batch is computed with `w + σ rms(w) ξ` (An 1996, doi:10.1162/neco.1996.8.3.643). The step changes w.
//!   Weights that are not learnt have no noise.
//! * Gradients: `g + η (1 + t)^−γ rms(g) ξ` after t steps, clipped before (Neelakantan et al., arXiv 1511.06807, with
//!   γ = 0.55/2 and without rms(g): Adam's steps do not depend on the size of gradients, which noise of a fixed size would
//!   swamp or miss).
//!
//! σ is `noise.weights`, η is `noise.gradient` and γ is `noise.gradient_decay`.
//!
//! ξ are independent numbers with the normal distribution of mean 0 and variance 1, and rms is the root mean square over
//! a parameter: a matrix or a vector of the model. They depend on the seed, the step and the batch of the step alone, so
//! that all ranks draw the same.

use burn::module::Module;
use burn::prelude::*;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::config::NoiseConfig;
use crate::data::random::{Purpose, keyed};
use crate::model::names;
use crate::ops::upload;
use crate::optimiser::{Gradients, flat_parameters, replace};

/// The noise of a run on weights and gradients.
#[derive(Debug, Clone)]
pub struct TrainingNoise {
    config: NoiseConfig,
    seed: u64,
}

impl TrainingNoise {
    /// Creates the noise of a run; `None` if none is configured.
    pub fn new(config: &NoiseConfig, seed: u64) -> Option<Self> {
        let is_some = config.weights > 0.0 || config.gradient > 0.0;
        is_some.then(|| Self { config: config.clone(), seed })
    }

    /// Returns a model with noise on the weights that `learns` holds for, with which the losses of a batch are computed.
    /// `steps` counts the steps before, `batches` the batches of this step before; `None` if there is no noise on weights.
    pub fn on_weights<M: Module>(
        &self,
        model: &M,
        steps: u64,
        batches: usize,
        learns: impl Fn(&str) -> bool,
    ) -> Option<M> {
        if self.config.weights == 0.0 {
            return None;
        }
        let mut generator = keyed(Purpose::WeightNoise, self.seed, steps, batches as u64);
        let learnt = flat_parameters(model).into_iter();
        let learnt = learnt.filter(|(name, _)| names::is_trained(name) && learns(name));
        let noisy = learnt.map(|(name, weights)| {
            let noise = noise(&weights, self.config.weights, &mut generator);
            (name, weights + noise)
        });
        Some(replace(model.clone(), noisy.collect(), |_, _, noisy| noisy))
    }

    /// Adds noise to the gradients of a step. `steps` counts the steps before.
    pub fn on_gradients(&self, gradients: &mut Gradients, steps: u64) {
        let NoiseConfig { gradient, gradient_decay, .. } = self.config;
        if gradient == 0.0 {
            return;
        }
        let deviation = gradient * (1.0 + steps as f64).powf(-gradient_decay);
        let mut generator = keyed(Purpose::GradientNoise, self.seed, steps, 0);
        gradients.replace(|gradient| {
            let noise = noise(&gradient, deviation, &mut generator);
            gradient + noise
        });
    }
}

/// Draws noise on numbers with a standard deviation in units of their root mean square.
fn noise(numbers: &Tensor<1>, deviation: f64, generator: &mut ChaCha8Rng) -> Tensor<1> {
    let [count] = numbers.dims();
    let draws: Vec<f32> = generator.sample_iter(StandardNormal).take(count).collect();
    let draws = upload::constants(draws, numbers.dtype(), &numbers.device());
    let scale = numbers.clone().powi_scalar(2).mean().sqrt() * deviation;
    draws * scale
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burn::module::Param;

    use super::*;

    /// Numbers of a parameter, enough for statistics.
    const COUNT: usize = 20_000;

    /// Statistics, which are not learnt.
    #[derive(Module, Debug)]
    struct Statistics {
        running_mean: Param<Tensor<1>>,
    }

    /// A layer with statistics.
    #[derive(Module, Debug)]
    struct Layer {
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
        norm: Statistics,
    }

    fn layer() -> Layer {
        let device = Device::flex().autodiff();
        let full = |value: f32| Tensor::<1>::full([COUNT], value, &device);
        Layer {
            weight: Param::from_tensor(full(-2.0).reshape([COUNT / 2, 2]).require_grad()),
            bias: Param::from_tensor(full(0.0).require_grad()),
            norm: Statistics { running_mean: Param::from_tensor(full(5.0).require_grad()) },
        }
    }

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    /// Returns mean and standard deviation.
    fn moments(numbers: &[f32]) -> (f64, f64) {
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / numbers.len() as f64;
        let first = mean(&mut numbers.iter().map(|&number| number.into()));
        let second = mean(&mut numbers.iter().map(|&number| (f64::from(number) - first).powi(2)));
        (first, second.sqrt())
    }

    fn assert_moments(numbers: &[f32], mean: f64, deviation: f64) {
        let found = moments(numbers);
        // Four standard errors, and some for single precision.
        let tolerance = 4.0 * deviation / (COUNT as f64).sqrt() + 1e-6;
        assert!((found.0 - mean).abs() < tolerance && (found.1 - deviation).abs() < tolerance, "{found:?}");
    }

    fn noise(config: NoiseConfig) -> TrainingNoise {
        TrainingNoise::new(&config, 7).expect("there is noise")
    }

    #[test]
    fn none_is_the_default() {
        assert!(TrainingNoise::new(&NoiseConfig::default(), 7).is_none());
        let of_crystals = NoiseConfig { displacement: 0.1, strain: 0.1, ..NoiseConfig::default() };
        assert!(TrainingNoise::new(&of_crystals, 7).is_none());
    }

    #[test]
    fn weights_have_noise_relative_to_their_own_size() {
        let noise = noise(NoiseConfig { weights: 0.1, ..NoiseConfig::default() });
        let model = layer();
        let noisy = noise.on_weights(&model, 3, 0, |_| true).expect("noise");
        assert_moments(&numbers(noisy.weight.val()), -2.0, 0.2);
        assert!(numbers(noisy.bias.val()).iter().all(|number| *number == 0.0), "it has no size");
        assert!(
            numbers(noisy.norm.running_mean.val()).iter().all(|number| *number == 5.0),
            "it is no weight"
        );
        assert!(noisy.weight.val().is_require_grad());
        assert!(numbers(model.weight.val()).iter().all(|number| *number == -2.0), "the weights stay");
        let again = |steps, batches| {
            numbers(noise.on_weights(&model, steps, batches, |_| true).expect("noise").weight.val())
        };
        assert!(again(3, 0) == numbers(noisy.weight.val()));
        assert!(again(3, 1) != again(3, 0) && again(4, 0) != again(3, 0));
        let frozen = noise.on_weights(&model, 3, 0, |name| name != "weight").expect("noise");
        assert!(numbers(frozen.weight.val()) == numbers(model.weight.val()), "it is not learnt");
        let mut gradients = Gradients::default();
        noise.on_gradients(&mut gradients, 0);
        assert!(gradients.tensors().is_empty());
    }

    #[test]
    fn noise_on_gradients_falls() {
        let noise = noise(NoiseConfig { gradient: 0.4, gradient_decay: 0.5, ..NoiseConfig::default() });
        assert!(noise.on_weights(&layer(), 0, 0, |_| true).is_none());
        let tensor = |value: f32| Tensor::<1>::full([COUNT], value, &Device::flex());
        let drawn = |steps| {
            let named = [("a", 3.0), ("b", 0.5)].map(|(name, value)| (name.to_owned(), tensor(value)));
            let mut gradients = Gradients::from_tensors(BTreeMap::from(named));
            noise.on_gradients(&mut gradients, steps);
            gradients.tensors().into_values().map(numbers).collect::<Vec<_>>()
        };
        for (steps, factor) in [(0, 1.0), (3, 0.5)] {
            let found = drawn(steps);
            assert_moments(&found[0], 3.0, 0.4 * 3.0 * factor);
            assert_moments(&found[1], 0.5, 0.4 * 0.5 * factor);
        }
        assert!(drawn(5) == drawn(5));
    }
}
