//! L_Die, L_Unit, L_Dis (Eqs. 12 to 14): the periodic attributes of every edge, in both views.

use burn::prelude::*;

use super::{error, mean_of_views};
use crate::config::loss::LossConfig;
use crate::model::{Batch, Prediction, Trace};
use crate::ops::cross_entropy;

/// Mean cross entropy of the 27 directions, shape `[1]`.
pub(super) fn direction(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        cross_entropy(prediction.views[index].directions.clone(), batch.directions.clone(), None)
    };
    mean_of_views(view(0), view(1)) * batch.whole.per_edge()
}

/// Mean cross entropy of the same-cell label, shape `[1]`.
pub(super) fn same_cell(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        cross_entropy(prediction.views[index].same_cell.clone(), batch.same_cell.clone(), None)
    };
    mean_of_views(view(0), view(1)) * batch.whole.per_edge()
}

/// Mean error of the edge lengths in Å, shape `[1]`.
pub(super) fn distance(
    config: &LossConfig,
    prediction: &Prediction,
    batch: &Batch,
    _: &mut Trace,
) -> Tensor<1> {
    let view = |index: usize| {
        error(config.distance.error, prediction.views[index].distances.clone() - batch.distances.clone())
            .sum()
    };
    mean_of_views(view(0), view(1)) * batch.whole.per_edge()
}
