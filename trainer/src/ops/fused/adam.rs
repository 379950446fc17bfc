//! The optimiser's step on flat tensors, in place where a tensor has no other owner.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::adam::{self as kernel, Settings};

use super::{Value, values, with_real};

/// The operations as a backend extension.
#[backend_extension(Flex)]
pub trait FusedAdam: Backend {
    /// Takes a step. Returns the parameter, the mean and the mean square.
    fn fused_adam_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        settings: Settings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// Returns the sum of squares in double precision, shape `[1]`.
    fn fused_squared_norm(values: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl FusedAdam for Flex {
    fn fused_adam_step(
        parameter: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        square: FlexTensor,
        settings: Settings,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        fn step<R: Value>(tensors: &mut [FlexTensor; 3], gradient: &FlexTensor, settings: &Settings) {
            let [parameter, mean, square] = tensors.each_mut().map(|tensor| tensor.storage_mut::<R>());
            kernel::step(parameter, values(gradient), mean, square, settings);
        }
        let gradient = gradient.to_contiguous();
        // A contiguous tensor of the whole buffer keeps it: storage and values are the same.
        let mut tensors = [parameter, mean, square].map(|tensor| match tensor.is_contiguous() {
            true => tensor,
            false => tensor.to_contiguous(),
        });
        with_real!(gradient, R => step::<R>(&mut tensors, &gradient, &settings));
        tensors.into()
    }

    fn fused_squared_norm(tensor: FlexTensor) -> FlexTensor {
        let tensor = tensor.to_contiguous();
        let sum = with_real!(tensor, R => kernel::squared_norm::<R>(values(&tensor)));
        super::tensor(vec![sum], [1])
    }
}

/// Returns the sum of squares of a tensor on the CPU backend.
pub fn squared_norm(values: Tensor<1>) -> f64 {
    let sum = Tensor::<1>::from_dispatch(Dispatch::fused_squared_norm(values.into_dispatch()));
    sum.into_data().iter::<f64>().sum()
}

/// Takes a step. Returns the parameter, the mean and the mean square. All tensors are flat and on the CPU backend.
pub fn adam_step(
    parameter: Tensor<1>,
    gradient: Tensor<1>,
    mean: Tensor<1>,
    square: Tensor<1>,
    settings: Settings,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    let (parameter, mean, square) = Dispatch::fused_adam_step(
        parameter.into_dispatch(),
        gradient.into_dispatch(),
        mean.into_dispatch(),
        square.into_dispatch(),
        settings,
    );
    (Tensor::from_dispatch(parameter), Tensor::from_dispatch(mean), Tensor::from_dispatch(square))
}
