//! The gradients of an optimiser step: accumulation, norm and clipping.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::Gradients as Tape;

use crate::device;
use crate::model::names::Path;
use crate::ops::all_reduce::sum_data;
use crate::ops::fused::squared_norm;
use crate::ranks::Ranks;

/// Added to the norm before a division by it, as in PyTorch's `clip_grad_norm_`.
const NORM_EPSILON: f64 = 1e-6;

/// A parameter's name and its number of elements.
pub(super) type Member = (String, usize);

/// The gradients of one or more parameters, one after the other in one flat tensor.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) members: Vec<Member>,
    pub(super) values: Tensor<1>,
}

impl Block {
    /// Returns the part of every parameter.
    pub(super) fn parts(members: &[Member], values: Tensor<1>) -> Vec<Tensor<1>> {
        match members {
            [_] => vec![values],
            _ => values.split_with_sizes(members.iter().map(|(_, count)| *count).collect(), 0),
        }
    }
}

/// Gradients of a model's parameters by name.
#[derive(Debug, Default)]
pub struct Gradients {
    /// One block for each parameter, in the order of the names. Of joined gradients, one block for each group of
    /// parameters with the same learning rate and weight decay.
    blocks: Vec<Block>,
    is_joined: bool,
}

/// Norm of all gradients together.
#[derive(Debug, Clone)]
pub enum Norm {
    /// The norm as a number.
    Number(f64),
    /// The norm on a device, shape `[1]`.
    OnDevice(Box<Tensor<1>>),
}

impl Default for Norm {
    fn default() -> Self {
        Self::Number(0.0)
    }
}

impl Norm {
    /// Returns the norm as a number. Waits for the device.
    pub fn read(&self) -> f64 {
        match self {
            Self::Number(norm) => *norm,
            Self::OnDevice(norm) => Tensor::clone(norm).into_scalar::<f64>(),
        }
    }
}

impl Gradients {
    /// Collects the gradients of a model's parameters from a backward pass.
    pub fn collect<M: Module>(model: &M, tape: Tape) -> Self {
        struct Collect {
            path: Path,
            tape: Tape,
            by_name: BTreeMap<String, Tensor<1>>,
        }
        impl ModuleVisitor for Collect {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let tensor = param.val();
                if let Some(gradient) = tensor.grad_remove(&mut self.tape) {
                    let count: usize = gradient.dims().iter().product();
                    self.by_name.insert(self.path.name(), gradient.reshape([count]));
                }
            }
            fn enter_module(&mut self, name: &str, _container: &str) {
                self.path.enter(name);
            }
            fn exit_module(&mut self, _name: &str, _container: &str) {
                self.path.exit();
            }
        }
        let mut collect = Collect { path: Path::default(), tape, by_name: BTreeMap::new() };
        model.visit(&mut collect);
        Self::from_tensors(collect.by_name)
    }

    /// Creates gradients from flat tensors.
    pub fn from_tensors(by_name: BTreeMap<String, Tensor<1>>) -> Self {
        let block = |(name, values): (String, Tensor<1>)| {
            let members = vec![(name, values.dims()[0])];
            Block { members, values }
        };
        Self { blocks: by_name.into_iter().map(block).collect(), is_joined: false }
    }

    /// Joins the gradients of all parameters of the same group to one tensor. A device with its own memory works on a
    /// few large tensors faster than on many small ones.
    pub fn joined<G: PartialEq>(self, group_of: impl Fn(&str) -> G) -> Self {
        let mut groups: Vec<(G, Vec<Member>, Vec<Tensor<1>>)> = Vec::new();
        for (name, gradient) in self.into_tensors() {
            let group = group_of(&name);
            let member = (name, gradient.dims()[0]);
            match groups.iter_mut().find(|(known, ..)| *known == group) {
                Some((_, members, gradients)) => {
                    members.push(member);
                    gradients.push(gradient);
                }
                None => groups.push((group, vec![member], vec![gradient])),
            }
        }
        let blocks = groups
            .into_iter()
            .map(|(_, members, gradients)| Block { members, values: Tensor::cat(gradients, 0) });
        Self { blocks: blocks.collect(), is_joined: true }
    }

    /// Whether the gradients have been joined.
    pub(super) fn is_joined(&self) -> bool {
        self.is_joined
    }

    /// Returns the gradients by name, flat.
    pub fn tensors(&self) -> BTreeMap<String, Tensor<1>> {
        Self { blocks: self.blocks.clone(), is_joined: self.is_joined }.into_tensors()
    }

    /// Adds the gradients of another batch. If that has gradients of other parameters, the sums are not joined any more.
    pub fn add(&mut self, other: Gradients) {
        let members = |gradients: &Gradients| -> Vec<Vec<Member>> {
            gradients.blocks.iter().map(|block| block.members.clone()).collect()
        };
        if members(self) == members(&other) {
            for (block, other) in self.blocks.iter_mut().zip(other.blocks) {
                block.values = block.values.clone() + other.values;
            }
            return;
        }
        let mut sums = std::mem::take(self).into_tensors();
        for (name, gradient) in other.into_tensors() {
            let sum = match sums.remove(&name) {
                Some(sum) => sum + gradient,
                None => gradient,
            };
            sums.insert(name, sum);
        }
        *self = Self::from_tensors(sums);
    }

    /// Multiplies every gradient by a factor.
    pub fn scale(&mut self, factor: f64) {
        for block in &mut self.blocks {
            block.values = block.values.clone() * factor;
        }
    }

    /// Replaces every gradient by its mean over the ranks in a single exchange. All ranks must have gradients of the
    /// same parameters.
    pub fn average(&mut self, ranks: &dyn Ranks) {
        let Some(first) = self.blocks.first() else { return };
        if ranks.is_alone() {
            return;
        }
        let options = (&first.values.device(), first.values.dtype());
        let sum = Tensor::<1>::from_data(sum_data(self.all().into_data(), ranks), options);
        let sizes = self.blocks.iter().map(|block| block.values.dims()[0]).collect();
        let means = (sum * (1.0 / ranks.count() as f64)).split_with_sizes(sizes, 0);
        for (block, mean) in self.blocks.iter_mut().zip(means) {
            block.values = mean;
        }
    }

    /// Returns the Euclidean norm over all parameters. That of joined gradients stays on the device.
    pub fn norm(&self) -> Norm {
        let Some(first) = self.blocks.first() else { return Norm::default() };
        if device::has_fused_operations(&first.values.device()) {
            let squares = self.blocks.iter().map(|block| squared_norm(block.values.clone()));
            return Norm::Number(squares.sum::<f64>().sqrt());
        }
        // As one tensor: a sum of each would be three operations a parameter on the device.
        let norm = Norm::OnDevice(Box::new(self.all().powi_scalar(2).sum().sqrt()));
        if self.is_joined { norm } else { Norm::Number(norm.read()) }
    }

    /// Scales all gradients by one factor, so that their norm is at most `limit`. `norm` is their current norm.
    pub fn clip(&mut self, norm: &Norm, limit: f64) {
        match norm {
            Norm::Number(norm) => {
                let factor = limit / (norm + NORM_EPSILON);
                if factor < 1.0 {
                    self.scale(factor);
                }
            }
            Norm::OnDevice(norm) => {
                let factor = ((Tensor::clone(norm) + NORM_EPSILON).recip() * limit).clamp_max(1.0);
                for block in &mut self.blocks {
                    block.values = block.values.clone() * factor.clone();
                }
            }
        }
    }

    /// Returns all gradients as one tensor.
    fn all(&self) -> Tensor<1> {
        match &self.blocks[..] {
            [block] => block.values.clone(),
            blocks => Tensor::cat(blocks.iter().map(|block| block.values.clone()).collect(), 0),
        }
    }

    /// Returns the gradients by name, and gives up their ownership.
    pub(super) fn into_tensors(self) -> BTreeMap<String, Tensor<1>> {
        let parts = self.blocks.into_iter().flat_map(|Block { members, values }| {
            let parts = Block::parts(&members, values);
            members.into_iter().map(|(name, _)| name).zip(parts)
        });
        parts.collect()
    }

    /// Returns the blocks of joined gradients.
    pub(super) fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gradients of three parameters, of lengths 1, 2 and 3.
    fn gradients() -> Gradients {
        let tensor = |count: usize| Tensor::<1>::full([count], count as f64, &Device::flex());
        let named = [("a", 1), ("b", 2), ("c", 3)].map(|(name, count)| (name.to_owned(), tensor(count)));
        Gradients::from_tensors(named.into())
    }

    fn numbers(gradients: &Gradients) -> Vec<(String, Vec<f32>)> {
        let tensors = gradients.tensors().into_iter();
        tensors.map(|(name, tensor)| (name, tensor.into_data().iter::<f32>().collect())).collect()
    }

    #[test]
    fn joined_gradients_are_the_same_gradients() {
        let apart = gradients();
        let joined = gradients().joined(|name| name == "b");
        assert_eq!(joined.blocks.len(), 2);
        assert_eq!(joined.blocks[0].members, [("a".to_owned(), 1), ("c".to_owned(), 3)]);
        assert_eq!(numbers(&apart), numbers(&joined));
        // 1 + 2 · 4 + 3 · 9
        assert!((apart.norm().read() - 6.0).abs() < 1e-6 && (joined.norm().read() - 6.0).abs() < 1e-6);
    }

    #[test]
    fn gradients_of_other_parameters_are_added_by_name() {
        let few = || {
            let mut tensors = gradients().tensors();
            tensors.remove("b");
            Gradients::from_tensors(tensors)
        };
        let expected = [("a", vec![2.0]), ("b", vec![2.0; 2]), ("c", vec![6.0; 3])];
        let expected = expected.map(|(name, values)| (name.to_owned(), values));
        for (mut sum, other) in [
            (gradients(), few()),
            (few(), gradients()),
            (gradients().joined(|_| ()), few().joined(|_| ())),
            (few().joined(|_| ()), gradients().joined(|_| ())),
        ] {
            sum.add(other);
            assert_eq!(numbers(&sum), expected);
        }
    }

    #[test]
    fn joined_gradients_are_added_and_clipped_as_single_ones() {
        let (mut apart, mut joined) = (gradients(), gradients().joined(|name| name == "b"));
        apart.add(gradients());
        joined.add(gradients().joined(|name| name == "b"));
        for limit in [100.0, 3.0] {
            let norm = apart.norm().read();
            apart.clip(&Norm::Number(norm), limit);
            let on_device = Tensor::from_floats([norm as f32], &Device::flex());
            joined.clip(&Norm::OnDevice(Box::new(on_device)), limit);
            for ((_, apart), (_, joined)) in numbers(&apart).into_iter().zip(numbers(&joined)) {
                assert!(apart.iter().zip(&joined).all(|(a, b)| (a - b).abs() < 1e-6), "{apart:?} {joined:?}");
            }
        }
        assert!((joined.norm().read() - 3.0).abs() < 1e-4);
    }
}
