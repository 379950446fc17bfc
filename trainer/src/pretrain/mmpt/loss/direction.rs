//! L_Die (Eq. 12): classification of the edges' directions in both views.

use burn::prelude::*;

use super::{Term, VIEW_SHARE, nats};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::ops::cross_entropy;
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term = Term {
    name: "L_Die",
    title: "Directions, 27 classes",
    unit: nats,
    value,
    constant: |constant, labels| Some(constant.direction(labels)),
};

/// Returns the mean cross entropy over the edges of both views, `½ Σ_v mean_e CE(logits_v, direction)`.
///
/// # Shapes
/// Logits `[2 E, 27]`, output `[1]`.
fn value(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let labels = batch.views().labels().directions.clone();
    cross_entropy(prediction.views.directions.clone(), labels, None) * (VIEW_SHARE * batch.global.per_edge())
}
