//! L_A (Eq. 8): classification of the hidden atoms' types.

use burn::prelude::*;

use super::{Term, mean_of_views};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::ops::cross_entropy;
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term = Term { name: "L_A", value, constant: |constant, _| Some(constant.atom_type) };

/// Returns `½ [mean over M of CE(logits1, Z) + mean over M̄ of CE(logits2, Z)]`.
///
/// # Shapes
/// Logits `[N, 119]` of each view, output `[1]`.
fn value(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        let weights = batch.views()[index].weights.clone();
        cross_entropy(prediction.views[index].types.clone(), batch.atomic_numbers.clone(), Some(weights))
    };
    mean_of_views(view(0), view(1))
}
