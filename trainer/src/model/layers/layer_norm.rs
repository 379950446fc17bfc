//! Layer normalisation (Ba et al. 2016, <https://arxiv.org/abs/1607.06450>).

use burn::module::Param;
use burn::prelude::*;

use super::Initialiser;
use crate::ops;

/// Normalisation of every row: `(x − mean)/√(variance + 1e-5) · weight + bias`, with the biased variance of the row.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale, shape `[width]`.
    pub weight: Param<Tensor<1>>,
    /// Offset, shape `[width]`.
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Initialises a layer with weight 1 and bias 0.
    pub fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        Self { weight: initialiser.constant([width], 1.0), bias: initialiser.constant([width], 0.0) }
    }

    /// Normalises the rows of `x`.
    ///
    /// # Shapes
    /// Input and output `[rows, width]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        ops::layer_norm(x, self.weight.val(), self.bias.val())
    }

    /// Multiplies `values` by the sigmoid of the normalised rows of `x`.
    ///
    /// # Shapes
    /// Inputs and output `[rows, width]`.
    pub fn gate(&self, values: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        ops::layer_norm_gate(values, x, self.weight.val(), self.bias.val())
    }
}
