//! L_L (Eq. 10): the lattice, rebuilt from its encoding.

use burn::prelude::*;

use super::error;
use crate::config::loss::LossConfig;
use crate::model::{Batch, Prediction, Trace};

/// Mean over crystals and parameters of the error of the standardised parameters, shape `[1]`.
pub(super) fn value(config: &LossConfig, prediction: &Prediction, _: &Batch, _: &mut Trace) -> Tensor<1> {
    error(config.lattice.error, prediction.lattice.clone() - prediction.lattice_target.clone()).mean()
}
