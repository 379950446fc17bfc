//! L_Dis (Eq. 14): regression of the edge lengths in both views.

use burn::prelude::*;

use super::{Term, VIEW_SHARE, error, error_unit};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::pretrain::mmpt::model::Prediction;

/// The term.
pub(super) const TERM: Term = Term {
    name: "L_Dis",
    title: "Edge lengths",
    unit: |config| error_unit(config.distance.error, ["Å", "Å²"]),
    value,
    constant: |constant, _| Some(constant.edge_distance),
};

/// Returns the mean error over the edges of both views, `½ Σ_v mean_e |d̂_v − d|` in Å, or of the squared
/// differences.
///
/// # Shapes
/// Lengths `[2 E]`, output `[1]`.
fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let difference = prediction.views.distances.clone() - batch.views().distances.clone();
    error(config.distance.error, difference).sum() * (VIEW_SHARE * batch.global.per_edge())
}
