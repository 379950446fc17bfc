//! An optimiser: the state of every parameter and the step on all of them.

use std::collections::BTreeMap;
use std::fmt;

use burn::module::Module;
use burn::prelude::*;
use kernels::adam::Settings;

use super::gradients::{Block, Member};
use super::parameters::{flat_parameters, replace};
use super::{Gradients, adam, sgd};
use crate::config::optimiser::{OptimiserConfig, OptimiserKind};
use crate::ops;

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

/// The ratio of a parameter's learning rate to the common one, by the parameter's name.
struct RateFactor(Box<dyn Fn(&str) -> f64 + Send + Sync>);

impl fmt::Debug for RateFactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RateFactor")
    }
}

/// Adam, AdamW or SGD: the moments of every parameter and the number of steps so far.
///
/// Adam and SGD add `decay · w` to the gradient, AdamW shrinks the weights instead.
#[derive(Debug)]
pub struct Optimiser {
    config: OptimiserConfig,
    /// The ratio of a parameter's learning rate to the common one.
    factor_of: RateFactor,
    steps: u32,
    /// Moments of the parameters that take their steps one by one.
    moments: BTreeMap<String, Moments>,
    /// Parameters that take their steps together.
    joined: Vec<JoinedState>,
}

impl Optimiser {
    /// Creates an optimiser without any steps.
    pub fn new(config: &OptimiserConfig) -> Self {
        Self {
            config: config.clone(),
            factor_of: RateFactor(Box::new(|_| 1.0)),
            steps: 0,
            moments: BTreeMap::new(),
            joined: Vec::new(),
        }
    }

    /// Multiplies the learning rate of a parameter by a factor that depends on its name.
    pub fn with_rate_factors(self, factor_of: impl Fn(&str) -> f64 + Send + Sync + 'static) -> Self {
        Self { factor_of: RateFactor(Box::new(factor_of)), ..self }
    }

    /// Restores the state of an earlier run.
    pub fn restore(&mut self, steps: u32, moments: BTreeMap<String, Moments>) {
        self.steps = steps;
        self.moments = moments;
        self.joined.clear();
    }

    /// Returns the number of steps so far.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Returns the moments by parameter name.
    pub fn moments(&self) -> BTreeMap<String, Moments> {
        let joined = self.joined.iter().flat_map(JoinedState::moments);
        self.moments.iter().map(|(name, moments)| (name.clone(), moments.clone())).chain(joined).collect()
    }

    /// Returns the group of a parameter. The parameters of a group have the same learning rate and weight decay, so that
    /// their gradients may be joined to one tensor.
    pub fn group_of(&self, name: &str) -> (u64, u64) {
        let update = self.update(name, Rates::of(&self.config));
        let (decay, rate) = match update.rule {
            Rule::Adam(settings) => (update.decay + settings.weight_decay, settings.learning_rate),
            Rule::Sgd(settings) => (update.decay, settings.learning_rate),
        };
        (decay.to_bits(), rate.to_bits())
    }

    /// Takes a step on every parameter that has a gradient, and returns the updated model. With joined gradients, the
    /// parameters are changed in place: they also change in earlier clones of the model.
    pub fn step<M: Module>(&mut self, model: M, gradients: Gradients, rates: Rates) -> M {
        self.steps += 1;
        if gradients.is_joined() {
            return self.step_joined(model, gradients.into_blocks(), rates);
        }
        self.part();
        replace(model, gradients.into_tensors(), |name, parameter, gradient| {
            let update = self.update(&name, rates);
            let before = self.moments.remove(&name).unwrap_or_else(|| update.start(&gradient));
            let (stepped, after) = update.apply(parameter, gradient, before);
            self.moments.insert(name, after);
            stepped
        })
    }

    /// Takes the step on all parameters of a block together.
    fn step_joined<M: Module>(&mut self, mut model: M, blocks: Vec<Block>, rates: Rates) -> M {
        let known = self.joined.iter().map(|state| &state.members);
        if !known.eq(blocks.iter().map(|block| &block.members)) {
            model = self.join(model, &blocks);
        }
        let mut states = std::mem::take(&mut self.joined);
        for (state, Block { members, values }) in states.iter_mut().zip(blocks) {
            let update = self.update(&members[0].0, rates);
            let before = state.moments.take().unwrap_or_else(|| update.start(&values));
            let (stepped, after) = update.apply(state.values.clone(), values, before);
            ops::overwrite(&state.values, stepped);
            state.moments = Some(after);
        }
        self.joined = states;
        model
    }

    /// Parts the moments of joined parameters.
    fn part(&mut self) {
        if !self.joined.is_empty() {
            self.moments = self.moments();
            self.joined.clear();
        }
    }

    /// Joins the parameters and moments of each block. The parameters of the returned model are views of the joined
    /// ones.
    fn join<M: Module>(&mut self, model: M, blocks: &[Block]) -> M {
        self.part();
        let mut parameters: BTreeMap<_, _> = flat_parameters(&model).into_iter().collect();
        let mut views = BTreeMap::new();
        for Block { members, values } in blocks {
            let update = self.update(&members[0].0, Rates::of(&self.config));
            let zeros = update.start(values);
            let mut parts: [Vec<Tensor<1>>; 3] = Default::default();
            let zero_parts = |tensor: &Tensor<1>| Block::parts(members, tensor.clone());
            let mut first = zero_parts(&zeros.first).into_iter();
            let mut second = zeros.second.iter().flat_map(zero_parts);
            for (name, _) in members {
                let start = Moments { first: first.next().expect("one a member"), second: second.next() };
                let moments = self.moments.remove(name).unwrap_or(start);
                parts[0].push(parameters.remove(name).expect("a gradient is one of a parameter"));
                parts[1].push(moments.first);
                parts[2].extend(moments.second);
            }
            let [values, first, second] = parts;
            let values = Tensor::cat(values, 0);
            let second = (!second.is_empty()).then(|| Tensor::cat(second, 0));
            let moments = Some(Moments { first: Tensor::cat(first, 0), second });
            let names = members.iter().map(|(name, _)| name.clone());
            views.extend(names.zip(Block::parts(members, values.clone())));
            self.joined.push(JoinedState { members: members.clone(), values, moments });
        }
        replace(model, views, |_, _, view| view)
    }

    /// Returns the update of a parameter in the current step.
    fn update(&self, name: &str, rates: Rates) -> Update {
        let OptimiserConfig { kind, beta2, epsilon, weight_decay, decay_exempt, .. } = &self.config;
        let exempt = decay_exempt.iter().any(|part| name.contains(part.as_str()));
        let decay = if exempt { 0.0 } else { *weight_decay };
        let learning_rate = (self.factor_of.0)(name) * rates.learning_rate;
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
}

/// Parameters that take the same step, joined.
#[derive(Debug)]
struct JoinedState {
    members: Vec<Member>,
    /// The parameters one after the other. Those of the model are views of it.
    values: Tensor<1>,
    /// The moments; `None` only while a step replaces them.
    moments: Option<Moments>,
}

impl JoinedState {
    /// Returns the moments by parameter name.
    fn moments(&self) -> Vec<(String, Moments)> {
        let Some(Moments { first, second }) = &self.moments else { return Vec::new() };
        let parts = |all: &Tensor<1>| Block::parts(&self.members, all.clone());
        let mut second = second.iter().flat_map(parts);
        let names = self.members.iter().map(|(name, _)| name.clone());
        let moments = parts(first).into_iter().map(|first| Moments { first, second: second.next() });
        names.zip(moments).collect()
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
