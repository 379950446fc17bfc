//! Tensors of libtorch in the host's memory as slices, for the kernels of [`crate::ops::kernel`].
//!
//! This module has `unsafe` code. Its reason: libtorch gives out the address of a tensor's values, not a
//! slice. The contract is kept by looking first: a slice is made only of a tensor on the CPU whose
//! values lie in a row and are of the slice's type, and one to write to only where no other tensor
//! shares the memory.
#![allow(unsafe_code)]

use burn::backend::TensorMetadata;
use burn_tch::{LibTorchDevice, TchTensor};

use crate::ops::kernel;

/// A number type of the kernels as the tensor library knows it.
pub(super) trait Value: kernel::Real + burn::tensor::Element + bytemuck::Pod {}

impl Value for f32 {}
impl Value for f64 {}

/// Whether a tensor lies in the host's memory.
pub(super) fn is_on_host(tensor: &TchTensor) -> bool {
    tensor.device() == LibTorchDevice::Cpu
}

/// A tensor whose values lie in a row.
pub(super) fn contiguous(tensor: TchTensor) -> TchTensor {
    match tensor.tensor.is_contiguous() {
        true => tensor,
        false => TchTensor::new(tensor.tensor.contiguous()),
    }
}

fn check<E: burn::tensor::Element>(tensor: &TchTensor) -> usize {
    assert!(is_on_host(tensor), "the values are on the host");
    assert!(tensor.tensor.is_contiguous(), "the values lie in a row");
    assert_eq!(tensor.dtype(), E::dtype(), "the values are of this type");
    tensor.tensor.numel()
}

/// The values of a contiguous tensor on the host.
///
/// # Panics
/// When it is none, or its numbers are of another type.
pub(super) fn values<E: burn::tensor::Element + bytemuck::Pod>(tensor: &TchTensor) -> &[E] {
    match check::<E>(tensor) {
        0 => &[],
        // SAFETY: a contiguous tensor on the CPU holds `numel` initialised values of its type from this
        // aligned address on, and keeps them as long as it is borrowed; libtorch writes to the memory
        // only through tensors that do not share it (`TchTensor::can_mut`).
        count => unsafe { std::slice::from_raw_parts(tensor.tensor.data_ptr().cast::<E>(), count) },
    }
}

/// The values of a contiguous tensor on the host, to be written to.
///
/// # Panics
/// When it is none, its numbers are of another type, or another tensor shares its memory.
pub(super) fn values_mut<R: Value>(tensor: &mut TchTensor) -> &mut [R] {
    assert!(tensor.can_mut(), "no other tensor shares the memory");
    match check::<R>(tensor) {
        0 => &mut [],
        // SAFETY: as in `values`, and no other tensor sees the memory while this one is borrowed.
        count => unsafe { std::slice::from_raw_parts_mut(tensor.tensor.data_ptr().cast::<R>(), count) },
    }
}

/// A tensor of a shape with the values of a slice, of the type and on the device of another.
pub(super) fn tensor<R: Value, const D: usize>(
    values: &[R],
    shape: [usize; D],
    like: &TchTensor,
) -> TchTensor {
    let options = (like.tensor.kind(), like.tensor.device());
    let mut tensor = TchTensor::new(like.tensor.new_empty(shape.map(|length| length as i64), options));
    values_mut(&mut tensor).copy_from_slice(values);
    tensor
}

/// Runs an expression with `$real` as the type of a tensor's values.
macro_rules! with_real {
    ($tensor:expr, $real:ident => $body:expr) => {{
        use burn::backend::TensorMetadata as _;
        match $tensor.dtype() {
            burn::tensor::DType::F32 => {
                type $real = f32;
                $body
            }
            burn::tensor::DType::F64 => {
                type $real = f64;
                $body
            }
            other => panic!("the kernels compute in f32 and f64, not in {other:?}"),
        }
    }};
}
pub(super) use with_real;
