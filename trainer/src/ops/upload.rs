//! Moving lists of the host to a device.

use burn::prelude::*;
use burn::tensor::Element;

use crate::device;

/// Moves floats to a device without automatic differentiation, shape `[count]`.
pub fn floats<R: Element>(values: Vec<R>, device: &Device) -> Tensor<1> {
    let count = values.len();
    let values = TensorData::new(values, [count]);
    match device::operations(device) {
        #[cfg(feature = "tch")]
        device::Operations::Libtorch if !device::computes_on_host(device) => {
            super::libtorch::upload::floats(values, device)
        }
        _ => Tensor::from_data(values, (device, R::dtype())),
    }
}

/// Moves integers to a device without automatic differentiation, shape `[count]`.
pub fn integers(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let count = values.len();
    let values = TensorData::new(values, [count]);
    match device::operations(device) {
        #[cfg(feature = "tch")]
        device::Operations::Libtorch if !device::computes_on_host(device) => {
            super::libtorch::upload::integers(values, device)
        }
        _ => Tensor::from_data(values, device),
    }
}
