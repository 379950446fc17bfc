//! L_BT (Eq. 11): the Barlow Twins loss between the two views (<https://arxiv.org/abs/2103.03230>).

use burn::prelude::*;

use super::Term;
use crate::config::pretrain::loss::{LossConfig, Samples};
use crate::model::head::mean;
use crate::model::views::of_view;
use crate::model::{Batch, Trace};
use crate::pretrain::barlow_twins::{BarlowTwins, Columns};
use crate::pretrain::mmpt::model::Prediction;
use crate::unit::PURE;

/// Added to the sum of squares of each feature.
const NORM_EPSILON: f64 = 1e-8;

/// The term.
pub(super) const TERM: Term =
    Term { name: "L_BT", title: "Agreement of the views", unit: |_| PURE, value, constant: |_, _| None };

/// Returns the Barlow Twins loss between the atom features p_A of the two views, or between their means over each
/// crystal's atoms.
///
/// # Shapes
/// p_A `[2 N, width]`, output `[1]`.
fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, trace: &mut Trace) -> Tensor<1> {
    let config = &config.contrast;
    let samples =
        [0, 1].map(|view| of_view(&prediction.views.atom, view)).map(|atoms| match config.samples {
            Samples::Atoms => atoms,
            Samples::Crystals => mean(atoms, batch),
        });
    let part = |means| match config.samples {
        Samples::Atoms => batch.global.part_of_atoms(means),
        Samples::Crystals => batch.global.part_of_crystals(means),
    };
    let twins =
        BarlowTwins { off_diagonal: config.off_diagonal, centred: config.centred, epsilon: NORM_EPSILON };
    let agreement = twins.agreement(samples, &Columns { part: &part, ranks: batch.global.ranks() });
    trace.record("bt_C", || agreement.correlation);
    agreement.loss
}
