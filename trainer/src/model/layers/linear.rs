//! Linear layers with PyTorch's layout, and stacks of them.

use burn::module::Param;
use burn::prelude::*;

use super::initialiser::{Initial, Initialiser};
use crate::ops::{self, Activation};

/// `y = x Wᵀ + b`, weight stored `[outputs, inputs]` (specification, section 1).
#[derive(Module, Debug)]
pub struct Linear {
    /// W, shape `[outputs, inputs]`.
    pub weight: Param<Tensor<2>>,
    /// b, shape `[outputs]`.
    pub bias: Option<Param<Tensor<1>>>,
}

/// Sizes of a [`Linear`] and how it starts.
#[derive(Debug, Clone, Copy)]
pub struct LinearConfig {
    inputs: usize,
    outputs: usize,
    bias: bool,
    initial: Initial,
}

impl LinearConfig {
    /// A layer with bias and the default start.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, bias: true, initial: Initial::LinearDefault }
    }

    /// Without bias.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// With another start.
    pub fn with_initial(self, initial: Initial) -> Self {
        Self { initial, ..self }
    }

    /// The layer.
    pub fn init(self, initialiser: &mut Initialiser) -> Linear {
        let weight = initialiser.weight(self.outputs, self.inputs, self.initial);
        let bias = self.bias.then(|| initialiser.bias(self.outputs, self.inputs, self.initial));
        Linear { weight, bias }
    }
}

impl Linear {
    /// `activation(x Wᵀ + b)`: `[rows, inputs]` to `[rows, outputs]`.
    pub fn forward(&self, x: Tensor<2>, activation: Activation) -> Tensor<2> {
        ops::dense(x, self.weight.val(), self.bias(), None, activation)
    }

    /// `activation(x Wᵀ + b) + residual`, residual `[rows, outputs]`.
    pub fn forward_onto(&self, x: Tensor<2>, residual: Tensor<2>, activation: Activation) -> Tensor<2> {
        ops::dense(x, self.weight.val(), self.bias(), Some(residual), activation)
    }

    /// The product with the weight's columns `from..to` alone: the part of a layer on
    /// concatenated inputs that belongs to one of them. The bias is added if `with_bias`.
    pub fn forward_columns(&self, x: Tensor<2>, from: usize, to: usize, with_bias: bool) -> Tensor<2> {
        let weight = self.weight.val();
        let outputs = weight.dims()[0];
        let bias = if with_bias { self.bias() } else { None };
        ops::dense(x, weight.slice([0..outputs, from..to]), bias, None, Activation::Identity)
    }

    /// The bias as a tensor.
    pub fn bias(&self) -> Option<Tensor<1>> {
        self.bias.as_ref().map(Param::val)
    }
}

/// `MLP(d0, …, dn)`: n linear layers with ReLU between them, none after the last.
#[derive(Module, Debug)]
pub struct Mlp {
    /// The layers in order.
    pub layers: Vec<Linear>,
}

impl Mlp {
    /// Layers from each width to the next.
    pub fn init(widths: &[usize], initialiser: &mut Initialiser) -> Self {
        let layers =
            widths.windows(2).map(|pair| LinearConfig::new(pair[0], pair[1]).init(initialiser)).collect();
        Self { layers }
    }

    /// `[rows, d0]` to `[rows, dn]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.forward_from(0, x)
    }

    /// The layers from `first` on, applied to the activated output of the one before.
    pub fn forward_from(&self, first: usize, x: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        self.layers.iter().enumerate().skip(first).fold(x, |x, (index, layer)| {
            layer.forward(x, if index < last { Activation::Relu } else { Activation::Identity })
        })
    }
}
