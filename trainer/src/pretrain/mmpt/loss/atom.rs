//! L_A (Eq. 8): classification of the hidden atoms' types.

use burn::prelude::*;

use super::{Term, VIEW_SHARE, nats};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::ops::cross_entropy;
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term = Term {
    name: "L_A",
    title: "Types of hidden atoms",
    unit: nats,
    value,
    constant: |constant, _| Some(constant.atom_type),
};

/// Returns `½ [mean over M of CE(logits1, Z) + mean over M̄ of CE(logits2, Z)]`.
///
/// # Shapes
/// Logits `[2 N, 119]`, output `[1]`.
fn value(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let views = batch.views();
    let (types, numbers) = (prediction.views.types.clone(), views.atomic_numbers.clone());
    cross_entropy(types, numbers, Some(views.weights.clone())) * VIEW_SHARE
}
