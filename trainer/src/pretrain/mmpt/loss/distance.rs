//! L_Dis (Eq. 14): regression of the edge lengths in both views.

use burn::prelude::*;

use super::{Term, error, mean_of_views};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term =
    Term { name: "L_Dis", value, constant: |constant, _| Some(constant.edge_distance) };

/// Returns the mean error over the edges of both views, `½ Σ_v mean_e |d̂_v − d|` in Å, or of the squared
/// differences.
///
/// # Shapes
/// Lengths `[E]` of each view, output `[1]`.
fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let view = |index: usize| {
        error(config.distance.error, prediction.views[index].distances.clone() - batch.distances.clone())
            .sum()
    };
    mean_of_views(view(0), view(1)) * batch.global.per_edge()
}
