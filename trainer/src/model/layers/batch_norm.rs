//! Batch normalisation (Ioffe and Szegedy 2015, <https://arxiv.org/abs/1502.03167>) with PyTorch's semantics.
//!
//! The moments of a batch are those over all ranks, so that several ranks train the same model as one process.

use burn::module::Param;
use burn::prelude::*;

use super::Initialiser;
use crate::model::pass::Pass;
use crate::ops::{self, Activation, Edges, Normalised};
use crate::ranks::Rows;

/// Batch normalisation over the rows of a batch: atoms, edges or pairs of edges.
///
/// In training, `y = (x − mean)/√(variance + 1e-5) · weight + bias` with the mean and the biased variance of the
/// batch, and the running statistics take a tenth of the mean and of the unbiased variance. In evaluation, y is
/// made with the running statistics.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Scale, shape `[width]`.
    pub weight: Param<Tensor<1>>,
    /// Offset, shape `[width]`.
    pub bias: Param<Tensor<1>>,
    /// Running mean, shape `[width]`. It is not trained.
    pub running_mean: Param<Tensor<1>>,
    /// Running unbiased variance, shape `[width]`. It is not trained.
    pub running_var: Param<Tensor<1>>,
}

impl BatchNorm {
    /// Initialises a layer: weight 1, bias 0, running mean 0 and variance 1.
    pub fn init(width: usize, initialiser: &mut Initialiser) -> Self {
        Self {
            weight: initialiser.constant([width], 1.0),
            bias: initialiser.constant([width], 0.0),
            running_mean: initialiser.constant([width], 0.0),
            running_var: initialiser.constant([width], 1.0),
        }
    }

    /// Normalises the columns of `x`. `rows` tells how many rows the batch has on all ranks, not 1 in training.
    ///
    /// # Shapes
    /// Input and output `[rows, width]`.
    pub fn forward(&self, x: Tensor<2>, rows: &Rows<'_>, pass: &mut Pass) -> Tensor<2> {
        self.forward_activated(x, None, Activation::Identity, rows, pass)
    }

    /// Normalises the columns of `x` as [`BatchNorm::forward`] does, applies an activation and adds a residual:
    /// `activation(y) + residual`. It is faster than the three in turn.
    ///
    /// # Shapes
    /// Input, residual and output `[rows, width]`.
    pub fn forward_activated(
        &self,
        x: Tensor<2>,
        residual: Option<Tensor<2>>,
        activation: Activation,
        rows: &Rows<'_>,
        pass: &mut Pass,
    ) -> Tensor<2> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        if !pass.is_training() {
            let moments = [self.running_mean.val(), self.running_var.val()];
            return ops::normalise(x, moments, weight, bias, residual, activation);
        }
        self.observed(ops::batch_norm(x, weight, bias, residual, activation, rows), rows, pass)
    }

    /// Normalises the columns of the edges' rows and sums them with gates over the edges into each atom, as
    /// [`ops::gated_sum`] does. It is faster than the two in turn.
    ///
    /// # Shapes
    /// Input `[E, width]`, output `[N, width / 2]`.
    pub fn forward_gated_sum(
        &self,
        x: Tensor<2>,
        edges: &Edges,
        rows: &Rows<'_>,
        pass: &mut Pass,
    ) -> Tensor<2> {
        if !pass.is_training() {
            return ops::gated_sum(self.forward(x, rows, pass), edges);
        }
        let normalised = ops::batch_norm_gated_sum(x, self.weight.val(), self.bias.val(), edges, rows);
        self.observed(normalised, rows, pass)
    }

    /// Hands the moments of a batch to the pass and returns the result. No rows have no moments.
    fn observed(&self, normalised: Normalised, rows: &Rows<'_>, pass: &mut Pass) -> Tensor<2> {
        if rows.count == 0 {
            return normalised.y;
        }
        let unbiased = rows.count as f64 / (rows.count as f64 - 1.0);
        pass.observe(&self.running_mean, normalised.mean);
        pass.observe(&self.running_var, normalised.variance * unbiased);
        normalised.y
    }
}
