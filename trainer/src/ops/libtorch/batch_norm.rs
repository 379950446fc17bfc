//! Batch normalisation with activation and residual; see [`crate::ops::batch_norm`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;

use super::{activated, add_residual, column_sums, optional, slope_times};
use crate::ops::differentiable::{Operation, differentiable};
use crate::ops::{Activation, NORM_EPSILON, Normalised, composed};
use crate::ranks::Rows;

/// The operations as a backend extension. An absent optional tensor has shape `[0]`.
#[backend_extension(Autodiff, LibTorch)]
#[allow(clippy::too_many_arguments, reason = "tensors cross the dispatch one by one")]
pub(super) trait LibtorchBatchNorm: Backend {
    /// Returns means and biased variances of the columns without gradients.
    fn libtorch_moments(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// See [`normalise`]. `of_batch` tells whether the moments are those of x.
    fn libtorch_normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        activation: Activation,
        of_batch: bool,
    ) -> FloatTensor<Self>;
}

impl LibtorchBatchNorm for LibTorch {
    fn libtorch_moments(x: TchTensor) -> (TchTensor, TchTensor) {
        let along = [0i64];
        let (variance, mean) = x.tensor.var_mean_dim(&along[..], false, false);
        (TchTensor::new(mean), TchTensor::new(variance))
    }

    fn libtorch_normalise(
        x: TchTensor,
        weight: TchTensor,
        bias: TchTensor,
        residual: TchTensor,
        mean: TchTensor,
        variance: TchTensor,
        activation: Activation,
        of_batch: bool,
    ) -> TchTensor {
        Normalise { mean, variance, activation, of_batch }.infer([x, weight, bias, residual])
    }
}

impl<C: CheckpointStrategy> LibtorchBatchNorm for Autodiff<LibTorch, C> {
    fn libtorch_moments(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (mean, variance) = LibTorch::libtorch_moments(x.into_primitive());
        (FloatTensor::<Self>::new(mean), FloatTensor::<Self>::new(variance))
    }

    fn libtorch_normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        activation: Activation,
        of_batch: bool,
    ) -> FloatTensor<Self> {
        let (mean, variance) = (mean.into_primitive(), variance.into_primitive());
        let operation = Normalise { mean, variance, activation, of_batch };
        differentiable::<LibTorch, _, C, 4>(operation, [x, weight, bias, residual])
    }
}

/// The operation on `[x, weight, bias, residual]`, the last optional.
#[derive(Debug, Clone)]
struct Normalise {
    mean: TchTensor,
    variance: TchTensor,
    activation: Activation,
    /// Whether the moments are those of x.
    of_batch: bool,
}

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
struct Saved {
    x: TchTensor,
    weight: TchTensor,
    /// The tensor that [`activated`] keeps.
    activated: Option<TchTensor>,
}

impl Operation<LibTorch, 4> for Normalise {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias, residual]: [TchTensor; 4]) -> (TchTensor, Saved) {
        // In one pass, with the moments as running ones.
        let (z, _, _) = x.tensor.native_batch_norm(
            Some(&weight.tensor),
            Some(&bias.tensor),
            Some(&self.mean.tensor),
            Some(&self.variance.tensor),
            false,
            0.0,
            NORM_EPSILON,
        );
        let (y, kept) = activated(TchTensor::new(z), self.activation);
        let y = add_residual(y, &residual, self.activation);
        (y, Saved { x, weight, activated: kept })
    }

    fn backward(&self, saved: Saved, grad: TchTensor, wanted: [bool; 4]) -> [Option<TchTensor>; 4] {
        let Saved { x, weight, activated } = saved;
        let dz = slope_times(&grad, activated.as_ref(), self.activation);
        let inverse = (&self.variance.tensor + NORM_EPSILON).rsqrt();
        let mut normal = &x.tensor - &self.mean.tensor;
        let _ = normal.g_mul_(&inverse);
        let dbias = column_sums(&dz);
        let dweight = column_sums(&TchTensor::new(&dz.tensor * &normal));
        let dx = wanted[0].then(|| {
            let scale = inverse * &weight.tensor;
            if !self.of_batch {
                return TchTensor::new(&dz.tensor * scale);
            }
            let share = -1.0 / x.tensor.size()[0] as f64;
            let _ = normal.g_mul_(&(&dweight.tensor * share));
            let _ = normal.g_add_(&dz.tensor);
            let _ = normal.g_add_(&(&dbias.tensor * share));
            let _ = normal.g_mul_(&scale);
            TchTensor::new(normal)
        });
        [dx, Some(dweight), Some(dbias), wanted[3].then_some(grad)]
    }
}

/// See [`crate::ops::batch_norm`]. Several ranks exchange their sums between tensor operations.
pub fn batch_norm(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
    rows: &Rows<'_>,
) -> Normalised {
    // Without rows there are no moments.
    if !rows.ranks.is_alone() || x.dims()[0] == 0 {
        return composed::batch_norm(x, weight, bias, residual, activation, rows);
    }
    let inner = composed::without_gradient(x.clone());
    let (mean, variance) = Dispatch::libtorch_moments(inner.into_dispatch());
    let moments = [mean, variance].map(Tensor::<1>::from_dispatch);
    let y = normalised(x, moments.clone(), weight, bias, residual, activation, true);
    let [mean, variance] = moments;
    Normalised { y, mean, variance }
}

/// See [`crate::ops::normalise`].
pub fn normalise(
    x: Tensor<2>,
    moments: [Tensor<1>; 2],
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
) -> Tensor<2> {
    // CUDA cannot start this kernel for no rows.
    if x.dims()[0] == 0 {
        return composed::normalise(x, moments, weight, bias, residual, activation);
    }
    normalised(x, moments, weight, bias, residual, activation, false)
}

fn normalised(
    x: Tensor<2>,
    [mean, variance]: [Tensor<1>; 2],
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
    of_batch: bool,
) -> Tensor<2> {
    let residual = optional(residual, &x);
    Tensor::from_dispatch(Dispatch::libtorch_normalise(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        residual,
        mean.into_dispatch(),
        variance.into_dispatch(),
        activation,
        of_batch,
    ))
}
