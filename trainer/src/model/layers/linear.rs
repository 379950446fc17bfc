//! Linear layers in PyTorch's layout, and multilayer perceptrons.

use burn::module::Param;
use burn::prelude::*;

use super::initialiser::{Initial, Initialiser};
use crate::ops::{self, Activation, Edges};

/// A linear layer `y = x Wᵀ + b` (specification, section 1).
#[derive(Module, Debug)]
pub struct Linear {
    /// Weight W, shape `[outputs, inputs]`.
    pub weight: Param<Tensor<2>>,
    /// Bias b, shape `[outputs]`.
    pub bias: Option<Param<Tensor<1>>>,
}

/// Sizes and initial distribution of a [`Linear`] layer.
#[derive(Debug, Clone, Copy)]
pub struct LinearConfig {
    inputs: usize,
    outputs: usize,
    bias: bool,
    initial: Initial,
}

impl LinearConfig {
    /// A layer with a bias and [`Initial::LinearDefault`].
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, bias: true, initial: Initial::LinearDefault }
    }

    /// Removes the bias.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// Sets the distribution of the initial values.
    pub fn with_initial(self, initial: Initial) -> Self {
        Self { initial, ..self }
    }

    /// Initialises the layer.
    pub fn init(self, initialiser: &mut Initialiser) -> Linear {
        let weight = initialiser.weight(self.outputs, self.inputs, self.initial);
        let bias = self.bias.then(|| initialiser.bias(self.outputs, self.inputs, self.initial));
        Linear { weight, bias }
    }
}

impl Linear {
    /// Returns `activation(x Wᵀ + b)`.
    ///
    /// # Shapes
    /// Input `[rows, inputs]`, output `[rows, outputs]`.
    pub fn forward(&self, x: Tensor<2>, activation: Activation) -> Tensor<2> {
        ops::dense(x, self.weight.val(), self.bias(), None, activation)
    }

    /// Returns `activation(x Wᵀ + b) + residual`.
    ///
    /// # Shapes
    /// Input `[rows, inputs]`, residual and output `[rows, outputs]`.
    pub fn forward_onto(&self, x: Tensor<2>, residual: Tensor<2>, activation: Activation) -> Tensor<2> {
        ops::dense(x, self.weight.val(), self.bias(), Some(residual), activation)
    }

    /// Returns `x W[:, from..to]ᵀ`, plus the bias if `with_bias`. A layer on concatenated inputs is the sum of such
    /// parts, one for each input.
    ///
    /// # Shapes
    /// Input `[rows, to - from]`, output `[rows, outputs]`.
    pub fn forward_columns(&self, x: Tensor<2>, from: usize, to: usize, with_bias: bool) -> Tensor<2> {
        let weight = self.weight.val();
        let outputs = weight.dims()[0];
        let bias = if with_bias { self.bias() } else { None };
        ops::dense(x, weight.slice([0..outputs, from..to]), bias, None, Activation::Identity)
    }

    /// Returns `activation([x_target ‖ x_source ‖ z_e] Wᵀ + b)` of every edge.
    ///
    /// # Shapes
    /// Atoms x `[N, C]`, edges `extra` (z) `[E, inputs - 2 C]`, output `[E, outputs]`.
    pub fn forward_pairs(
        &self,
        x: Tensor<2>,
        extra: Option<Tensor<2>>,
        activation: Activation,
        edges: &Edges,
    ) -> Tensor<2> {
        ops::pair_dense(x, extra, self.weight.val(), self.bias(), activation, edges)
    }

    /// Returns the bias, shape `[outputs]`.
    pub fn bias(&self) -> Option<Tensor<1>> {
        self.bias.as_ref().map(Param::val)
    }
}

/// A multilayer perceptron `MLP(d0, …, dn)`: n linear layers with an activation between them, ReLU by default, and
/// none after the last by default.
#[derive(Module, Debug)]
pub struct Mlp {
    /// Layers from first to last.
    pub layers: Vec<Linear>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    last: Activation,
}

impl Mlp {
    /// Initialises a layer from each width to the next, with [`Initial::LinearDefault`].
    pub fn init(widths: &[usize], initialiser: &mut Initialiser) -> Self {
        Self::init_with(widths, Initial::LinearDefault, initialiser)
    }

    /// Initialises a layer from each width to the next with a distribution.
    pub fn init_with(widths: &[usize], initial: Initial, initialiser: &mut Initialiser) -> Self {
        let layer =
            |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).with_initial(initial).init(initialiser);
        let layers = widths.windows(2).map(layer).collect();
        Self { layers, activation: Activation::Relu, last: Activation::Identity }
    }

    /// Sets the activation between the layers.
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// Sets the activation after the last layer.
    pub fn with_last_activation(self, last: Activation) -> Self {
        Self { last, ..self }
    }

    /// Returns the activation after a layer.
    pub fn activation_after(&self, layer: usize) -> Activation {
        if layer + 1 < self.layers.len() { self.activation } else { self.last }
    }

    /// Applies all layers.
    ///
    /// # Shapes
    /// Input `[rows, d0]`, output `[rows, dn]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.forward_from(0, x)
    }

    /// Applies the layers from index `first` on. The input is the activated output of the layer before.
    ///
    /// # Shapes
    /// Input `[rows, d_first]`, output `[rows, dn]`.
    pub fn forward_from(&self, first: usize, x: Tensor<2>) -> Tensor<2> {
        let layers = self.layers.iter().enumerate().skip(first);
        layers.fold(x, |x, (index, layer)| layer.forward(x, self.activation_after(index)))
    }
}
