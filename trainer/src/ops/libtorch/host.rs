//! libtorch's tensors in the host's memory, for the [`kernels`].

use burn::backend::TensorMetadata;
use burn_tch::{LibTorchDevice, TchTensor};

use crate::device::acts_as_cuda;
pub(super) use crate::raw::libtorch::{values, values_mut};

/// A number type of the kernels that is also an element type of burn.
pub(super) trait Value: kernels::Real + burn::tensor::Element + bytemuck::Pod {}

impl Value for f32 {}
impl Value for f64 {}

/// Whether a tensor is in the host's memory, where the kernels compute.
pub(super) fn is_on_host(tensor: &TchTensor) -> bool {
    tensor.device() == LibTorchDevice::Cpu && !acts_as_cuda()
}

/// Makes a tensor contiguous.
pub(super) fn contiguous(tensor: TchTensor) -> TchTensor {
    match tensor.tensor.is_contiguous() {
        true => tensor,
        false => TchTensor::new(tensor.tensor.contiguous()),
    }
}

/// Makes a tensor of a slice, with the element type and device of `like`.
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

/// Evaluates an expression with `$real` as the element type of a tensor.
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
