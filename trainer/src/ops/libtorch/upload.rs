//! Moving lists to a device; see [`crate::ops::upload`].

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_tch::{LibTorchDevice, TchElement, TchTensor};

use super::absent;

/// The operations as a backend extension. The result is on the device of `like`.
#[backend_extension(LibTorch)]
pub(super) trait LibtorchUpload: Backend {
    /// Moves floats.
    fn libtorch_upload_floats(values: TensorData, like: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Moves integers.
    fn libtorch_upload_integers(values: TensorData, like: FloatTensor<Self>) -> IntTensor<Self>;
}

impl LibtorchUpload for LibTorch {
    fn libtorch_upload_floats(values: TensorData, like: TchTensor) -> TchTensor {
        let values = match values.dtype() {
            DType::F64 => TchTensor::from_data::<f64>(values, LibTorchDevice::Cpu.into()),
            _ => TchTensor::from_data::<f32>(values, LibTorchDevice::Cpu.into()),
        };
        moved(&values, &like)
    }

    fn libtorch_upload_integers(values: TensorData, like: TchTensor) -> TchTensor {
        let values = TchTensor::from_data::<i32>(values, LibTorchDevice::Cpu.into());
        // Widened on the device, so that half of the bytes travel.
        TchTensor::new(moved(&values, &like).tensor.to_kind(i64::kind()))
    }
}

/// Copies a tensor of the host to the device of `like`. A CUDA device reads from page-locked memory by itself: the host
/// does not wait for the copy, which comes after all work that the device has been given before.
fn moved(values: &TchTensor, like: &TchTensor) -> TchTensor {
    let (values, device) = (&values.tensor, like.tensor.device());
    TchTensor::new(match device.is_cuda() {
        // `pin_memory` with a device warns that this argument is deprecated, in every call.
        true => values.internal_pin_memory(device).to_device_(device, values.kind(), true, false),
        false => values.to_device(device),
    })
}

/// See [`crate::ops::upload::floats`].
pub(crate) fn floats(values: TensorData, device: &Device) -> Tensor<1> {
    let like = absent(device, values.dtype()).into_dispatch();
    Tensor::from_dispatch(Dispatch::libtorch_upload_floats(values, like))
}

/// See [`crate::ops::upload::integers`].
pub(crate) fn integers(values: TensorData, device: &Device) -> Tensor<1, Int> {
    let like = absent(device, DType::F32).into_dispatch();
    Tensor::from_dispatch(Dispatch::libtorch_upload_integers(values, like))
}
