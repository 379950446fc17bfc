//! Layer normalisation, also as gates; see [`crate::ops::layer_norm`] and [`crate::ops::layer_norm_gate`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::layer_norm as kernel;

use super::{contiguous, dims, optional, optional_values, tensor, values, with_real};
use crate::ops::differentiable::{Operation, differentiable};

/// The operation as a backend extension. Absent values have shape `[0]`.
#[backend_extension(Autodiff, Flex)]
pub trait FusedLayerNorm: Backend {
    /// See [`layer_norm`], and [`layer_norm_gate`] with values.
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        values: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl FusedLayerNorm for Flex {
    fn fused_layer_norm(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        values: FlexTensor,
    ) -> FlexTensor {
        LayerNorm.infer([x, weight, bias, values])
    }
}

impl<C: CheckpointStrategy> FusedLayerNorm for Autodiff<Flex, C> {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        values: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(LayerNorm, [x, weight, bias, values])
    }
}

/// The operation on `[x, weight, bias, values]`, the last optional.
#[derive(Debug, Clone)]
struct LayerNorm;

impl Operation<Flex, 4> for LayerNorm {
    /// The inputs.
    type Saved = [FlexTensor; 4];

    fn forward(&self, inputs: [FlexTensor; 4]) -> (FlexTensor, Self::Saved) {
        let inputs = contiguous(inputs);
        let [x, weight, bias, gated] = &inputs;
        let y = with_real!(x, R => {
            let y = match optional_values::<R>(gated) {
                Some(gated) => kernel::gate(values(x), values(weight), values(bias), gated),
                None => kernel::forward::<R>(values(x), values(weight), values(bias)),
            };
            tensor(y, dims(x))
        });
        (y, inputs)
    }

    fn backward(&self, inputs: Self::Saved, grad: FlexTensor, _: [bool; 4]) -> [Option<FlexTensor>; 4] {
        let grad = grad.to_contiguous();
        let [x, weight, bias, gated] = &inputs;
        let [rows, channels] = dims(x);
        with_real!(grad, R => {
            let (found, dvalues) = match optional_values::<R>(gated) {
                Some(gated) => {
                    let weights = [values(weight), values(bias)];
                    let (found, dvalues) = kernel::gate_backward(values(x), weights, gated, values(&grad));
                    (found, Some(dvalues))
                }
                None => (kernel::backward::<R>(values(x), values(weight), values(&grad)), None),
            };
            [
                Some(tensor(found.dx, [rows, channels])),
                Some(tensor(found.dweight, [channels])),
                Some(tensor(found.dbias, [channels])),
                dvalues.map(|dvalues| tensor(dvalues, [rows, channels])),
            ]
        })
    }
}

/// See [`crate::ops::layer_norm`].
pub fn layer_norm(x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<2> {
    normalised(x, weight, bias, None)
}

/// See [`crate::ops::layer_norm_gate`].
pub fn layer_norm_gate(values: Tensor<2>, x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<2> {
    normalised(x, weight, bias, Some(values))
}

fn normalised(x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>, values: Option<Tensor<2>>) -> Tensor<2> {
    let values = optional(values, &x);
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_layer_norm(x, weight, bias, values))
}
