//! Adam and AdamW with PyTorch's formulas and defaults (specification, section 6).

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use kernels::adam::Settings;

use super::Gradients;
use crate::config::optimiser::{OptimiserConfig, OptimiserKind};
use crate::device::{self, Operations};
use crate::model::names::Path;
use crate::ops::fused;
#[cfg(feature = "tch")]
use crate::ops::libtorch;

/// Running means of a parameter's gradient and of its square, as flat tensors.
#[derive(Debug, Clone)]
pub struct Moments {
    /// Mean m of the gradient.
    pub first: Tensor<1>,
    /// Mean v of the squared gradient.
    pub second: Tensor<1>,
}

/// The settings of one step that a schedule determines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay β1 of the mean of gradients.
    pub beta1: f64,
}

/// Adam or AdamW: the moments of every parameter and the number of steps so far.
///
/// AdamW takes the step
/// `m ← β1 m + (1 − β1) g`, `v ← β2 v + (1 − β2) g²`, `w ← w − lr · decay · w − lr · m̂ / (√v̂ + ε)`
/// with `m̂ = m/(1 − β1ᵗ)` and `v̂ = v/(1 − β2ᵗ)`. Adam adds `decay · w` to g instead of shrinking w.
#[derive(Debug)]
pub struct Adam {
    beta2: f64,
    epsilon: f64,
    /// Weight decay of AdamW, which shrinks the weights directly.
    decoupled_decay: f64,
    /// Weight decay of Adam, which is added to the gradient.
    coupled_decay: f64,
    /// Prefixes of the parameters with a learning rate of their own, and its ratio to the common one.
    special: Option<(&'static [&'static str], f64)>,
    steps: u32,
    moments: BTreeMap<String, Moments>,
}

impl Adam {
    /// Creates an optimiser without any steps.
    pub fn new(config: &OptimiserConfig) -> Self {
        let (coupled_decay, decoupled_decay) = match config.kind {
            OptimiserKind::Adam => (config.weight_decay, 0.0),
            OptimiserKind::AdamW => (0.0, config.weight_decay),
        };
        Self {
            beta2: config.beta2,
            epsilon: config.epsilon,
            decoupled_decay,
            coupled_decay,
            special: None,
            steps: 0,
            moments: BTreeMap::new(),
        }
    }

    /// Multiplies the learning rate of the parameters whose name begins with one of `prefixes` by `factor`.
    pub fn with_rate_factor(self, prefixes: &'static [&'static str], factor: f64) -> Self {
        Self { special: Some((prefixes, factor)), ..self }
    }

    /// Returns the factor of a parameter's learning rate.
    fn rate_factor(&self, name: &str) -> f64 {
        self.special
            .filter(|(prefixes, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .map_or(1.0, |(_, factor)| factor)
    }

    /// Restores the state of an earlier run.
    pub fn restore(&mut self, steps: u32, moments: BTreeMap<String, Moments>) {
        self.steps = steps;
        self.moments = moments;
    }

    /// Returns the number of steps so far.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Returns the moments by parameter name.
    pub fn moments(&self) -> &BTreeMap<String, Moments> {
        &self.moments
    }

    /// Takes a step on every parameter that has a gradient, and returns the updated model.
    pub fn step<M: Module>(&mut self, model: M, mut gradients: Gradients, rates: Rates) -> M {
        self.steps += 1;
        let settings = Settings {
            learning_rate: rates.learning_rate,
            beta1: rates.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            weight_decay: self.decoupled_decay,
            step: self.steps,
        };
        let names: Vec<_> = gradients.tensors().keys().cloned().collect();
        let gradients: BTreeMap<_, _> = names
            .into_iter()
            .filter_map(|name| gradients.remove(&name).map(|tensor| (name, tensor)))
            .collect();
        let device = gradients.values().next().map(Tensor::device);
        if device.is_some_and(|device| !device::computes_on_host(&device)) {
            let (special, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
                gradients.into_iter().partition(|(name, _)| self.rate_factor(name) != 1.0);
            let mut stepped = BTreeMap::new();
            for gradients in [special, others].into_iter().filter(|group| !group.is_empty()) {
                let factor = gradients.keys().next().map_or(1.0, |name| self.rate_factor(name));
                stepped.extend(self.step_together(&model, gradients, settings.with_rate_factor(factor)));
            }
            return replace(model, stepped, |_, _, stepped| stepped);
        }
        replace(model, gradients, |name, parameter, gradient| {
            let before = self.moments.remove(&name).unwrap_or_else(|| Moments::zero(&gradient));
            let gradient = with_decay(gradient, &parameter, self.coupled_decay);
            let settings = settings.with_rate_factor(self.rate_factor(&name));
            let (stepped, after) = update(parameter, gradient, before, settings);
            self.moments.insert(name, after);
            stepped
        })
    }

    /// Takes the step on all parameters concatenated to one tensor. Returns the updated parameters by name, flat.
    fn step_together<M: Module>(
        &mut self,
        model: &M,
        mut gradients: BTreeMap<String, Tensor<1>>,
        settings: Settings,
    ) -> BTreeMap<String, Tensor<1>> {
        let count = gradients.len();
        let (mut names, mut sizes) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let [mut values, mut changes, mut first, mut second] = [const { Vec::new() }; 4];
        for (name, value) in flat_parameters(model) {
            let Some(gradient) = gradients.remove(&name) else { continue };
            let moments = self.moments.remove(&name).unwrap_or_else(|| Moments::zero(&gradient));
            names.push(name);
            sizes.push(gradient.dims()[0]);
            values.push(value);
            changes.push(gradient);
            first.push(moments.first);
            second.push(moments.second);
        }
        if names.is_empty() {
            return BTreeMap::new();
        }
        let moments = Moments { first: Tensor::cat(first, 0), second: Tensor::cat(second, 0) };
        let values = Tensor::cat(values, 0);
        let gradient = with_decay(Tensor::cat(changes, 0), &values, self.coupled_decay);
        let (values, moments) = update(values, gradient, moments, settings);
        let parts = |all: Tensor<1>| all.split_with_sizes(sizes.clone(), 0);
        let moments = parts(moments.first)
            .into_iter()
            .zip(parts(moments.second))
            .map(|(first, second)| Moments { first, second });
        self.moments.extend(names.iter().cloned().zip(moments));
        names.into_iter().zip(parts(values)).collect()
    }
}

impl Moments {
    /// Returns the moments before the first step, which are zero.
    fn zero(gradient: &Tensor<1>) -> Self {
        Self { first: gradient.zeros_like(), second: gradient.zeros_like() }
    }
}

/// Flattens a tensor and detaches it from automatic differentiation.
fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count: usize = tensor.dims().iter().product();
    tensor.inner().reshape([count])
}

/// Returns a model's parameters by name, flat.
fn flat_parameters<M: Module>(model: &M) -> Vec<(String, Tensor<1>)> {
    #[derive(Default)]
    struct Collect {
        path: Path,
        parameters: Vec<(String, Tensor<1>)>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.parameters.push((self.path.name(), flat(param.val())));
        }
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    }
    let mut collect = Collect::default();
    model.visit(&mut collect);
    collect.parameters
}

/// Replaces the parameters that `by_name` lists by `step(name, parameter, entry)`. The parameters are flat.
fn replace<M: Module, T>(
    model: M,
    by_name: BTreeMap<String, T>,
    step: impl FnMut(String, Tensor<1>, T) -> Tensor<1>,
) -> M {
    struct Replace<T, F> {
        path: Path,
        by_name: BTreeMap<String, T>,
        step: F,
    }
    impl<T, F: FnMut(String, Tensor<1>, T) -> Tensor<1>> ModuleMapper for Replace<T, F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            let Some(entry) = self.by_name.remove(&name) else { return param };
            let step = &mut self.step;
            param.map(|tensor| {
                let (shape, device) = (tensor.dims(), tensor.device());
                let stepped = step(name, flat(tensor), entry).reshape(shape);
                Tensor::from_inner(stepped).to_device(&device).require_grad()
            })
        }
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    }
    model.map(&mut Replace { path: Path::default(), by_name, step })
}

/// Adds the gradient `decay · w` of the penalty `decay/2 · w²`, which is Adam's weight decay.
fn with_decay(gradient: Tensor<1>, parameter: &Tensor<1>, decay: f64) -> Tensor<1> {
    if decay == 0.0 { gradient } else { gradient + parameter.clone() * decay }
}

/// Takes the step on one tensor. All tensors are flat.
fn update(
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    moments: Moments,
    settings: Settings,
) -> (Tensor<1>, Moments) {
    let Moments { first, second } = moments;
    let (parameter, first, second) = match device::operations(&parameter.device()) {
        Operations::Fused => fused::adam_step(parameter, gradient, first, second, settings),
        #[cfg(feature = "tch")]
        Operations::Libtorch => libtorch::adam_step(parameter, gradient, first, second, settings),
        Operations::Composed => composed_step(parameter, gradient, first, second, settings),
    };
    (parameter, Moments { first, second })
}

/// Takes the step with tensor operations alone. Returns the parameter and its moments.
fn composed_step(
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    first: Tensor<1>,
    second: Tensor<1>,
    settings: Settings,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    let Settings { learning_rate, beta1, beta2, epsilon, weight_decay, step } = settings;
    let correction = |beta: f64| 1.0 - beta.powf(f64::from(step));
    let (first_correction, second_correction) = (correction(beta1), correction(beta2));
    let first = first * beta1 + gradient.clone() * (1.0 - beta1);
    let second = second * beta2 + gradient.powi_scalar(2) * (1.0 - beta2);
    let denominator = second.clone().sqrt() / second_correction.sqrt() + epsilon;
    let decayed = match weight_decay == 0.0 {
        true => parameter,
        false => parameter * (1.0 - learning_rate * weight_decay),
    };
    let change = first.clone() / denominator * (learning_rate / first_correction);
    (decayed - change, first, second)
}
