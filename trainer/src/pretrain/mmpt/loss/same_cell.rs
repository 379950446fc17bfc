//! L_Unit (Eq. 13): classification of edges within one cell in both views.

use burn::prelude::*;

use super::{Term, mean_of_views};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::ops::cross_entropy;
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term =
    Term { name: "L_Unit", value, constant: |constant, labels| Some(constant.same_cell(labels)) };

/// Returns the mean cross entropy over the edges of both views, `½ Σ_v mean_e CE(logits_v, same_cell)`.
///
/// # Shapes
/// Logits `[E, 2]` of each view, output `[1]`.
fn value(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        cross_entropy(prediction.views[index].same_cell.clone(), batch.labels().same_cell.clone(), None)
    };
    mean_of_views(view(0), view(1)) * batch.global.per_edge()
}
