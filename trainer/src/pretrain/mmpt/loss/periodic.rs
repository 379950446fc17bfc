//! L_Die, L_Unit, L_Dis (Eqs. 12 to 14): the periodic attributes of every edge, in both views.

use burn::prelude::*;

use super::{Term, error, mean_of_views};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::ops::cross_entropy;
use crate::pretrain::mmpt::model::Prediction;

/// L_Die.
pub(super) const DIRECTION: Term = Term {
    name: "L_Die",
    weight: |config| config.direction.weight,
    value: direction,
    constant: |constant, labels| Some(constant.direction(labels)),
};

/// L_Unit.
pub(super) const SAME_CELL: Term = Term {
    name: "L_Unit",
    weight: |config| config.same_cell.weight,
    value: same_cell,
    constant: |constant, labels| Some(constant.same_cell(labels)),
};

/// L_Dis.
pub(super) const DISTANCE: Term = Term {
    name: "L_Dis",
    weight: |config| config.distance.weight,
    value: distance,
    constant: |constant, _| Some(constant.edge_distance),
};

/// Mean cross entropy of the 27 directions, shape `[1]`.
fn direction(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        cross_entropy(prediction.views[index].directions.clone(), batch.labels().directions.clone(), None)
    };
    mean_of_views(view(0), view(1)) * batch.whole.per_edge()
}

/// Mean cross entropy of the same-cell label, shape `[1]`.
fn same_cell(_: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        cross_entropy(prediction.views[index].same_cell.clone(), batch.labels().same_cell.clone(), None)
    };
    mean_of_views(view(0), view(1)) * batch.whole.per_edge()
}

/// Mean error of the edge lengths in Å, shape `[1]`.
fn distance(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        error(config.distance.error, prediction.views[index].distances.clone() - batch.distances.clone())
            .sum()
    };
    mean_of_views(view(0), view(1)) * batch.whole.per_edge()
}
