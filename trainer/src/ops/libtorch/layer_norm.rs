//! Layer normalisation, also as gates; see [`crate::ops::layer_norm`] and [`crate::ops::layer_norm_gate`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;

use super::{column_sums, is_present, optional};
use crate::ops::NORM_EPSILON;
use crate::ops::differentiable::{Operation, differentiable};

/// The operation as a backend extension. Absent values have shape `[0]`.
#[backend_extension(Autodiff, LibTorch)]
pub(super) trait LibtorchLayerNorm: Backend {
    /// See [`layer_norm`], and [`layer_norm_gate`] with values.
    fn libtorch_layer_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        values: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl LibtorchLayerNorm for LibTorch {
    fn libtorch_layer_norm(x: TchTensor, weight: TchTensor, bias: TchTensor, values: TchTensor) -> TchTensor {
        LayerNorm.infer([x, weight, bias, values])
    }
}

impl<C: CheckpointStrategy> LibtorchLayerNorm for Autodiff<LibTorch, C> {
    fn libtorch_layer_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        values: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<LibTorch, _, C, 4>(LayerNorm, [x, weight, bias, values])
    }
}

/// The operation on `[x, weight, bias, values]`, the last optional.
#[derive(Debug, Clone)]
struct LayerNorm;

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
struct Saved {
    x: TchTensor,
    weight: TchTensor,
    /// Means of the rows, shape `[rows, 1]`.
    mean: TchTensor,
    /// Inverse deviations of the rows, shape `[rows, 1]`.
    inverse: TchTensor,
    /// The gates and the values that they multiply.
    gated: Option<[TchTensor; 2]>,
}

impl Operation<LibTorch, 4> for LayerNorm {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias, values]: [TchTensor; 4]) -> (TchTensor, Saved) {
        let shape = weight.tensor.size();
        let (mut y, mean, inverse) =
            x.tensor.native_layer_norm(shape, Some(&weight.tensor), Some(&bias.tensor), NORM_EPSILON);
        let (mean, inverse) = (TchTensor::new(mean), TchTensor::new(inverse));
        if !is_present(&values) {
            return (TchTensor::new(y), Saved { x, weight, mean, inverse, gated: None });
        }
        let _ = y.sigmoid_();
        let product = TchTensor::new(&y * &values.tensor);
        let gated = Some([TchTensor::new(y), values]);
        (product, Saved { x, weight, mean, inverse, gated })
    }

    fn backward(&self, saved: Saved, grad: TchTensor, wanted: [bool; 4]) -> [Option<TchTensor>; 4] {
        let Saved { x, weight, mean, inverse, gated } = saved;
        let (dy, dvalues) = match gated {
            Some([gates, values]) => {
                let dvalues = &grad.tensor * &gates.tensor;
                let mut dy = &dvalues * &values.tensor;
                let _ = dy.g_mul_(&(1.0 - &gates.tensor));
                (TchTensor::new(dy), Some(TchTensor::new(dvalues)))
            }
            None => (grad, None),
        };
        let mut normal = &x.tensor - &mean.tensor;
        let _ = normal.g_mul_(&inverse.tensor);
        let dweight = wanted[1].then(|| column_sums(&TchTensor::new(&dy.tensor * &normal)));
        let dx = wanted[0].then(|| {
            let (along, kind) = ([1i64], dy.tensor.kind());
            let mut dx = &dy.tensor * &weight.tensor;
            let first = dx.mean_dim(&along[..], true, kind);
            let second = (&dx * &normal).mean_dim(&along[..], true, kind);
            let _ = normal.g_mul_(&second);
            let _ = dx.g_sub_(&first);
            let _ = dx.g_sub_(&normal);
            let _ = dx.g_mul_(&inverse.tensor);
            TchTensor::new(dx)
        });
        [dx, dweight, wanted[2].then(|| column_sums(&dy)), dvalues]
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
    Tensor::from_dispatch(Dispatch::libtorch_layer_norm(x, weight, bias, values))
}
