//! Functions of single numbers; see [`crate::ops::activate`] and [`crate::ops::gaussians`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;
use kernels::gaussian::NEGLIGIBLE;

use super::slope_times;
use crate::ops::differentiable::{Operation, differentiable};
use crate::ops::{Activation, composed};

/// The operations as a backend extension.
#[backend_extension(Autodiff, LibTorch)]
pub(super) trait LibtorchElementwise: Backend {
    /// See [`activate`].
    fn libtorch_activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;
    /// See [`gaussians`].
    fn libtorch_gaussians(
        distances: FloatTensor<Self>,
        centres: FloatTensor<Self>,
        gamma: f64,
    ) -> FloatTensor<Self>;
}

impl LibtorchElementwise for LibTorch {
    fn libtorch_activate(x: TchTensor, activation: Activation) -> TchTensor {
        Activate(activation).infer([x])
    }

    fn libtorch_gaussians(distances: TchTensor, centres: TchTensor, gamma: f64) -> TchTensor {
        let mut y = distances.tensor.unsqueeze(1) - &centres.tensor;
        let _ = y.square_();
        let _ = y.g_mul_scalar_(-gamma);
        let _ = y.exp_();
        let _ = y.threshold_(NEGLIGIBLE, 0.0);
        TchTensor::new(y)
    }
}

impl<C: CheckpointStrategy> LibtorchElementwise for Autodiff<LibTorch, C> {
    fn libtorch_activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        differentiable::<LibTorch, _, C, 1>(Activate(activation), [x])
    }

    fn libtorch_gaussians(
        distances: FloatTensor<Self>,
        centres: FloatTensor<Self>,
        gamma: f64,
    ) -> FloatTensor<Self> {
        let (distances, centres) = (distances.into_primitive(), centres.into_primitive());
        FloatTensor::<Self>::new(LibTorch::libtorch_gaussians(distances, centres, gamma))
    }
}

/// The operation on `[x]`.
#[derive(Debug, Clone)]
struct Activate(Activation);

impl Operation<LibTorch, 1> for Activate {
    /// The tensor that [`super::activated`] keeps.
    type Saved = Option<TchTensor>;

    fn forward(&self, [x]: [TchTensor; 1]) -> (TchTensor, Self::Saved) {
        super::activated(x, self.0)
    }

    fn backward(&self, saved: Self::Saved, grad: TchTensor, _: [bool; 1]) -> [Option<TchTensor>; 1] {
        [Some(slope_times(&grad, saved.as_ref(), self.0))]
    }
}

/// See [`crate::ops::activate`].
pub fn activate(x: Tensor<2>, activation: Activation) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::libtorch_activate(x.into_dispatch(), activation))
}

/// See [`crate::ops::gaussians`].
pub fn gaussians(values: Tensor<1>, first: f64, step: f64, count: usize, gamma: f64) -> Tensor<2> {
    let centres = composed::centres(first, step, count, &values);
    let (values, centres) = (values.into_dispatch(), centres.into_dispatch());
    Tensor::from_dispatch(Dispatch::libtorch_gaussians(values, centres, gamma))
}
