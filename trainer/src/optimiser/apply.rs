//! An optimiser: the state of every parameter and the step on all of them.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::prelude::*;
use kernels::adam::Settings;

use super::parameters::{flat_parameters, replace};
use super::{Gradients, adam, sgd};
use crate::config::optimiser::{OptimiserConfig, OptimiserKind};
use crate::device;

/// State of a parameter, as flat tensors.
#[derive(Debug, Clone)]
pub struct Moments {
    /// Adam's mean m of the gradient, or the velocity v of SGD.
    pub first: Tensor<1>,
    /// Adam's mean v of the squared gradient; `None` for SGD.
    pub second: Option<Tensor<1>>,
}

/// The settings of one step that a schedule determines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay β1 of Adam's mean of gradients, or the momentum of SGD.
    pub beta1: f64,
}

impl Rates {
    /// Returns the rates of a configuration, which a schedule may change.
    pub fn of(config: &OptimiserConfig) -> Self {
        let beta1 = match config.kind {
            OptimiserKind::Adam | OptimiserKind::AdamW => config.beta1,
            OptimiserKind::Sgd => config.momentum,
        };
        Self { learning_rate: config.learning_rate, beta1 }
    }
}

/// Adam, AdamW or SGD: the moments of every parameter and the number of steps so far.
///
/// Adam and SGD add `decay · w` to the gradient, AdamW shrinks the weights instead.
#[derive(Debug)]
pub struct Optimiser {
    config: OptimiserConfig,
    /// Prefixes of the parameters with a learning rate of their own, and its ratio to the common one.
    special: Option<(&'static [&'static str], f64)>,
    steps: u32,
    moments: BTreeMap<String, Moments>,
}

impl Optimiser {
    /// Creates an optimiser without any steps.
    pub fn new(config: &OptimiserConfig) -> Self {
        Self { config: config.clone(), special: None, steps: 0, moments: BTreeMap::new() }
    }

    /// Multiplies the learning rate of the parameters whose name begins with one of `prefixes` by `factor`.
    pub fn with_rate_factor(self, prefixes: &'static [&'static str], factor: f64) -> Self {
        Self { special: Some((prefixes, factor)), ..self }
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
    pub fn step<M: Module>(&mut self, model: M, gradients: Gradients, rates: Rates) -> M {
        self.steps += 1;
        let gradients = gradients.into_tensors();
        let device = gradients.values().next().map(Tensor::device);
        if device.is_some_and(|device| !device::computes_on_host(&device)) {
            let mut stepped = BTreeMap::new();
            for (update, gradients) in self.grouped(gradients, rates) {
                stepped.extend(self.step_together(&model, gradients, update));
            }
            return replace(model, stepped, |_, _, stepped| stepped);
        }
        replace(model, gradients, |name, parameter, gradient| {
            let update = self.update(&name, rates);
            let before = self.moments.remove(&name).unwrap_or_else(|| update.start(&gradient));
            let (stepped, after) = update.apply(parameter, gradient, before);
            self.moments.insert(name, after);
            stepped
        })
    }

    /// Returns the update of a parameter in the current step.
    fn update(&self, name: &str, rates: Rates) -> Update {
        let OptimiserConfig { kind, beta2, epsilon, weight_decay, decay_exempt, .. } = &self.config;
        let exempt = decay_exempt.iter().any(|part| name.contains(part.as_str()));
        let decay = if exempt { 0.0 } else { *weight_decay };
        let factor = self
            .special
            .filter(|(prefixes, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .map_or(1.0, |(_, factor)| factor);
        let learning_rate = factor * rates.learning_rate;
        let adam = |weight_decay| Settings {
            learning_rate,
            beta1: rates.beta1,
            beta2: *beta2,
            epsilon: *epsilon,
            weight_decay,
            step: self.steps,
        };
        match kind {
            OptimiserKind::Adam => Update { rule: Rule::Adam(adam(0.0)), decay },
            OptimiserKind::AdamW => Update { rule: Rule::Adam(adam(decay)), decay: 0.0 },
            OptimiserKind::Sgd => {
                Update { rule: Rule::Sgd(sgd::Settings { learning_rate, momentum: rates.beta1 }), decay }
            }
        }
    }

    /// Divides gradients into groups of parameters with the same update.
    fn grouped(
        &self,
        gradients: BTreeMap<String, Tensor<1>>,
        rates: Rates,
    ) -> Vec<(Update, BTreeMap<String, Tensor<1>>)> {
        let mut groups: Vec<(Update, BTreeMap<_, _>)> = Vec::new();
        for (name, gradient) in gradients {
            let update = self.update(&name, rates);
            match groups.iter_mut().find(|(known, _)| *known == update) {
                Some((_, group)) => _ = group.insert(name, gradient),
                None => groups.push((update, BTreeMap::from([(name, gradient)]))),
            }
        }
        groups
    }

    /// Takes the step on all parameters concatenated to one tensor. Returns the updated parameters by name, flat.
    fn step_together<M: Module>(
        &mut self,
        model: &M,
        mut gradients: BTreeMap<String, Tensor<1>>,
        update: Update,
    ) -> BTreeMap<String, Tensor<1>> {
        let count = gradients.len();
        let (mut names, mut sizes) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let [mut values, mut changes, mut first, mut second] = [const { Vec::new() }; 4];
        for (name, value) in flat_parameters(model) {
            let Some(gradient) = gradients.remove(&name) else { continue };
            let moments = self.moments.remove(&name).unwrap_or_else(|| update.start(&gradient));
            names.push(name);
            sizes.push(gradient.dims()[0]);
            values.push(value);
            changes.push(gradient);
            first.push(moments.first);
            second.extend(moments.second);
        }
        if names.is_empty() {
            return BTreeMap::new();
        }
        let second = (!second.is_empty()).then(|| Tensor::cat(second, 0));
        let moments = Moments { first: Tensor::cat(first, 0), second };
        let (values, moments) = update.apply(Tensor::cat(values, 0), Tensor::cat(changes, 0), moments);
        let parts = |all: Tensor<1>| all.split_with_sizes(sizes.clone(), 0);
        let mut second = moments.second.into_iter().flat_map(parts);
        let moments = parts(moments.first).into_iter().map(|first| Moments { first, second: second.next() });
        self.moments.extend(names.iter().cloned().zip(moments));
        names.into_iter().zip(parts(values)).collect()
    }
}

/// The step on a tensor, with its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Update {
    rule: Rule,
    /// Weight decay that is added to the gradient.
    decay: f64,
}

/// The rule of a step, with its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Adam(Settings),
    Sgd(sgd::Settings),
}

impl Update {
    /// Returns the moments before the first step, which are zero.
    fn start(&self, gradient: &Tensor<1>) -> Moments {
        let second = match self.rule {
            Rule::Adam(_) => Some(gradient.zeros_like()),
            Rule::Sgd(_) => None,
        };
        Moments { first: gradient.zeros_like(), second }
    }

    /// Takes the step on a parameter. All tensors are flat.
    fn apply(self, parameter: Tensor<1>, gradient: Tensor<1>, before: Moments) -> (Tensor<1>, Moments) {
        // The gradient of the penalty `decay/2 · w²`.
        let gradient = if self.decay == 0.0 { gradient } else { gradient + parameter.clone() * self.decay };
        let Moments { first, second } = before;
        match self.rule {
            Rule::Adam(settings) => {
                let second = second.unwrap_or_else(|| first.zeros_like());
                let (parameter, first, second) = adam::step(parameter, gradient, first, second, settings);
                (parameter, Moments { first, second: Some(second) })
            }
            Rule::Sgd(settings) => {
                let (parameter, first) = sgd::step(parameter, gradient, first, settings);
                (parameter, Moments { first, second: None })
            }
        }
    }
}

#[cfg(test)]
mod tests;
