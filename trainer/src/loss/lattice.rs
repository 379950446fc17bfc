//! L_L (Eq. 10): the lattice, rebuilt from its encoding.

use burn::prelude::*;

use super::error;
use crate::config::loss::LossConfig;
use crate::model::{Batch, Prediction, Trace};

/// Mean over crystals and parameters of the error of the standardised parameters, shape `[1]`.
pub(super) fn value(config: &LossConfig, prediction: &Prediction, batch: &Batch, _: &mut Trace) -> Tensor<1> {
    let difference = prediction.lattice.clone() - prediction.lattice_target.clone();
    batch.whole.of_crystals(error(config.lattice.error, difference).mean())
}
