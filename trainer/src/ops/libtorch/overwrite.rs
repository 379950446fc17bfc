//! Writing into a tensor's memory; see [`crate::ops::overwrite`].

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;

/// The operation as a backend extension.
#[backend_extension(LibTorch)]
pub(super) trait LibtorchOverwrite: Backend {
    /// Copies `values` into the memory of `target`, and returns `target`.
    fn libtorch_overwrite(target: FloatTensor<Self>, values: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl LibtorchOverwrite for LibTorch {
    fn libtorch_overwrite(mut target: TchTensor, values: TchTensor) -> TchTensor {
        target.tensor.copy_(&values.tensor);
        target
    }
}

/// See [`crate::ops::overwrite`].
pub fn overwrite(target: &Tensor<1>, values: Tensor<1>) {
    let _ = Dispatch::libtorch_overwrite(target.clone().into_dispatch(), values.into_dispatch());
}
