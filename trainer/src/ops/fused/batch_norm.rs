//! Batch normalisation with activation and residual; see [`crate::ops::batch_norm`].

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::batch_norm as kernel;

use super::{Value, contiguous, dims, optional, optional_values, tensor, values, with_real};
use crate::ops::differentiable::{Operation, differentiable};
use crate::ops::{Activation, Normalised};
use crate::ranks::{Ranks, Rows};

/// The operation on `[x, weight, bias, residual]`, the last optional.
#[derive(Debug, Clone)]
pub struct Normalise {
    mean: Vec<f64>,
    variance: Vec<f64>,
    activation: Activation,
    /// Number of rows on all ranks and the ranks, if the moments are those of x.
    batch: Option<(usize, Arc<dyn Ranks>)>,
}

/// The operations as a backend extension. An absent optional tensor has shape `[0]`.
#[backend_extension(Autodiff, Flex)]
pub trait FusedBatchNorm: Backend {
    /// Returns the means of the columns and the sums of the squared deviations from them in double precision, shape
    /// `[2, C]`, without a gradient.
    fn fused_moments(x: FloatTensor<Self>) -> FloatTensor<Self>;
    /// See [`super::batch_norm`].
    fn fused_normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        operation: Normalise,
    ) -> FloatTensor<Self>;
}

impl FusedBatchNorm for Flex {
    fn fused_moments(x: FlexTensor) -> FlexTensor {
        let [x] = contiguous([x]);
        let [_, channels] = dims(&x);
        let kernel::Moments { mut mean, squares } =
            with_real!(x, R => kernel::moments::<R>(values(&x), channels));
        mean.extend(squares);
        tensor(mean, [2, channels])
    }

    fn fused_normalise(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        residual: FlexTensor,
        operation: Normalise,
    ) -> FlexTensor {
        operation.infer([x, weight, bias, residual])
    }
}

impl<C: CheckpointStrategy> FusedBatchNorm for Autodiff<Flex, C> {
    fn fused_moments(x: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(Flex::fused_moments(x.into_primitive()))
    }

    fn fused_normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        operation: Normalise,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(operation, [x, weight, bias, residual])
    }
}

impl Normalise {
    fn layer<'a, R: Value>(&'a self, weight: &'a FlexTensor, bias: &'a FlexTensor) -> kernel::Layer<'a, R> {
        kernel::Layer {
            mean: &self.mean,
            variance: &self.variance,
            weight: values(weight),
            bias: values(bias),
            activation: self.activation,
        }
    }

    /// Returns the means of a gradient over the rows of all ranks, from the sums over the rows of this rank.
    fn means(&self, sums: &kernel::Sums) -> kernel::Sums {
        let (rows, ranks) = match &self.batch {
            Some((rows, ranks)) => (*rows, ranks),
            // The moments do not depend on x.
            None => {
                let zeros = vec![0.0; self.mean.len()];
                return kernel::Sums { dz: zeros.clone(), dz_x: zeros };
            }
        };
        let mut both = [sums.dz.as_slice(), &sums.dz_x].concat();
        ranks.sum_f64(&mut both);
        both.iter_mut().for_each(|sum| *sum /= rows.max(1) as f64);
        let dz_x = both.split_off(self.mean.len());
        kernel::Sums { dz: both, dz_x }
    }
}

impl Operation<Flex, 4> for Normalise {
    /// The inputs x, weight and bias.
    type Saved = [FlexTensor; 3];

    fn forward(&self, inputs: [FlexTensor; 4]) -> (FlexTensor, Self::Saved) {
        let [x, weight, bias, residual] = contiguous(inputs);
        let y = with_real!(x, R => {
            let layer = self.layer::<R>(&weight, &bias);
            tensor(kernel::forward(layer, values(&x), optional_values(&residual)), dims(&x))
        });
        (y, [x, weight, bias])
    }

    fn backward(
        &self,
        [x, weight, bias]: Self::Saved,
        grad: FlexTensor,
        wanted: [bool; 4],
    ) -> [Option<FlexTensor>; 4] {
        let grad = grad.to_contiguous();
        let [_, channels] = dims(&x);
        let (dx, dweight, dbias) = with_real!(grad, R => {
            let layer = self.layer::<R>(&weight, &bias);
            let sums = kernel::backward_sums(layer, values(&x), values(&grad));
            let dx = wanted[0].then(|| {
                let means = self.means(&sums);
                tensor(kernel::backward_x(layer, values(&x), values(&grad), &means), dims(&x))
            });
            let row = |sums: Vec<f64>| {
                let row = sums.into_iter().map(<R as kernels::Real>::from_f64).collect();
                Some(tensor::<R, 1>(row, [channels]))
            };
            (dx, row(sums.dz_x), row(sums.dz))
        });
        [dx, dweight, dbias, Some(grad)]
    }
}

/// See [`crate::ops::batch_norm`].
pub fn batch_norm(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
    rows: &Rows<'_>,
) -> Normalised {
    let [own, channels] = x.dims();
    let moments = Tensor::<2>::from_dispatch(Dispatch::fused_moments(x.clone().into_dispatch()));
    let mut mean: Vec<f64> = moments.into_data().iter::<f64>().collect();
    let mut variance = mean.split_off(channels);
    over_ranks(&mut mean, &mut variance, own, rows);
    let moment = |values: &[f64]| {
        let data = TensorData::new(values.to_vec(), [channels]).convert_dtype(x.dtype());
        Tensor::<1>::from_data(data, (&x.device().inner(), x.dtype()))
    };
    let moments = (moment(&mean), moment(&variance));
    let batch = Some((rows.count, Arc::clone(rows.ranks)));
    let y = normalised(x, weight, bias, residual, Normalise { mean, variance, activation, batch });
    Normalised { y, mean: moments.0, variance: moments.1 }
}

/// Turns the means and the sums of squared deviations of this rank's rows into means and variances over all ranks.
fn over_ranks(mean: &mut [f64], squares: &mut [f64], own: usize, rows: &Rows<'_>) {
    let share = 1.0 / rows.count.max(1) as f64;
    if !rows.ranks.is_alone() {
        let before = mean.to_vec();
        mean.iter_mut().for_each(|mean| *mean *= own as f64 * share);
        rows.ranks.sum_f64(mean);
        for ((squares, before), mean) in squares.iter_mut().zip(before).zip(&*mean) {
            *squares += own as f64 * (before - mean).powi(2);
        }
        rows.ranks.sum_f64(squares);
    }
    squares.iter_mut().for_each(|squares| *squares *= share);
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
    let [mean, variance] = moments.map(|moment| moment.into_data().iter::<f64>().collect());
    normalised(x, weight, bias, residual, Normalise { mean, variance, activation, batch: None })
}

fn normalised(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    operation: Normalise,
) -> Tensor<2> {
    let residual = optional(residual, &x);
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_normalise(x, weight, bias, residual, operation))
}
