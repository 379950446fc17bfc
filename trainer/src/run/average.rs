//! Averages of a model's weights over a run.
//!
//! * Exponential moving average (Polyak and Juditsky 1992, doi:10.1137/0330046): `a ← d a + (1 − d) w` after every step,
//!   with `d = min(decay, (1 + t)/(10 + t))` after t steps.
//! * Stochastic weight averaging (Izmailov et al., arXiv 1803.05407): the mean of the weights at the ends of epochs.
//!
//! The running statistics of batch normalisations are averaged as the weights are.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::prelude::*;

use crate::config::AverageConfig;
use crate::config::average::AverageKind;
use crate::optimiser::{flat_parameters, replace};
use crate::run::snapshot;
use crate::weights::{self, Mismatch};

/// The average of a model's weights.
#[derive(Debug)]
pub struct WeightAverage {
    config: AverageConfig,
    /// The average; `None` before the first weights.
    mean: Option<Mean>,
}

/// The averages of all parameters.
#[derive(Debug)]
struct Mean {
    /// Names and numbers of elements of the parameters, in the model's order.
    members: Vec<(String, usize)>,
    /// The averages one after the other.
    values: Tensor<1>,
}

impl Mean {
    /// Joins parameters, which are flat.
    fn of(parameters: Vec<(String, Tensor<1>)>) -> Self {
        let members = parameters.iter().map(|(name, tensor)| (name.clone(), tensor.dims()[0])).collect();
        let tensors = parameters.into_iter().map(|(_, tensor)| tensor).collect();
        Self { members, values: Tensor::cat(tensors, 0) }
    }
}

impl WeightAverage {
    /// Creates an average of no weights; `None` if none is configured.
    pub fn new(config: &AverageConfig) -> Option<Self> {
        (config.kind != AverageKind::None).then(|| Self { config: config.clone(), mean: None })
    }

    /// Adds the weights after a step. `steps` counts the steps so far.
    pub fn after_step<M: Module>(&mut self, model: &M, steps: u64) {
        if self.config.kind == AverageKind::Ema {
            let steps = steps as f64;
            let decay = self.config.decay.min((1.0 + steps) / (10.0 + steps));
            self.add(model, 1.0 - decay);
        }
    }

    /// Adds the weights after an epoch. `epochs` counts the epochs so far.
    pub fn after_epoch<M: Module>(&mut self, model: &M, epochs: u64) {
        if self.config.kind == AverageKind::Swa && epochs >= self.config.first_epoch {
            self.add(model, 1.0 / (epochs - self.config.first_epoch + 1) as f64);
        }
    }

    /// Moves the average to the weights by a share of the distance between them. The first weights are the average.
    fn add<M: Module>(&mut self, model: &M, share: f64) {
        let Mean { members, values: weights } = Mean::of(flat_parameters(model));
        let values = match self.mean.take() {
            // A weight that does not change is its own average, bit for bit.
            Some(Mean { values, .. }) => values.clone() + (weights - values) * share,
            // A product is a copy. The optimiser may change the weights themselves in place.
            None => weights * 1.0,
        };
        self.mean = Some(Mean { members, values });
    }

    /// Returns a model with the average in the place of its weights; the model as it is before the first weights.
    pub fn placed_in<M: Module>(&self, model: M) -> M {
        replace(model, self.by_name(|values| values), |_, _, average| average)
    }

    /// Returns the averages by the names of their parameters, for a checkpoint. They have one dimension.
    pub(super) fn tensors(&self) -> BTreeMap<String, weights::Tensor> {
        self.by_name(|values| snapshot::stored(values.dims().to_vec(), values.into_data()))
    }

    /// Restores the average of an earlier run of this model.
    ///
    /// # Errors
    /// [`Mismatch`] if averages are missing, unexpected or of another size.
    pub(super) fn restore<M: Module>(
        &mut self,
        model: &M,
        mut averages: BTreeMap<String, weights::Tensor>,
        device: &Device,
    ) -> Result<(), Mismatch> {
        if averages.is_empty() {
            self.mean = None;
            return Ok(());
        }
        let parameters = flat_parameters(model);
        let shapes: Vec<(&str, [usize; 1])> =
            parameters.iter().map(|(name, tensor)| (name.as_str(), tensor.dims())).collect();
        weights::check(shapes.iter().map(|(name, shape)| (*name, shape.as_slice())), &averages, &[])?;
        let restored = parameters.into_iter().map(|(name, weights)| {
            let average = averages.remove(&name).map(|average| snapshot::tensor(average, device));
            (name, average.unwrap_or(weights))
        });
        self.mean = Some(Mean::of(restored.collect()));
        Ok(())
    }

    fn by_name<T>(&self, of: impl Fn(Tensor<1>) -> T) -> BTreeMap<String, T> {
        let Some(Mean { members, values }) = &self.mean else { return BTreeMap::new() };
        let sizes = members.iter().map(|(_, size)| *size).collect();
        let parts = values.clone().split_with_sizes(sizes, 0).into_iter().map(of);
        members.iter().map(|(name, _)| name.clone()).zip(parts).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;

    use super::*;

    /// Greatest difference from an average by hand.
    const TOLERANCE: f64 = 1e-6;

    /// A vector and a matrix.
    #[derive(Module, Debug)]
    struct Layer {
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
    }

    /// Returns a layer with the weights `[[x, x + 1], [x + 2, x + 3]]` and the bias `[−x, x²]`.
    fn layer(x: f32) -> Layer {
        let device = Device::flex().autodiff();
        let tensor = |values: &[f32]| Tensor::<1>::from_floats(values, &device);
        Layer {
            weight: Param::from_tensor(
                tensor(&[x, x + 1.0, x + 2.0, x + 3.0]).reshape([2, 2]).require_grad(),
            ),
            bias: Param::from_tensor(tensor(&[-x, x * x]).require_grad()),
        }
    }

    fn numbers(layer: &Layer) -> Vec<f64> {
        let weight = layer.weight.val().into_data().iter::<f64>().collect::<Vec<_>>();
        weight.into_iter().chain(layer.bias.val().into_data().iter::<f64>()).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        let is_close = |(found, expected): (&f64, &f64)| (found - expected).abs() < TOLERANCE;
        assert!(found.iter().zip(expected).all(is_close), "{found:?} instead of {expected:?}");
    }

    fn average(settings: AverageConfig) -> WeightAverage {
        WeightAverage::new(&settings).expect("one is configured")
    }

    #[test]
    fn none_is_the_default() {
        assert!(WeightAverage::new(&AverageConfig::default()).is_none());
    }

    #[test]
    fn the_moving_average_forgets_at_the_decay() {
        let ema = AverageConfig { kind: AverageKind::Ema, decay: 0.3, ..AverageConfig::default() };
        let mut average = average(ema);
        let weights = [1.0, 2.0, -1.0, 0.5, 3.0];
        assert_close(&numbers(&average.placed_in(layer(7.0))), &numbers(&layer(7.0)));
        let mut expected = numbers(&layer(1.0));
        for (steps, x) in (1..).zip(weights) {
            average.after_step(&layer(x), steps);
            average.after_epoch(&layer(100.0), steps);
            // 2/11, 3/12 and 4/13 = 0.3077.
            let decay = [2.0 / 11.0, 0.25, 0.3, 0.3, 0.3][steps as usize - 1];
            if steps > 1 {
                let new = numbers(&layer(x));
                expected =
                    expected.iter().zip(new).map(|(old, new)| decay * old + (1.0 - decay) * new).collect();
            }
            assert_close(&numbers(&average.placed_in(layer(9.0))), &expected);
        }
    }

    #[test]
    fn the_mean_is_that_of_the_last_weights_of_epochs() {
        let mut average =
            average(AverageConfig { kind: AverageKind::Swa, first_epoch: 2, ..AverageConfig::default() });
        average.after_epoch(&layer(50.0), 1);
        average.after_step(&layer(60.0), 1);
        assert_close(&numbers(&average.placed_in(layer(7.0))), &numbers(&layer(7.0)));
        for (epochs, x) in [(2, 1.0), (3, 2.0), (4, 6.0)] {
            average.after_epoch(&layer(x), epochs);
        }
        assert_close(&numbers(&average.placed_in(layer(7.0))), &[3.0, 4.0, 5.0, 6.0, -3.0, 41.0 / 3.0]);
    }

    #[cfg(feature = "tch")]
    #[test]
    fn steps_in_place_leave_the_average_alone() {
        use crate::config::OptimiserConfig;
        use crate::device::DeviceName;
        use crate::optimiser::{Gradients, Optimiser, Rates};

        let device = DeviceName::Libtorch.open().expect("always there").autodiff();
        let ones = |count: usize| Tensor::<1>::ones([count], &device);
        let mut model = Layer {
            weight: Param::from_tensor(ones(4).reshape([2, 2]).require_grad()),
            bias: Param::from_tensor(ones(2).require_grad()),
        };
        let config = OptimiserConfig { learning_rate: 0.1, ..OptimiserConfig::default() };
        let mut optimiser = Optimiser::new(&config);
        let mut average = average(AverageConfig { kind: AverageKind::Swa, ..AverageConfig::default() });
        let mut kept = Vec::new();
        for epoch in 1..4 {
            let loss = model.weight.val().sum() + model.bias.val().sum();
            let gradients =
                Gradients::collect_joined(&model, loss.backward(), |name| optimiser.group_of(name));
            model = optimiser.step(model, gradients, Rates::of(&config));
            let before = average.tensors();
            kept.push(numbers(&model)[0]);
            assert_eq!(average.tensors(), before, "the step has changed the average");
            average.after_epoch(&model, epoch);
        }
        let mean = kept.iter().sum::<f64>() / 3.0;
        assert!(kept[2] < kept[0]);
        assert_close(&numbers(&average.placed_in(model)), &[mean; 6]);
    }

    #[test]
    fn a_restored_average_goes_on_with_the_same_bits() {
        let settings = AverageConfig { kind: AverageKind::Ema, decay: 0.9, ..AverageConfig::default() };
        let mut whole = average(settings.clone());
        (1..4).zip([0.1, 0.7, 0.3]).for_each(|(steps, x)| whole.after_step(&layer(x), steps));
        let mut resumed = average(settings);
        let device = Device::flex();
        let restored = resumed.restore(&layer(0.3), whole.tensors(), &device);
        restored.expect("they are those of the layer");
        for (steps, x) in (4..).zip([0.9, 0.2]) {
            whole.after_step(&layer(x), steps);
            resumed.after_step(&layer(x), steps);
        }
        assert_eq!(whole.tensors(), resumed.tensors());
        let mut other = whole.tensors();
        other.remove("bias");
        resumed.restore(&layer(0.3), other, &device).expect_err("one is missing");
        resumed.restore(&layer(0.3), BTreeMap::new(), &device).expect("there was no step yet");
        assert!(resumed.tensors().is_empty());
    }
}
