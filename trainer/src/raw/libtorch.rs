//! Slices of libtorch's tensors in the host's memory.
//!
//! Unsafe because libtorch gives the address of a tensor's values and not a slice. The contract is kept by checks: a
//! slice is made only of a contiguous tensor on the CPU with the slice's element type, and a mutable slice only if no
//! other tensor shares the memory.
#![allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]

use burn::backend::TensorMetadata;
use burn::tensor::Element;
use burn_tch::{LibTorchDevice, TchTensor};
use bytemuck::Pod;

fn check<E: Element>(tensor: &TchTensor) -> usize {
    assert!(tensor.device() == LibTorchDevice::Cpu, "the values are on the host");
    assert!(tensor.tensor.is_contiguous(), "the values lie in a row");
    assert_eq!(tensor.dtype(), E::dtype(), "the values are of this type");
    tensor.tensor.numel()
}

/// Returns the values of a contiguous tensor on the host.
///
/// # Panics
/// If the tensor is not contiguous or not on the host, or has another element type.
pub(crate) fn values<E: Element + Pod>(tensor: &TchTensor) -> &[E] {
    match check::<E>(tensor) {
        0 => &[],
        // SAFETY: a contiguous tensor on the CPU holds `numel` initialised values of its type from this
        // aligned address on, and keeps them as long as it is borrowed; libtorch writes to the memory
        // only through tensors that do not share it (`TchTensor::can_mut`).
        count => unsafe { std::slice::from_raw_parts(tensor.tensor.data_ptr().cast::<E>(), count) },
    }
}

/// Returns the values of a contiguous tensor on the host for writing.
///
/// # Panics
/// If the tensor is not contiguous or not on the host, has another element type, or shares its memory with another
/// tensor.
pub(crate) fn values_mut<E: Element + Pod>(tensor: &mut TchTensor) -> &mut [E] {
    assert!(tensor.can_mut(), "no other tensor shares the memory");
    match check::<E>(tensor) {
        0 => &mut [],
        // SAFETY: as in `values`, and no other tensor sees the memory while this one is borrowed.
        count => unsafe { std::slice::from_raw_parts_mut(tensor.tensor.data_ptr().cast::<E>(), count) },
    }
}
