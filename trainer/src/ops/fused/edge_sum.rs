//! Sums over the edges into each atom; see [`crate::ops::edge_sum`] and [`crate::ops::product_sum`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use kernels::edge_sum as kernel;

use super::{Topology, contiguous, dims, indices, tensor, values, with_real};
use crate::ops::Edges;
use crate::ops::differentiable::{Operation, differentiable};

/// The operations as a backend extension.
#[backend_extension(Autodiff, Flex)]
pub trait FusedEdgeSums: Backend {
    /// See [`edge_sum`].
    fn fused_edge_sum(x: FloatTensor<Self>, #[extension_type] topology: Topology<Self>) -> FloatTensor<Self>;
    /// See [`product_sum`].
    fn fused_product_sum(
        values: FloatTensor<Self>,
        filters: FloatTensor<Self>,
        #[extension_type] topology: Topology<Self>,
    ) -> FloatTensor<Self>;
}

impl FusedEdgeSums for Flex {
    fn fused_edge_sum(x: FlexTensor, topology: Topology<Self>) -> FlexTensor {
        EdgeSum(topology).infer([x])
    }

    fn fused_product_sum(values: FlexTensor, filters: FlexTensor, topology: Topology<Self>) -> FlexTensor {
        ProductSum(topology).infer([values, filters])
    }
}

impl<C: CheckpointStrategy> FusedEdgeSums for Autodiff<Flex, C> {
    fn fused_edge_sum(x: FloatTensor<Self>, topology: Topology<Self>) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(EdgeSum(topology.inner()), [x])
    }

    fn fused_product_sum(
        values: FloatTensor<Self>,
        filters: FloatTensor<Self>,
        topology: Topology<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(ProductSum(topology.inner()), [values, filters])
    }
}

/// The operation on `[x]`.
#[derive(Debug, Clone)]
struct EdgeSum(Topology<Flex>);

impl Operation<Flex, 1> for EdgeSum {
    type Saved = ();

    fn forward(&self, inputs: [FlexTensor; 1]) -> (FlexTensor, ()) {
        let [x] = contiguous(inputs);
        let (atoms, [_, channels]) = (self.0.atoms(), dims(&x));
        let sums = with_real!(x, R => {
            tensor(kernel::edge_sum::<R>(values(&x), channels, self.0.slices()), [atoms, channels])
        });
        (sums, ())
    }

    fn backward(&self, (): (), grad: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let grad = grad.to_contiguous();
        let shape = [indices(&self.0.target).len(), dims(&grad)[1]];
        [Some(with_real!(grad, R => {
            tensor(kernel::edge_sum_backward::<R>(values(&grad), self.0.slices()), shape)
        }))]
    }
}

/// The operation on `[values, filters]`.
#[derive(Debug, Clone)]
struct ProductSum(Topology<Flex>);

impl Operation<Flex, 2> for ProductSum {
    /// The inputs.
    type Saved = [FlexTensor; 2];

    fn forward(&self, inputs: [FlexTensor; 2]) -> (FlexTensor, Self::Saved) {
        let inputs = contiguous(inputs);
        let sums = with_real!(inputs[0], R => {
            let [neighbours, filters] = inputs.each_ref().map(values);
            tensor(kernel::product_sum::<R>(neighbours, filters, self.0.slices()), dims(&inputs[0]))
        });
        (sums, inputs)
    }

    fn backward(&self, inputs: Self::Saved, grad: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let grad = grad.to_contiguous();
        with_real!(grad, R => {
            let [neighbours, filters] = inputs.each_ref().map(values);
            let topology = self.0.slices();
            let found =
                kernel::product_sum_backward::<R>(neighbours, filters, values(&grad), wanted, topology);
            [
                found.dvalues.map(|dvalues| tensor(dvalues, dims(&inputs[0]))),
                found.dfilters.map(|dfilters| tensor(dfilters, dims(&inputs[1]))),
            ]
        })
    }
}

/// See [`crate::ops::edge_sum`].
pub fn edge_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::fused_edge_sum(x.into_dispatch(), Topology::new(edges)))
}

/// See [`crate::ops::product_sum`].
pub fn product_sum(values: Tensor<2>, filters: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (values, filters) = (values.into_dispatch(), filters.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_product_sum(values, filters, Topology::new(edges)))
}
