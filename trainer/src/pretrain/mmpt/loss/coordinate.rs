//! L_X (Eq. 9): regression of the hidden atoms' distances from the centre of their crystal.

use burn::prelude::*;

use super::{Term, error, mean_of_views};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term =
    Term { name: "L_X", value, constant: |constant, _| Some(constant.centre_distance) };

/// Returns `½ [mean over M of |d̂1 − d| + mean over M̄ of |d̂2 − d|]` in Å, or of the squared differences.
///
/// # Shapes
/// Distances `[N]` of each view, output `[1]`.
fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        let difference = prediction.views[index].centre_distances.clone() - batch.centre_distances.clone();
        (error(config.coordinate.error, difference) * batch.views()[index].weights.clone()).sum()
    };
    mean_of_views(view(0), view(1))
}
