//! L_BT (Eq. 11): Barlow Twins (Zbontar et al., <https://arxiv.org/abs/2103.03230>) between the two views.
//!
//! Its columns are those of the whole batch: means, squared norms and the correlation are sums over all
//! ranks, so that every rank computes the same loss.

use std::sync::Arc;

use burn::prelude::*;

use crate::config::loss::{LossConfig, Samples};
use crate::model::{Batch, Prediction, Trace};
use crate::ops::{self, composed::sum_by};
use crate::ranks::Ranks;

/// Added to each column's sum of squares.
const NORM_EPSILON: f64 = 1e-8;

/// `Σ_a (1 − C_aa)² + λ Σ_{a≠c} C_ac²` with C the correlation of the two views' columns, shape `[1]`.
pub(super) fn value(
    config: &LossConfig,
    prediction: &Prediction,
    batch: &Batch,
    trace: &mut Trace,
) -> Tensor<1> {
    let ranks = batch.whole.ranks();
    let samples = prediction.views.each_ref().map(|view| match config.contrast.samples {
        Samples::Atoms => view.atom.clone(),
        Samples::Crystals => crystal_means(view.atom.clone(), batch),
    });
    let samples = match config.contrast.centred {
        true => {
            let means = samples.each_ref().map(|samples| {
                let mean = samples.clone().mean_dim(0);
                match config.contrast.samples {
                    Samples::Atoms => batch.whole.part_of_atoms(mean),
                    Samples::Crystals => batch.whole.part_of_crystals(mean),
                }
            });
            combined(samples, over_ranks(means, ranks), |samples, mean| samples - mean)
        }
        false => samples,
    };
    // Dividing the columns first keeps the correlation one product.
    let squares = samples.each_ref().map(|samples| samples.clone().powi_scalar(2).sum_dim(0));
    let norms = over_ranks(squares, ranks).map(|squares| (squares + NORM_EPSILON).sqrt());
    let [first, second] = combined(samples, norms, |samples, norms| samples / norms);
    let correlation = ops::all_reduce(first.transpose().matmul(second), ranks);
    trace.record("bt_C", || correlation.clone());
    let width = correlation.dims()[0];
    let identity = Tensor::<2>::eye(width, &correlation.device()).cast(correlation.dtype());
    let diagonal = (correlation.clone() * identity).sum_dim(1);
    let on = (diagonal.clone().neg() + 1.0).powi_scalar(2).sum();
    let off = correlation.powi_scalar(2).sum() - diagonal.powi_scalar(2).sum();
    on + off * config.contrast.off_diagonal
}

/// Both views' row vectors `[1, width]` summed over the ranks.
///
/// In one exchange, so that the backward pass, too, has one at a time and every rank the same order.
fn over_ranks(views: [Tensor<2>; 2], ranks: &Arc<dyn Ranks>) -> [Tensor<2>; 2] {
    if ranks.is_alone() {
        return views;
    }
    let sums = ops::all_reduce(Tensor::cat(views.into(), 0), ranks);
    [0, 1].map(|view| sums.clone().narrow(0, view, 1))
}

/// `with(a, b)` for both views.
fn combined(
    a: [Tensor<2>; 2],
    b: [Tensor<2>; 2],
    with: impl Fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
) -> [Tensor<2>; 2] {
    let ([a0, a1], [b0, b1]) = (a, b);
    [with(a0, b0), with(a1, b1)]
}

/// Mean over each crystal's atoms: `[N, width]` to `[B, width]`.
fn crystal_means(atoms: Tensor<2>, batch: &Batch) -> Tensor<2> {
    sum_by(batch.crystals, &batch.crystal_of_atom, atoms) / batch.atom_counts.clone()
}
