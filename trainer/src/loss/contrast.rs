//! L_BT (Eq. 11): Barlow Twins between the two views.

use burn::prelude::*;

use crate::config::loss::{LossConfig, Samples};
use crate::model::{Batch, Prediction, Trace};
use crate::ops::composed::sum_by;

/// Added to each column's sum of squares.
const NORM_EPSILON: f64 = 1e-8;

/// `Σ_a (1 − C_aa)² + λ Σ_{a≠c} C_ac²` with C the correlation of the two views' columns, shape `[1]`.
pub(super) fn value(
    config: &LossConfig,
    prediction: &Prediction,
    batch: &Batch,
    trace: &mut Trace,
) -> Tensor<1> {
    let columns = |index: usize| {
        let samples = prediction.views[index].atom.clone();
        let samples = match config.contrast.samples {
            Samples::Atoms => samples,
            Samples::Crystals => crystal_means(samples, batch),
        };
        let samples = match config.contrast.centred {
            true => samples.clone() - samples.mean_dim(0),
            false => samples,
        };
        // Dividing the columns first keeps the correlation one product.
        let norms = (samples.clone().powi_scalar(2).sum_dim(0) + NORM_EPSILON).sqrt();
        samples / norms
    };
    let correlation = columns(0).transpose().matmul(columns(1));
    trace.record("bt_C", || correlation.clone());
    let width = correlation.dims()[0];
    let identity = Tensor::<2>::eye(width, &correlation.device()).cast(correlation.dtype());
    let diagonal = (correlation.clone() * identity).sum_dim(1);
    let on = (diagonal.clone().neg() + 1.0).powi_scalar(2).sum();
    let off = correlation.powi_scalar(2).sum() - diagonal.powi_scalar(2).sum();
    on + off * config.contrast.off_diagonal
}

/// Mean over each crystal's atoms: `[N, width]` to `[B, width]`.
fn crystal_means(atoms: Tensor<2>, batch: &Batch) -> Tensor<2> {
    sum_by(batch.crystals, &batch.crystal_of_atom, atoms) / batch.atom_counts.clone()
}
