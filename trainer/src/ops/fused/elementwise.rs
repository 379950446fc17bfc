//! Functions of single numbers; see [`crate::ops::activate`] and [`crate::ops::gaussians`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::{activation, gaussian};

use super::{contiguous, dims, tensor, values, with_real};
use crate::ops::Activation;
use crate::ops::differentiable::{Operation, differentiable};

/// The operations as a backend extension.
#[backend_extension(Autodiff, Flex)]
pub trait FusedElementwise: Backend {
    /// See [`activate`].
    fn fused_activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;
    /// See [`gaussians`].
    fn fused_gaussians(
        distances: FloatTensor<Self>,
        centres: FloatTensor<Self>,
        gamma: f64,
    ) -> FloatTensor<Self>;
}

impl FusedElementwise for Flex {
    fn fused_activate(x: FlexTensor, activation: Activation) -> FlexTensor {
        Activate(activation).infer([x])
    }

    fn fused_gaussians(distances: FlexTensor, centres: FlexTensor, gamma: f64) -> FlexTensor {
        let [distances, centres] = contiguous([distances, centres]);
        let shape = [&distances, &centres].map(|tensor| tensor.layout().num_elements());
        with_real!(distances, R => {
            tensor(gaussian::forward::<R>(values(&distances), values(&centres), gamma), shape)
        })
    }
}

impl<C: CheckpointStrategy> FusedElementwise for Autodiff<Flex, C> {
    fn fused_activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(Activate(activation), [x])
    }

    fn fused_gaussians(
        distances: FloatTensor<Self>,
        centres: FloatTensor<Self>,
        gamma: f64,
    ) -> FloatTensor<Self> {
        let (distances, centres) = (distances.into_primitive(), centres.into_primitive());
        FloatTensor::<Self>::new(Flex::fused_gaussians(distances, centres, gamma))
    }
}

/// The operation on `[x]`.
#[derive(Debug, Clone)]
struct Activate(Activation);

impl Operation<Flex, 1> for Activate {
    /// The input.
    type Saved = FlexTensor;

    fn forward(&self, inputs: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let [x] = contiguous(inputs);
        let [rows, channels] = dims(&x);
        let y = with_real!(x, R => {
            tensor(activation::forward::<R>(values(&x), channels, self.0), [rows, channels])
        });
        (y, x)
    }

    fn backward(&self, x: FlexTensor, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let grad = grad.to_contiguous();
        let [rows, channels] = dims(&x);
        [Some(with_real!(grad, R => {
            let dx = activation::backward::<R>(values(&x), values(&grad), channels, self.0);
            tensor(dx, [rows, channels])
        }))]
    }
}

/// See [`crate::ops::activate`].
pub fn activate(x: Tensor<2>, activation: Activation) -> Tensor<2> {
    if activation == Activation::Identity {
        return x;
    }
    Tensor::from_dispatch(Dispatch::fused_activate(x.into_dispatch(), activation))
}

/// See [`crate::ops::gaussians`].
pub fn gaussians(values: Tensor<1>, first: f64, step: f64, count: usize, gamma: f64) -> Tensor<2> {
    let centres = crate::ops::composed::centres(first, step, count, &values);
    let (values, centres) = (values.into_dispatch(), centres.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_gaussians(values, centres, gamma))
}
