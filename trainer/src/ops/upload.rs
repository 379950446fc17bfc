//! Moving lists of the host to a device.

use burn::prelude::*;
use burn::tensor::{DType, Element};

use crate::device;

/// Moves floats to a device without automatic differentiation, shape `[count]`.
pub fn floats<R: Element>(values: Vec<R>, device: &Device) -> Tensor<1> {
    let count = values.len();
    moved(TensorData::new(values, [count]), device)
}

/// Moves floats without a gradient to a device with or without automatic differentiation, shape `[count]`.
pub fn constants<R: Element>(values: Vec<R>, dtype: DType, device: &Device) -> Tensor<1> {
    let count = values.len();
    let values = TensorData::new(values, [count]).convert_dtype(dtype);
    match device.is_autodiff() {
        true => Tensor::from_inner(moved(values, &device.clone().inner())),
        false => moved(values, device),
    }
}

fn moved(values: TensorData, device: &Device) -> Tensor<1> {
    match device::operations(device) {
        #[cfg(feature = "tch")]
        device::Operations::Libtorch if !device::computes_on_host(device) => {
            super::libtorch::upload::floats(values, device)
        }
        _ => {
            let dtype = values.dtype();
            Tensor::from_data(values, (device, dtype))
        }
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
