//! L_L (Eq. 10): reconstruction of the lattice parameters from their encoding.

use burn::prelude::*;

use super::{Term, error, error_unit};
use crate::config::pretrain::loss::LossConfig;
use crate::model::{Batch, Trace};
use crate::pretrain::mmpt::model::Prediction;

/// Loss of the constant predictor: the variance of standardised parameters.
const CONSTANT_LOSS: f64 = 1.0;

/// The term.
pub(super) const TERM: Term = Term {
    name: "L_L",
    title: "Lattice parameters",
    unit: |config| error_unit(config.lattice.error, ["standard deviations", "variances"]),
    value,
    constant: |_, _| Some(CONSTANT_LOSS),
};

/// Returns the mean error of the standardised parameters over all crystals.
///
/// # Shapes
/// Parameters `[B, 6]`, output `[1]`.
fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let difference = prediction.lattice.clone() - prediction.lattice_target.clone();
    batch.global.of_crystals(error(config.lattice.error, difference).mean())
}
