//! Sums over the edges into each atom with gates; see [`crate::ops::gated_sum`] and [`crate::ops::gated_mean`].

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, LibTorch, backend_extension};
use burn::prelude::*;
use burn_tch::TchTensor;

use super::neighbour::Ends;
use super::{atoms, batch_norm, gather, index, sum_by};
use crate::ops::differentiable::{Operation, differentiable};
use crate::ops::{Activation, Edges, GATE_EPSILON, Normalised};
use crate::ranks::Rows;

/// The operations as a backend extension.
#[backend_extension(Autodiff, LibTorch)]
pub(super) trait LibtorchGates: Backend {
    /// See [`gated_sum`].
    fn libtorch_gated_sum(x: FloatTensor<Self>, target: IntTensor<Self>, atoms: usize) -> FloatTensor<Self>;
    /// See [`gated_mean`].
    fn libtorch_gated_mean(
        gates: FloatTensor<Self>,
        values: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self>;
}

impl LibtorchGates for LibTorch {
    fn libtorch_gated_sum(x: TchTensor, target: TchTensor, atoms: usize) -> TchTensor {
        GatedSum { target, atoms }.infer([x])
    }

    fn libtorch_gated_mean(
        gates: TchTensor,
        values: TchTensor,
        target: TchTensor,
        source: TchTensor,
        atoms: usize,
    ) -> TchTensor {
        GatedMean(Ends { target, source, atoms }).infer([gates, values])
    }
}

impl<C: CheckpointStrategy> LibtorchGates for Autodiff<LibTorch, C> {
    fn libtorch_gated_sum(x: FloatTensor<Self>, target: IntTensor<Self>, atoms: usize) -> FloatTensor<Self> {
        differentiable::<LibTorch, _, C, 1>(GatedSum { target, atoms }, [x])
    }

    fn libtorch_gated_mean(
        gates: FloatTensor<Self>,
        values: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self> {
        let operation = GatedMean(Ends { target, source, atoms });
        differentiable::<LibTorch, _, C, 2>(operation, [gates, values])
    }
}

/// The operation on `[x]`.
#[derive(Debug, Clone)]
struct GatedSum {
    /// Target atom of every edge, shape `[E]`.
    target: TchTensor,
    /// Number of atoms.
    atoms: usize,
}

/// Returns the gates and the cores, the halves of the rows of x.
fn halves(x: &TchTensor) -> [TchTensor; 2] {
    let half = x.tensor.size()[1] / 2;
    [0, half].map(|start| TchTensor::new(x.tensor.narrow(1, start, half)))
}

impl Operation<LibTorch, 1> for GatedSum {
    /// The input.
    type Saved = TchTensor;

    fn forward(&self, [x]: [TchTensor; 1]) -> (TchTensor, TchTensor) {
        let [gates, cores] = halves(&x);
        let mut messages = gates.tensor.sigmoid();
        let _ = messages.g_mul_(&cores.tensor.softplus());
        (sum_by(self.atoms, &self.target, &TchTensor::new(messages)), x)
    }

    fn backward(&self, x: TchTensor, grad: TchTensor, _: [bool; 1]) -> [Option<TchTensor>; 1] {
        let [gates, cores] = halves(&x);
        let gates = gates.tensor.sigmoid();
        let mut gated = gather(&grad, &self.target).tensor;
        let _ = gated.g_mul_(&gates);
        let dx = TchTensor::new(x.tensor.empty_like());
        let [dgates, dcores] = halves(&dx);
        let _ = gated.mul_out(&dcores.tensor, &cores.tensor.sigmoid());
        let _ = gated.g_mul_(&cores.tensor.softplus());
        let _ = gated.mul_out(&dgates.tensor, &(1.0 - gates));
        [Some(dx)]
    }
}

/// The operation on `[gates, values]`.
#[derive(Debug, Clone)]
struct GatedMean(Ends);

/// The tensors kept for the backward pass.
#[derive(Debug, Clone)]
struct Saved {
    /// Sigmoids of the gates, shape `[E, C]`.
    gates: TchTensor,
    values: TchTensor,
    /// The result, shape `[N, C]`.
    mean: TchTensor,
    /// Sums of the gates, shape `[N, C]`.
    weights: TchTensor,
}

impl Operation<LibTorch, 2> for GatedMean {
    type Saved = Saved;

    fn forward(&self, [gates, values]: [TchTensor; 2]) -> (TchTensor, Saved) {
        let Ends { target, source, atoms } = &self.0;
        let gates = TchTensor::new(gates.tensor.sigmoid());
        let mut weights = sum_by(*atoms, target, &gates);
        let _ = weights.tensor.g_add_scalar_(GATE_EPSILON);
        let mut messages = gather(&values, source);
        let _ = messages.tensor.g_mul_(&gates.tensor);
        let mut mean = sum_by(*atoms, target, &messages);
        let _ = mean.tensor.g_div_(&weights.tensor);
        (mean.clone(), Saved { gates, values, mean, weights })
    }

    fn backward(&self, saved: Saved, grad: TchTensor, wanted: [bool; 2]) -> [Option<TchTensor>; 2] {
        let Ends { target, source, atoms } = &self.0;
        let Saved { gates, values, mean, weights } = saved;
        let ratio = TchTensor::new(&grad.tensor / &weights.tensor);
        let mut weighted = gather(&ratio, target);
        let _ = weighted.tensor.g_mul_(&gates.tensor);
        let dvalues = wanted[1].then(|| sum_by(*atoms, source, &weighted));
        let dgates = wanted[0].then(|| {
            let mut dgates = gather(&values, source);
            let _ = dgates.tensor.g_sub_(&gather(&mean, target).tensor);
            let _ = dgates.tensor.g_mul_(&weighted.tensor);
            let _ = dgates.tensor.g_mul_(&(1.0 - &gates.tensor));
            dgates
        });
        [dgates, dvalues]
    }
}

/// See [`crate::ops::gated_sum`].
pub fn gated_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (x, target) = (x.into_dispatch(), index(&edges.target));
    Tensor::from_dispatch(Dispatch::libtorch_gated_sum(x, target, atoms(edges)))
}

/// See [`crate::ops::batch_norm_gated_sum`].
pub fn batch_norm_gated_sum(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    edges: &Edges,
    rows: &Rows<'_>,
) -> Normalised {
    let normalised = batch_norm(x, weight, bias, None, Activation::Identity, rows);
    Normalised { y: gated_sum(normalised.y, edges), ..normalised }
}

/// See [`crate::ops::gated_mean`].
pub fn gated_mean(gates: Tensor<2>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (gates, values) = (gates.into_dispatch(), values.into_dispatch());
    let (target, source) = (index(&edges.target), index(&edges.source));
    Tensor::from_dispatch(Dispatch::libtorch_gated_mean(gates, values, target, source, atoms(edges)))
}
