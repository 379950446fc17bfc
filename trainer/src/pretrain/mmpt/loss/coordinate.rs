//! L_X (Eq. 9): regression of the hidden atoms' distances from the centre of their crystal.

use burn::prelude::*;

use super::{Term, VIEW_SHARE, error, error_unit};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term = Term {
    name: "L_X",
    title: "Distances from the centre",
    unit: |config| error_unit(config.coordinate.error, ["Å", "Å²"]),
    value,
    constant: |constant, _| Some(constant.centre_distance),
};

/// Returns `½ [mean over M of |d̂1 − d| + mean over M̄ of |d̂2 − d|]` in Å, or of the squared differences.
///
/// # Shapes
/// Distances `[2 N]`, output `[1]`.
fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let views = batch.views();
    let difference = prediction.views.centre_distances.clone() - views.centre_distances.clone();
    (error(config.coordinate.error, difference) * views.weights.clone()).sum() * VIEW_SHARE
}
