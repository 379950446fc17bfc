//! L_Unit (Eq. 13): classification of edges within one cell in both views.

use burn::prelude::*;

use super::{Term, VIEW_SHARE, nats};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::ops::cross_entropy;
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term = Term {
    name: "L_Unit",
    title: "Same cell or not",
    unit: nats,
    value,
    constant: |constant, labels| Some(constant.same_cell(labels)),
};

/// Returns the mean cross entropy over the edges of both views, `½ Σ_v mean_e CE(logits_v, same_cell)`.
///
/// # Shapes
/// Logits `[2 E, 2]`, output `[1]`.
fn value(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let labels = batch.views().labels().same_cell.clone();
    cross_entropy(prediction.views.same_cell.clone(), labels, None) * (VIEW_SHARE * batch.global.per_edge())
}
