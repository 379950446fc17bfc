//! Sums over the edges into each atom; see [`crate::ops::edge_sum`] and [`crate::ops::product_sum`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;

use super::neighbour::Ends;
use super::{atoms, gather, index, sum_by};
use crate::ops::Edges;
use crate::ops::differentiable::{Operation, differentiable};

/// The operations as a backend extension.
#[backend_extension(Autodiff, LibTorch)]
pub(super) trait LibtorchEdgeSums: Backend {
    /// See [`edge_sum`].
    fn libtorch_edge_sum(x: FloatTensor<Self>, target: IntTensor<Self>, atoms: usize) -> FloatTensor<Self>;
    /// See [`product_sum`].
    fn libtorch_product_sum(
        values: FloatTensor<Self>,
        filters: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self>;
}

impl LibtorchEdgeSums for LibTorch {
    fn libtorch_edge_sum(x: TchTensor, target: TchTensor, atoms: usize) -> TchTensor {
        EdgeSum { target, atoms }.infer([x])
    }

    fn libtorch_product_sum(
        values: TchTensor,
        filters: TchTensor,
        target: TchTensor,
        source: TchTensor,
        atoms: usize,
    ) -> TchTensor {
        ProductSum(Ends { target, source, atoms }).infer([values, filters])
    }
}

impl<C: CheckpointStrategy> LibtorchEdgeSums for Autodiff<LibTorch, C> {
    fn libtorch_edge_sum(x: FloatTensor<Self>, target: IntTensor<Self>, atoms: usize) -> FloatTensor<Self> {
        differentiable::<LibTorch, _, C, 1>(EdgeSum { target, atoms }, [x])
    }

    fn libtorch_product_sum(
        values: FloatTensor<Self>,
        filters: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self> {
        let operation = ProductSum(Ends { target, source, atoms });
        differentiable::<LibTorch, _, C, 2>(operation, [values, filters])
    }
}

/// The operation on `[x]`.
#[derive(Debug, Clone)]
struct EdgeSum {
    /// Target atom of every edge, shape `[E]`.
    target: TchTensor,
    /// Number of atoms.
    atoms: usize,
}

impl Operation<LibTorch, 1> for EdgeSum {
    type Saved = ();

    fn forward(&self, [x]: [TchTensor; 1]) -> (TchTensor, ()) {
        (sum_by(self.atoms, &self.target, &x), ())
    }

    fn backward(&self, (): (), grad: TchTensor, _: [bool; 1]) -> [Option<TchTensor>; 1] {
        [Some(gather(&grad, &self.target))]
    }
}

/// The operation on `[values, filters]`.
#[derive(Debug, Clone)]
struct ProductSum(Ends);

impl Operation<LibTorch, 2> for ProductSum {
    /// The inputs.
    type Saved = [TchTensor; 2];

    fn forward(&self, [values, filters]: [TchTensor; 2]) -> (TchTensor, Self::Saved) {
        let Ends { target, source, atoms } = &self.0;
        let mut products = gather(&values, source);
        let _ = products.tensor.g_mul_(&filters.tensor);
        (sum_by(*atoms, target, &products), [values, filters])
    }

    fn backward(
        &self,
        [values, filters]: Self::Saved,
        grad: TchTensor,
        wanted: [bool; 2],
    ) -> [Option<TchTensor>; 2] {
        let Ends { target, source, atoms } = &self.0;
        let dproducts = gather(&grad, target);
        let times = |factor: &TchTensor| TchTensor::new(&dproducts.tensor * &factor.tensor);
        [
            wanted[0].then(|| sum_by(*atoms, source, &times(&filters))),
            wanted[1].then(|| times(&gather(&values, source))),
        ]
    }
}

/// See [`crate::ops::edge_sum`].
pub fn edge_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (x, target) = (x.into_dispatch(), index(&edges.target));
    Tensor::from_dispatch(Dispatch::libtorch_edge_sum(x, target, atoms(edges)))
}

/// See [`crate::ops::product_sum`].
pub fn product_sum(values: Tensor<2>, filters: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (values, filters) = (values.into_dispatch(), filters.into_dispatch());
    let (target, source) = (index(&edges.target), index(&edges.source));
    Tensor::from_dispatch(Dispatch::libtorch_product_sum(values, filters, target, source, atoms(edges)))
}
