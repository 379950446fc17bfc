//! The Barlow Twins loss (Zbontar et al. 2021, <https://arxiv.org/abs/2103.03230>). The same feature of two views
//! should be correlated, and two different features should not.
//!
//! Features are correlated over the whole batch: means, squared norms and the correlation are summed over all ranks,
//! so that every rank computes the same loss.

use std::sync::Arc;

use burn::prelude::*;

use crate::ops;
use crate::ranks::Ranks;

/// Settings of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarlowTwins {
    /// λ, the factor of the off-diagonal elements.
    pub off_diagonal: f64,
    /// Whether the features are centred before they are correlated.
    pub centred: bool,
    /// Added to the sum of squares of each feature, whose root divides the feature.
    pub epsilon: f64,
}

/// How the samples of a rank are combined with those of the other ranks.
pub struct Columns<'a> {
    /// Weighs the mean `[1, width]` over this rank's samples, so that the sum over the ranks is the mean over all
    /// samples.
    pub part: &'a dyn Fn(Tensor<2>) -> Tensor<2>,
    /// The ranks that share the batch.
    pub ranks: &'a Arc<dyn Ranks>,
}

/// The parts of the loss.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// Correlation matrix C of the two views' features, shape `[width, width]`.
    pub correlation: Tensor<2>,
    /// `Σ_a (1 − C_aa)²`, shape `[1]`.
    pub on: Tensor<1>,
    /// `Σ_{a≠c} C_ac²`, shape `[1]`.
    pub off: Tensor<1>,
    /// `on + λ off`, shape `[1]`.
    pub loss: Tensor<1>,
}

impl BarlowTwins {
    /// Correlates the features of two views:
    /// `C_ac = Σ_s x_sa y_sc / √((Σ_s x_sa² + ε)(Σ_s y_sc² + ε))` for samples x and y, centred if configured.
    ///
    /// # Shapes
    /// Samples `[rows, width]` of each view, the same sample in the same row; see [`Agreement`].
    pub fn agreement(&self, samples: [Tensor<2>; 2], columns: &Columns<'_>) -> Agreement {
        let ranks = columns.ranks;
        let samples = match self.centred {
            true => {
                let means = samples.each_ref().map(|samples| (columns.part)(samples.clone().mean_dim(0)));
                combined(samples, over_ranks(means, ranks), |samples, mean| samples - mean)
            }
            false => samples,
        };
        // Dividing the columns first keeps the correlation one product.
        let squares = samples.each_ref().map(|samples| samples.clone().powi_scalar(2).sum_dim(0));
        let norms = over_ranks(squares, ranks).map(|squares| (squares + self.epsilon).sqrt());
        let [first, second] = combined(samples, norms, |samples, norms| samples / norms);
        let correlation = ops::all_reduce(first.transpose().matmul(second), ranks);
        let width = correlation.dims()[0];
        let identity = Tensor::<2>::eye(width, &correlation.device()).cast(correlation.dtype());
        let diagonal = (correlation.clone() * identity).sum_dim(1);
        let on = (diagonal.clone().neg() + 1.0).powi_scalar(2).sum();
        let off = correlation.clone().powi_scalar(2).sum() - diagonal.powi_scalar(2).sum();
        let loss = on.clone() + off.clone() * self.off_diagonal;
        Agreement { correlation, on, off, loss }
    }
}

/// Sums the row vectors `[1, width]` of both views over the ranks.
///
/// Both go in a single exchange, so that the backward pass has one exchange as well and all ranks meet in the same
/// order.
fn over_ranks(views: [Tensor<2>; 2], ranks: &Arc<dyn Ranks>) -> [Tensor<2>; 2] {
    if ranks.is_alone() {
        return views;
    }
    let sums = ops::all_reduce(Tensor::cat(views.into(), 0), ranks);
    [0, 1].map(|view| sums.clone().narrow(0, view, 1))
}

/// Applies `with(a, b)` to both views.
fn combined(
    a: [Tensor<2>; 2],
    b: [Tensor<2>; 2],
    with: impl Fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
) -> [Tensor<2>; 2] {
    let ([a0, a1], [b0, b1]) = (a, b);
    [with(a0, b0), with(a1, b1)]
}
