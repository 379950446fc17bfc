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

/// Gradients of a model's parameters by name, as flat tensors.
#[derive(Debug, Default)]
pub struct Gradients {
    by_name: BTreeMap<String, Tensor<1>>,
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
        Self { by_name: collect.by_name }
    }

    /// Creates gradients from tensors.
    pub fn from_tensors(by_name: BTreeMap<String, Tensor<1>>) -> Self {
        Self { by_name }
    }

    /// Returns the gradients by name.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor<1>> {
        &self.by_name
    }

    /// Adds the gradients of another batch.
    pub fn add(&mut self, other: Gradients) {
        for (name, gradient) in other.by_name {
            let sum = match self.by_name.remove(&name) {
                Some(sum) => sum + gradient,
                None => gradient,
            };
            self.by_name.insert(name, sum);
        }
    }

    /// Multiplies every gradient by a factor.
    pub fn scale(&mut self, factor: f64) {
        for gradient in self.by_name.values_mut() {
            *gradient = gradient.clone() * factor;
        }
    }

    /// Replaces every gradient by its mean over the ranks in a single exchange. All ranks must have gradients of the
    /// same parameters.
    pub fn average(&mut self, ranks: &dyn Ranks) {
        let Some(first) = self.by_name.values().next() else { return };
        if ranks.is_alone() {
            return;
        }
        let options = (&first.device(), first.dtype());
        let flat = Tensor::cat(self.by_name.values().cloned().collect(), 0);
        let sum = Tensor::<1>::from_data(sum_data(flat.into_data(), ranks), options);
        let sizes = self.by_name.values().map(|gradient| gradient.dims()[0]).collect();
        let means = (sum * (1.0 / ranks.count() as f64)).split_with_sizes(sizes, 0);
        for (gradient, mean) in self.by_name.values_mut().zip(means) {
            *gradient = mean;
        }
    }

    /// Returns the Euclidean norm over all parameters. Waits for the device.
    pub fn norm(&self) -> f64 {
        let Some(first) = self.by_name.values().next() else { return 0.0 };
        if device::has_fused_operations(&first.device()) {
            return self.by_name.values().map(|gradient| squared_norm(gradient.clone())).sum::<f64>().sqrt();
        }
        // As one tensor: a sum of each would be three operations a parameter on the device.
        let all = Tensor::cat(self.by_name.values().cloned().collect(), 0);
        all.powi_scalar(2).sum().into_scalar::<f64>().sqrt()
    }

    /// Scales all gradients by one factor, so that their norm is at most `limit`. `norm` is their current norm.
    pub fn clip(&mut self, norm: f64, limit: f64) {
        let factor = limit / (norm + NORM_EPSILON);
        if factor < 1.0 {
            self.scale(factor);
        }
    }

    /// Returns the gradients by name, and gives up their ownership.
    pub(super) fn into_tensors(self) -> BTreeMap<String, Tensor<1>> {
        self.by_name
    }
}
