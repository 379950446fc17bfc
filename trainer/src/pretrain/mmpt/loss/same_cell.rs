//! L_Unit (Eq. 13): whether an edge stays in its cell, in both views.

use burn::prelude::*;

use super::{Term, mean_of_views};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::ops::cross_entropy;
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term =
    Term { name: "L_Unit", value, constant: |constant, labels| Some(constant.same_cell(labels)) };

/// Mean cross entropy of the same-cell label, shape `[1]`.
fn value(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        cross_entropy(prediction.views[index].same_cell.clone(), batch.labels().same_cell.clone(), None)
    };
    mean_of_views(view(0), view(1)) * batch.global.per_edge()
}
