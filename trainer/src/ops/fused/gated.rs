//! Sums over the edges into each atom with gates; see [`crate::ops::gated_sum`] and [`crate::ops::gated_mean`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::gated as kernel;

use super::{Topology, contiguous, dims, tensor, values, with_real};
use crate::ops::Edges;
use crate::ops::differentiable::{Operation, differentiable};

/// The operations as a backend extension.
#[backend_extension(Autodiff, Flex)]
pub trait FusedGates: Backend {
    /// See [`gated_sum`].
    fn fused_gated_sum(x: FloatTensor<Self>, #[extension_type] topology: Topology<Self>)
    -> FloatTensor<Self>;
    /// See [`gated_mean`].
    fn fused_gated_mean(
        gates: FloatTensor<Self>,
        values: FloatTensor<Self>,
        #[extension_type] topology: Topology<Self>,
    ) -> FloatTensor<Self>;
}

impl FusedGates for Flex {
    fn fused_gated_sum(x: FlexTensor, topology: Topology<Self>) -> FlexTensor {
        GatedSum(topology).infer([x])
    }

    fn fused_gated_mean(gates: FlexTensor, values: FlexTensor, topology: Topology<Self>) -> FlexTensor {
        GatedMean(topology).infer([gates, values])
    }
}

impl<C: CheckpointStrategy> FusedGates for Autodiff<Flex, C> {
    fn fused_gated_sum(x: FloatTensor<Self>, topology: Topology<Self>) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(GatedSum(topology.inner()), [x])
    }

    fn fused_gated_mean(
        gates: FloatTensor<Self>,
        values: FloatTensor<Self>,
        topology: Topology<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(GatedMean(topology.inner()), [gates, values])
    }
}

/// The operation on `[x]`.
#[derive(Debug, Clone)]
struct GatedSum(Topology<Flex>);

impl Operation<Flex, 1> for GatedSum {
    /// The input.
    type Saved = FlexTensor;

    fn forward(&self, inputs: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let [x] = contiguous(inputs);
        let (atoms, channels) = (self.0.atoms(), dims(&x)[1] / 2);
        let sums = with_real!(x, R => {
            tensor(kernel::sum::<R>(values(&x), channels, self.0.slices()), [atoms, channels])
        });
        (sums, x)
    }

    fn backward(&self, x: FlexTensor, grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let grad = grad.to_contiguous();
        [Some(with_real!(grad, R => {
            tensor(kernel::sum_backward::<R>(values(&x), values(&grad), self.0.slices()), dims(&x))
        }))]
    }
}

/// The operation on `[gates, values]`.
#[derive(Debug, Clone)]
struct GatedMean(Topology<Flex>);

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
struct Saved {
    inputs: [FlexTensor; 2],
    /// The results of the kernel.
    results: [FlexTensor; 2],
}

impl Operation<Flex, 2> for GatedMean {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; 2]) -> (FlexTensor, Saved) {
        let inputs = contiguous(inputs);
        let shape = dims(&inputs[1]);
        let results = with_real!(inputs[0], R => {
            let [gates, neighbours] = inputs.each_ref().map(values);
            let (out, inverse) = kernel::mean::<R>(gates, neighbours, self.0.slices());
            [tensor(out, shape), tensor(inverse, shape)]
        });
        (results[0].clone(), Saved { inputs, results })
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let Saved { inputs, results } = saved;
        let grad = grad.to_contiguous();
        with_real!(grad, R => {
            let [gates, neighbours] = inputs.each_ref().map(values);
            let (results, topology) = (results.each_ref().map(values), self.0.slices());
            let found =
                kernel::mean_backward::<R>(gates, neighbours, results, values(&grad), wanted, topology);
            [
                found.dgates.map(|dgates| tensor(dgates, dims(&inputs[0]))),
                found.dvalues.map(|dvalues| tensor(dvalues, dims(&inputs[1]))),
            ]
        })
    }
}

/// See [`crate::ops::gated_sum`].
pub fn gated_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::fused_gated_sum(x.into_dispatch(), Topology::new(edges)))
}

/// See [`crate::ops::gated_mean`].
pub fn gated_mean(gates: Tensor<2>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (gates, values) = (gates.into_dispatch(), values.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_gated_mean(gates, values, Topology::new(edges)))
}
