//! The operations on libtorch, on the CPU and on CUDA, as compositions of libtorch's kernels with hand-written
//! gradients. On the CPU, the sum over triplets and the optimiser's step run on the [`kernels`] instead.
//!
//! Each file holds one operation or a few related ones. This module holds their shared functions, and registers with the
//! backend those operations that do not register themselves. Nothing here waits for the device.
#![allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]

mod adam;
mod attention;
mod batch_norm;
mod cross_entropy;
mod dense;
mod edge_sum;
mod elementwise;
mod gated;
mod host;
mod layer_norm;
mod neighbour;
mod overwrite;
mod pair_dense;
mod residual;
#[cfg(test)]
mod tests;
mod triplet;
mod triplet_host;
pub(super) mod upload;

use std::cell::RefCell;
use std::f64::consts::LN_2;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, DispatchTensor, LibTorch, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
use burn_tch::TchTensor;

use super::differentiable::{Operation, differentiable};
use super::{Activation, Edges, Triplets};
pub use adam::adam_step;
use attention::Attention;
pub use batch_norm::{batch_norm, normalise};
use cross_entropy::CrossEntropy;
use dense::{Dense, RadialGate};
pub use edge_sum::{edge_sum, product_sum};
pub use elementwise::{activate, gaussians};
pub use gated::{batch_norm_gated_sum, gated_mean, gated_sum};
pub use layer_norm::{layer_norm, layer_norm_gate};
use neighbour::{Ends, NeighbourSum, PairSum, RadialSum};
pub use overwrite::overwrite;
pub use pair_dense::pair_dense;
pub use residual::residual;
use triplet::TripletSum;
use triplet_host::{HostEdges, HostTripletSum};

/// The operations as a backend extension. An absent optional tensor has shape `[0]`.
#[backend_extension(Autodiff, LibTorch)]
#[allow(clippy::too_many_arguments, reason = "tensors cross the dispatch one by one")]
pub trait LibtorchOperations: Backend {
    /// See [`super::dense`].
    fn libtorch_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
    /// See [`super::radial_gate`].
    fn libtorch_radial_gate(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::radial_sum`].
    fn libtorch_radial_sum(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        target: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self>;
    /// See [`super::triplet_sum`].
    fn libtorch_triplet_sum(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        spherical: FloatTensor<Self>,
        angular: FloatTensor<Self>,
        incoming_edge: IntTensor<Self>,
        outgoing_edge: IntTensor<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::triplet_sum`]; on the CPU.
    fn libtorch_host_triplet_sum(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        spherical: FloatTensor<Self>,
        angular: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        incoming: IntTensor<Self>,
        outgoing: IntTensor<Self>,
        outgoing_edges: IntTensor<Self>,
        pair_offsets: IntTensor<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::pair_sum`].
    fn libtorch_pair_sum(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        extra: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        activation: Activation,
        atoms: usize,
    ) -> FloatTensor<Self>;
    /// See [`super::neighbour_sum`].
    fn libtorch_neighbour_sum(
        x: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self>;
    /// See [`super::attention`].
    fn libtorch_attention(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        values: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self>;
    /// See [`super::cross_entropy`].
    fn libtorch_cross_entropy(
        logits: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        labels: IntTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl LibtorchOperations for LibTorch {
    fn libtorch_dense(
        x: TchTensor,
        weight: TchTensor,
        bias: TchTensor,
        residual: TchTensor,
        activation: Activation,
    ) -> TchTensor {
        Dense(activation).infer([x, weight, bias, residual])
    }

    fn libtorch_radial_gate(x: TchTensor, radial: TchTensor, weight: TchTensor) -> TchTensor {
        RadialGate.infer([x, radial, weight])
    }

    fn libtorch_radial_sum(
        x: TchTensor,
        radial: TchTensor,
        weight: TchTensor,
        target: TchTensor,
        atoms: usize,
    ) -> TchTensor {
        RadialSum { target, atoms }.infer([x, radial, weight])
    }

    fn libtorch_triplet_sum(
        x: TchTensor,
        first: TchTensor,
        second: TchTensor,
        spherical: TchTensor,
        angular: TchTensor,
        incoming_edge: TchTensor,
        outgoing_edge: TchTensor,
    ) -> TchTensor {
        TripletSum { spherical, angular, incoming_edge, outgoing_edge }.infer([x, first, second])
    }

    fn libtorch_host_triplet_sum(
        x: TchTensor,
        first: TchTensor,
        second: TchTensor,
        spherical: TchTensor,
        angular: TchTensor,
        target: TchTensor,
        source: TchTensor,
        incoming: TchTensor,
        outgoing: TchTensor,
        outgoing_edges: TchTensor,
        pair_offsets: TchTensor,
    ) -> TchTensor {
        let edges = HostEdges::new([target, source, incoming, outgoing, outgoing_edges, pair_offsets]);
        let (spherical, angular) = (host::contiguous(spherical), host::contiguous(angular));
        HostTripletSum { spherical, angular, edges }.infer([x, first, second])
    }

    fn libtorch_pair_sum(
        at_target: TchTensor,
        at_source: TchTensor,
        extra: TchTensor,
        target: TchTensor,
        source: TchTensor,
        activation: Activation,
        atoms: usize,
    ) -> TchTensor {
        PairSum(activation, Ends { target, source, atoms }).infer([at_target, at_source, extra])
    }

    fn libtorch_neighbour_sum(x: TchTensor, target: TchTensor, source: TchTensor, atoms: usize) -> TchTensor {
        NeighbourSum(Ends { target, source, atoms }).infer([x])
    }

    fn libtorch_attention(
        at_target: TchTensor,
        at_source: TchTensor,
        values: TchTensor,
        target: TchTensor,
        source: TchTensor,
        atoms: usize,
    ) -> TchTensor {
        Attention(Ends { target, source, atoms }).infer([at_target, at_source, values])
    }

    fn libtorch_cross_entropy(logits: TchTensor, weights: TchTensor, labels: TchTensor) -> TchTensor {
        CrossEntropy { labels, weights }.infer([logits])
    }
}

impl<C: CheckpointStrategy> LibtorchOperations for Autodiff<LibTorch, C> {
    fn libtorch_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let operation = Dense(activation);
        differentiable::<LibTorch, _, C, 4>(operation, [x, weight, bias, residual])
    }

    fn libtorch_radial_gate(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let operation = RadialGate;
        differentiable::<LibTorch, _, C, 3>(operation, [x, radial, weight])
    }

    fn libtorch_radial_sum(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        target: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self> {
        let operation = RadialSum { target, atoms };
        differentiable::<LibTorch, _, C, 3>(operation, [x, radial, weight])
    }

    fn libtorch_triplet_sum(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        spherical: FloatTensor<Self>,
        angular: FloatTensor<Self>,
        incoming_edge: IntTensor<Self>,
        outgoing_edge: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        // Data: no gradient.
        let (spherical, angular) = (spherical.into_primitive(), angular.into_primitive());
        let operation = TripletSum { spherical, angular, incoming_edge, outgoing_edge };
        differentiable::<LibTorch, _, C, 3>(operation, [x, first, second])
    }

    fn libtorch_host_triplet_sum(
        x: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        spherical: FloatTensor<Self>,
        angular: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        incoming: IntTensor<Self>,
        outgoing: IntTensor<Self>,
        outgoing_edges: IntTensor<Self>,
        pair_offsets: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let edges = HostEdges::new([target, source, incoming, outgoing, outgoing_edges, pair_offsets]);
        // Data: no gradient.
        let spherical = host::contiguous(spherical.into_primitive());
        let angular = host::contiguous(angular.into_primitive());
        let operation = HostTripletSum { spherical, angular, edges };
        differentiable::<LibTorch, _, C, 3>(operation, [x, first, second])
    }

    fn libtorch_pair_sum(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        extra: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        activation: Activation,
        atoms: usize,
    ) -> FloatTensor<Self> {
        let operation = PairSum(activation, Ends { target, source, atoms });
        differentiable::<LibTorch, _, C, 3>(operation, [at_target, at_source, extra])
    }

    fn libtorch_neighbour_sum(
        x: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self> {
        let operation = NeighbourSum(Ends { target, source, atoms });
        differentiable::<LibTorch, _, C, 1>(operation, [x])
    }

    fn libtorch_attention(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        values: FloatTensor<Self>,
        target: IntTensor<Self>,
        source: IntTensor<Self>,
        atoms: usize,
    ) -> FloatTensor<Self> {
        let operation = Attention(Ends { target, source, atoms });
        differentiable::<LibTorch, _, C, 3>(operation, [at_target, at_source, values])
    }

    fn libtorch_cross_entropy(
        logits: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        labels: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        // Data: no gradient.
        let weights = weights.into_primitive();
        let operation = CrossEntropy { labels, weights };
        differentiable::<LibTorch, _, C, 1>(operation, [logits])
    }
}

/// Returns the primitive of a tensor, or that of an absent one.
fn optional<const D: usize>(tensor: Option<Tensor<D>>, like: &Tensor<2>) -> DispatchTensor {
    match tensor {
        Some(tensor) => tensor.into_dispatch(),
        None => absent(&like.device().inner(), like.dtype()).into_dispatch(),
    }
}

/// Returns the tensor of shape `[0]` that stands for an absent one. It is made once a thread.
fn absent(device: &Device, dtype: DType) -> Tensor<1> {
    thread_local! {
        static ABSENT: RefCell<Vec<Tensor<1>>> = const { RefCell::new(Vec::new()) };
    }
    ABSENT.with_borrow_mut(|known| {
        let fits = |tensor: &&Tensor<1>| tensor.dtype() == dtype && tensor.device() == *device;
        if let Some(tensor) = known.iter().find(fits) {
            return tensor.clone();
        }
        let tensor = Tensor::empty([0], (device, dtype));
        known.push(tensor.clone());
        tensor
    })
}

/// Returns the primitive of an index tensor.
fn index(tensor: &Tensor<1, Int>) -> DispatchTensor {
    tensor.clone().into_dispatch()
}

/// Returns the number of atoms.
fn atoms(edges: &Edges) -> usize {
    edges.incoming.dims()[0] - 1
}

/// See [`super::dense`].
pub fn dense(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<2>>,
    activation: Activation,
) -> Tensor<2> {
    let (bias, residual) = (optional(bias, &x), optional(residual, &x));
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::libtorch_dense(x, weight, bias, residual, activation))
}

/// See [`super::radial_gate`].
pub fn radial_gate(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let (x, radial, weight) = (x.into_dispatch(), radial.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::libtorch_radial_gate(x, radial, weight))
}

/// See [`super::radial_sum`].
pub fn radial_sum(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (x, radial, weight) = (x.into_dispatch(), radial.into_dispatch(), weight.into_dispatch());
    let target = index(&edges.target);
    Tensor::from_dispatch(Dispatch::libtorch_radial_sum(x, radial, weight, target, atoms(edges)))
}

/// See [`super::triplet_sum`].
///
/// # Panics
/// If the batch was built without angular functions. Those by edge are used where it has both.
pub fn triplet_sum(
    x: Tensor<2>,
    spherical: Tensor<2>,
    first: Tensor<2>,
    second: Tensor<2>,
    edges: &Edges,
) -> Tensor<2> {
    let (x, first, second) = (x.into_dispatch(), first.into_dispatch(), second.into_dispatch());
    let spherical = spherical.into_dispatch();
    if let Some(Triplets { incoming_edge, outgoing_edge, angular }) = &edges.triplets {
        let (angular, kj, ji) = (angular.clone().into_dispatch(), index(incoming_edge), index(outgoing_edge));
        let sum = Dispatch::libtorch_triplet_sum(x, first, second, spherical, angular, kj, ji);
        return Tensor::from_dispatch(sum);
    }
    let (angles, by_source) = (edges.angles(), edges.by_source());
    Tensor::from_dispatch(Dispatch::libtorch_host_triplet_sum(
        x,
        first,
        second,
        spherical,
        angles.angular.clone().into_dispatch(),
        index(&edges.target),
        index(&edges.source),
        index(&edges.incoming),
        index(&by_source.offsets),
        index(&by_source.edges),
        index(&angles.pair_offsets),
    ))
}

/// See [`super::pair_sum`].
pub fn pair_sum(
    at_target: Tensor<2>,
    at_source: Tensor<2>,
    extra: Option<Tensor<2>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    let extra = optional(extra, &at_target);
    let (at_target, at_source) = (at_target.into_dispatch(), at_source.into_dispatch());
    let (target, source) = (index(&edges.target), index(&edges.source));
    let atoms = atoms(edges);
    Tensor::from_dispatch(Dispatch::libtorch_pair_sum(
        at_target, at_source, extra, target, source, activation, atoms,
    ))
}

/// See [`super::neighbour_sum`].
pub fn neighbour_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (target, source) = (index(&edges.target), index(&edges.source));
    Tensor::from_dispatch(Dispatch::libtorch_neighbour_sum(x.into_dispatch(), target, source, atoms(edges)))
}

/// See [`super::attention`].
pub fn attention(at_target: Tensor<1>, at_source: Tensor<1>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let (at_target, at_source) = (at_target.into_dispatch(), at_source.into_dispatch());
    let (target, source) = (index(&edges.target), index(&edges.source));
    let (values, atoms) = (values.into_dispatch(), atoms(edges));
    Tensor::from_dispatch(Dispatch::libtorch_attention(at_target, at_source, values, target, source, atoms))
}

/// See [`super::cross_entropy`].
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Option<Tensor<1>>) -> Tensor<1> {
    let weights = optional(weights, &logits);
    let (logits, labels) = (logits.into_dispatch(), labels.into_dispatch());
    Tensor::from_dispatch(Dispatch::libtorch_cross_entropy(logits, weights, labels))
}

/// Whether an optional tensor is present.
fn is_present(tensor: &TchTensor) -> bool {
    tensor.tensor.dim() > 1 || tensor.tensor.size() != [0]
}

/// Returns the rows of `x` at the indices.
fn gather(x: &TchTensor, index: &TchTensor) -> TchTensor {
    TchTensor::new(x.tensor.index_select(0, &index.tensor))
}

/// Sums the rows of a matrix with the same index; the result has `rows` rows.
fn sum_by(rows: usize, index: &TchTensor, values: &TchTensor) -> TchTensor {
    let (columns, values) = (values.tensor.size()[1], &values.tensor);
    let mut sums = values.new_zeros([rows as i64, columns], (values.kind(), values.device()));
    let _ = sums.index_add_(0, &index.tensor, values);
    TchTensor::new(sums)
}

/// Returns the sum of a matrix's rows.
fn column_sums(x: &TchTensor) -> TchTensor {
    let along = [0i64];
    TchTensor::new(x.tensor.sum_dim_intlist(&along[..], false, x.tensor.kind()))
}

/// Returns `aᵀ b`.
fn product(a: &TchTensor, b: &TchTensor) -> TchTensor {
    TchTensor::new(a.tensor.tr().mm(&b.tensor))
}

/// Returns zeros in the shape of a tensor.
fn zeros_like(x: &TchTensor) -> TchTensor {
    TchTensor::new(x.tensor.zeros_like())
}

/// Returns an uninitialised matrix on the device of a tensor.
fn empty_like(x: &TchTensor, shape: [i64; 2]) -> TchTensor {
    TchTensor::new(x.tensor.new_empty(shape, (x.tensor.kind(), x.tensor.device())))
}

/// Returns `activation(x)` and the tensor from which its slope is computed: the result for ReLU, x for the
/// others.
fn activated(x: TchTensor, activation: Activation) -> (TchTensor, Option<TchTensor>) {
    match activation {
        Activation::Identity => (x, None),
        Activation::Relu => {
            let y = TchTensor::new(x.tensor.relu());
            (y.clone(), Some(y))
        }
        Activation::Silu => (TchTensor::new(x.tensor.silu()), Some(x)),
        Activation::Softplus => (TchTensor::new(x.tensor.softplus()), Some(x)),
        Activation::ShiftedSoftplus => (TchTensor::new(x.tensor.softplus() - LN_2), Some(x)),
    }
}

/// Returns an activated tensor plus an optional one, in place where the gradient does not need it.
fn add_residual(mut y: TchTensor, residual: &TchTensor, activation: Activation) -> TchTensor {
    if !is_present(residual) {
        return y;
    }
    // Only the output of ReLU is kept for the gradient.
    if activation == Activation::Relu {
        return TchTensor::new(&y.tensor + &residual.tensor);
    }
    let _ = y.tensor.g_add_(&residual.tensor);
    y
}

/// Returns the gradient before an activation from the gradient after it and the tensor that [`activated`] kept.
fn slope_times(grad: &TchTensor, kept: Option<&TchTensor>, activation: Activation) -> TchTensor {
    match (activation, kept) {
        (Activation::Relu, Some(y)) => TchTensor::new(y.tensor.threshold_backward(&grad.tensor, 0.0)),
        (Activation::Silu, Some(x)) => TchTensor::new(x.tensor.silu_backward(&grad.tensor)),
        (Activation::Softplus | Activation::ShiftedSoftplus, Some(x)) => {
            TchTensor::new(x.tensor.sigmoid() * &grad.tensor)
        }
        _ => grad.clone(),
    }
}
