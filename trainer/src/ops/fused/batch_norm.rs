//! Batch normalisation with activation and residual or with a gated sum; see [`crate::ops::batch_norm`] and
//! [`crate::ops::batch_norm_gated_sum`].

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::batch_norm as kernel;

use super::{Topology, Value, contiguous, dims, optional, optional_values, tensor, values, with_real};
use crate::ops::differentiable::{Operation, differentiable};
use crate::ops::{Activation, Edges, Normalised};
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
    /// See [`super::batch_norm()`].
    fn fused_normalise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        operation: Normalise,
    ) -> FloatTensor<Self>;
    /// See [`super::batch_norm_gated_sum`].
    fn fused_normalised_gates(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        #[extension_type] topology: Topology<Self>,
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

    fn fused_normalised_gates(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        topology: Topology<Self>,
        operation: Normalise,
    ) -> FlexTensor {
        NormalisedGates(operation, topology).infer([x, weight, bias])
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

    fn fused_normalised_gates(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        topology: Topology<Self>,
        operation: Normalise,
    ) -> FloatTensor<Self> {
        let operation = NormalisedGates(operation, topology.inner());
        differentiable::<Flex, _, C, _>(operation, [x, weight, bias])
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
        let [dx, dweight, dbias] = with_real!(grad, R => {
            let (layer, x, grad) = (self.layer::<R>(&weight, &bias), values(&x), values(&grad));
            let sums = kernel::backward_sums(layer, x, grad);
            let dx = wanted[0].then(|| kernel::backward_x(layer, x, grad, &self.means(&sums)));
            gradients(dx, sums)
        });
        [dx, dweight, dbias, Some(grad)]
    }
}

/// Returns the gradients of x, weight and bias.
fn gradients<R: Value>(dx: Option<Vec<R>>, sums: kernel::Sums) -> [Option<FlexTensor>; 3] {
    let channels = sums.dz.len();
    let row = |sums: Vec<f64>| {
        let row = sums.into_iter().map(<R as kernels::Real>::from_f64).collect();
        Some(tensor::<R, 1>(row, [channels]))
    };
    let dx = dx.map(|dx| {
        let rows = dx.len() / channels.max(1);
        tensor(dx, [rows, channels])
    });
    [dx, row(sums.dz_x), row(sums.dz)]
}

/// The operation with a gated sum on `[x, weight, bias]`.
#[derive(Debug, Clone)]
struct NormalisedGates(Normalise, Topology<Flex>);

impl Operation<Flex, 3> for NormalisedGates {
    /// The inputs.
    type Saved = [FlexTensor; 3];

    fn forward(&self, inputs: [FlexTensor; 3]) -> (FlexTensor, Self::Saved) {
        let NormalisedGates(normalise, topology) = self;
        let inputs = contiguous(inputs);
        let [x, weight, bias] = &inputs;
        let shape = [topology.atoms(), dims(x)[1] / 2];
        let sums = with_real!(x, R => {
            let layer = normalise.layer::<R>(weight, bias);
            tensor(kernel::gated_sum::forward(layer, values(x), topology.slices()), shape)
        });
        (sums, inputs)
    }

    fn backward(
        &self,
        [x, weight, bias]: Self::Saved,
        grad: FlexTensor,
        wanted: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        let NormalisedGates(normalise, topology) = self;
        let (grad, topology) = (grad.to_contiguous(), topology.slices());
        with_real!(grad, R => {
            let (layer, x, grad) = (normalise.layer::<R>(&weight, &bias), values(&x), values(&grad));
            let sums = kernel::gated_sum::backward_sums(layer, x, grad, topology);
            let dx = wanted[0].then(|| {
                kernel::gated_sum::backward_x(layer, x, grad, &normalise.means(&sums), topology)
            });
            gradients(dx, sums)
        })
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
    with_moments(x, activation, rows, |x, operation| normalised(x, weight, bias, residual, operation))
}

/// See [`crate::ops::batch_norm_gated_sum`].
pub fn batch_norm_gated_sum(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    edges: &Edges,
    rows: &Rows<'_>,
) -> Normalised {
    with_moments(x, Activation::Identity, rows, |x, operation| {
        let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
        let topology = Topology::new(edges);
        Tensor::from_dispatch(Dispatch::fused_normalised_gates(x, weight, bias, topology, operation))
    })
}

/// Normalises x by `run` with its moments.
fn with_moments(
    x: Tensor<2>,
    activation: Activation,
    rows: &Rows<'_>,
    run: impl FnOnce(Tensor<2>, Normalise) -> Tensor<2>,
) -> Normalised {
    let [own, channels] = x.dims();
    let moments = Tensor::<2>::from_dispatch(Dispatch::fused_moments(x.clone().into_dispatch()));
    let mut mean: Vec<f64> = moments.into_data().iter::<f64>().collect();
    let mut variance = mean.split_off(channels);
    over_ranks(&mut mean, &mut variance, own, rows);
    let moments = [&mean, &variance].map(|moment| {
        let data = TensorData::new(moment.clone(), [channels]).convert_dtype(x.dtype());
        Tensor::<1>::from_data(data, (&x.device().inner(), x.dtype()))
    });
    let batch = Some((rows.count, Arc::clone(rows.ranks)));
    let y = run(x, Normalise { mean, variance, activation, batch });
    let [mean, variance] = moments;
    Normalised { y, mean, variance }
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
