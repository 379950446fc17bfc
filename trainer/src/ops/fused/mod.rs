//! The operations on the CPU backend, with forward and backward passes of [`kernels`].
//!
//! Each file holds an operation or a few related ones, the tensors they keep for the backward pass and the calls of their
//! kernels. This module converts between tensors and slices, and registers with the backend those operations that do
//! not register themselves.

pub mod adam;
mod attention;
pub mod batch_norm;
mod cross_entropy;
mod dense;
pub mod edge_sum;
pub mod elementwise;
pub mod gated;
pub mod layer_norm;
mod neighbour;
mod pair_dense;
mod radial;
mod triplet;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, ExtensionType, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::Bytes;
use burn_flex::{FlexTensor, Layout};

use super::differentiable::{Operation, differentiable};
use super::{Activation, Edges};
pub use adam::{adam_step, squared_norm};
use attention::Attention;
pub use batch_norm::{batch_norm, batch_norm_gated_sum, normalise};
use cross_entropy::CrossEntropy;
use dense::Dense;
pub use edge_sum::{edge_sum, product_sum};
pub use elementwise::{activate, gaussians};
pub use gated::{gated_mean, gated_sum};
pub use layer_norm::{layer_norm, layer_norm_gate};
use neighbour::{NeighbourSum, PairSum};
pub use pair_dense::pair_dense;
use radial::{RadialGate, RadialSum};
use triplet::TripletSum;

/// A number type of the kernels that is also an element type of burn.
trait Value: kernels::Real + burn::tensor::Element + bytemuck::Pod {}

impl Value for f32 {}
impl Value for f64 {}

/// The tensors of [`Edges`] as primitives of a backend.
#[derive(Debug, Clone, ExtensionType)]
pub struct Topology<B: Backend> {
    target: IntTensor<B>,
    source: IntTensor<B>,
    incoming: IntTensor<B>,
    outgoing: IntTensor<B>,
    outgoing_edges: IntTensor<B>,
}

impl Topology<Dispatch> {
    fn new(edges: &Edges) -> Self {
        let primitive = |tensor: &Tensor<1, Int>| tensor.clone().into_dispatch();
        Self {
            target: primitive(&edges.target),
            source: primitive(&edges.source),
            incoming: primitive(&edges.incoming),
            outgoing: primitive(&edges.by_source().offsets),
            outgoing_edges: primitive(&edges.by_source().edges),
        }
    }
}

impl<C: CheckpointStrategy> Topology<Autodiff<Flex, C>> {
    /// Returns the same tensors on the inner backend. Integer tensors carry no gradient.
    fn inner(self) -> Topology<Flex> {
        Topology {
            target: self.target,
            source: self.source,
            incoming: self.incoming,
            outgoing: self.outgoing,
            outgoing_edges: self.outgoing_edges,
        }
    }
}

impl Topology<Flex> {
    /// Returns the number of atoms.
    fn atoms(&self) -> usize {
        indices(&self.incoming).len() - 1
    }

    /// Returns the slices for the kernels.
    fn slices(&self) -> kernels::Topology<'_> {
        kernels::Topology {
            target: indices(&self.target),
            source: indices(&self.source),
            incoming: indices(&self.incoming),
            outgoing: indices(&self.outgoing),
            outgoing_edges: indices(&self.outgoing_edges),
        }
    }
}

/// The operations as a backend extension. An absent optional tensor has shape `[0]`.
#[backend_extension(Autodiff, Flex)]
#[allow(clippy::too_many_arguments, reason = "tensors cross the dispatch one by one")]
pub trait FusedOperations: Backend {
    /// See [`super::dense`].
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
    /// See [`super::radial_gate`].
    fn fused_radial_gate(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::radial_sum`].
    fn fused_radial_sum(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] topology: Topology<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::triplet_sum`].
    fn fused_triplet_sum(
        x: FloatTensor<Self>,
        spherical: FloatTensor<Self>,
        angular: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        pair_offsets: IntTensor<Self>,
        #[extension_type] topology: Topology<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::pair_sum`].
    fn fused_pair_sum(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        extra: FloatTensor<Self>,
        activation: Activation,
        #[extension_type] topology: Topology<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::neighbour_sum`].
    fn fused_neighbour_sum(
        x: FloatTensor<Self>,
        #[extension_type] topology: Topology<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::attention`].
    fn fused_attention(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        values: FloatTensor<Self>,
        #[extension_type] topology: Topology<Self>,
    ) -> FloatTensor<Self>;
    /// See [`super::cross_entropy`].
    fn fused_cross_entropy(
        logits: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        labels: IntTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl FusedOperations for Flex {
    fn fused_dense(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        residual: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        Dense(activation).infer([x, weight, bias, residual])
    }

    fn fused_radial_gate(x: FlexTensor, radial: FlexTensor, weight: FlexTensor) -> FlexTensor {
        RadialGate.infer([x, radial, weight])
    }

    fn fused_radial_sum(
        x: FlexTensor,
        radial: FlexTensor,
        weight: FlexTensor,
        topology: Topology<Self>,
    ) -> FlexTensor {
        RadialSum(topology).infer([x, radial, weight])
    }

    fn fused_triplet_sum(
        x: FlexTensor,
        spherical: FlexTensor,
        angular: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        pair_offsets: FlexTensor,
        topology: Topology<Self>,
    ) -> FlexTensor {
        TripletSum::new(spherical, angular, pair_offsets, topology).infer([x, first, second])
    }

    fn fused_pair_sum(
        at_target: FlexTensor,
        at_source: FlexTensor,
        extra: FlexTensor,
        activation: Activation,
        topology: Topology<Self>,
    ) -> FlexTensor {
        PairSum(activation, topology).infer([at_target, at_source, extra])
    }

    fn fused_neighbour_sum(x: FlexTensor, topology: Topology<Self>) -> FlexTensor {
        NeighbourSum(topology).infer([x])
    }

    fn fused_attention(
        at_target: FlexTensor,
        at_source: FlexTensor,
        values: FlexTensor,
        topology: Topology<Self>,
    ) -> FlexTensor {
        Attention(topology).infer([at_target, at_source, values])
    }

    fn fused_cross_entropy(logits: FlexTensor, weights: FlexTensor, labels: FlexTensor) -> FlexTensor {
        CrossEntropy { weights, labels }.infer([logits])
    }
}

impl<C: CheckpointStrategy> FusedOperations for Autodiff<Flex, C> {
    fn fused_dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(Dense(activation), [x, weight, bias, residual])
    }

    fn fused_radial_gate(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(RadialGate, [x, radial, weight])
    }

    fn fused_radial_sum(
        x: FloatTensor<Self>,
        radial: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        topology: Topology<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(RadialSum(topology.inner()), [x, radial, weight])
    }

    fn fused_triplet_sum(
        x: FloatTensor<Self>,
        spherical: FloatTensor<Self>,
        angular: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        pair_offsets: IntTensor<Self>,
        topology: Topology<Self>,
    ) -> FloatTensor<Self> {
        let (spherical, angular) = (spherical.into_primitive(), angular.into_primitive());
        let operation = TripletSum::new(spherical, angular, pair_offsets, topology.inner());
        differentiable::<Flex, _, C, _>(operation, [x, first, second])
    }

    fn fused_pair_sum(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        extra: FloatTensor<Self>,
        activation: Activation,
        topology: Topology<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(PairSum(activation, topology.inner()), [at_target, at_source, extra])
    }

    fn fused_neighbour_sum(x: FloatTensor<Self>, topology: Topology<Self>) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(NeighbourSum(topology.inner()), [x])
    }

    fn fused_attention(
        at_target: FloatTensor<Self>,
        at_source: FloatTensor<Self>,
        values: FloatTensor<Self>,
        topology: Topology<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(Attention(topology.inner()), [at_target, at_source, values])
    }

    fn fused_cross_entropy(
        logits: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        labels: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        differentiable::<Flex, _, C, _>(CrossEntropy { weights: weights.into_primitive(), labels }, [logits])
    }
}

/// Returns the tensor that stands for an absent one.
fn absent(like: &Tensor<2>) -> Tensor<1> {
    Tensor::empty([0], (&like.device().inner(), like.dtype()))
}

/// Returns the primitive of a tensor, or that of an absent one.
fn optional<const D: usize>(tensor: Option<Tensor<D>>, like: &Tensor<2>) -> burn::backend::DispatchTensor {
    match tensor {
        Some(tensor) => tensor.into_dispatch(),
        None => absent(like).into_dispatch(),
    }
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
    Tensor::from_dispatch(Dispatch::fused_dense(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias,
        residual,
        activation,
    ))
}

/// See [`super::radial_gate`].
pub fn radial_gate(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::fused_radial_gate(
        x.into_dispatch(),
        radial.into_dispatch(),
        weight.into_dispatch(),
    ))
}

/// See [`super::radial_sum`].
pub fn radial_sum(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>, edges: &Edges) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::fused_radial_sum(
        x.into_dispatch(),
        radial.into_dispatch(),
        weight.into_dispatch(),
        Topology::new(edges),
    ))
}

/// See [`super::triplet_sum`].
pub fn triplet_sum(
    x: Tensor<2>,
    spherical: Tensor<2>,
    first: Tensor<2>,
    second: Tensor<2>,
    edges: &Edges,
) -> Tensor<2> {
    let angles = edges.angles();
    Tensor::from_dispatch(Dispatch::fused_triplet_sum(
        x.into_dispatch(),
        spherical.into_dispatch(),
        angles.angular.clone().into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        angles.pair_offsets.clone().into_dispatch(),
        Topology::new(edges),
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
    Tensor::from_dispatch(Dispatch::fused_pair_sum(
        at_target.into_dispatch(),
        at_source.into_dispatch(),
        extra,
        activation,
        Topology::new(edges),
    ))
}

/// See [`super::neighbour_sum`].
pub fn neighbour_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::fused_neighbour_sum(x.into_dispatch(), Topology::new(edges)))
}

/// See [`super::attention`].
pub fn attention(at_target: Tensor<1>, at_source: Tensor<1>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::fused_attention(
        at_target.into_dispatch(),
        at_source.into_dispatch(),
        values.into_dispatch(),
        Topology::new(edges),
    ))
}

/// See [`super::cross_entropy`].
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Option<Tensor<1>>) -> Tensor<1> {
    let weights = optional(weights, &logits);
    Tensor::from_dispatch(Dispatch::fused_cross_entropy(
        logits.into_dispatch(),
        weights,
        labels.into_dispatch(),
    ))
}

/// Returns the values of a contiguous tensor.
fn values<R: Value>(tensor: &FlexTensor) -> &[R] {
    tensor.as_slice::<R>().expect("made contiguous, of the dtype that was matched")
}

/// Returns the values of an optional tensor, which has shape `[0]` if absent.
fn optional_values<R: Value>(tensor: &FlexTensor) -> Option<&[R]> {
    is_present(tensor).then(|| values(tensor))
}

/// Whether an optional tensor is present.
fn is_present(tensor: &FlexTensor) -> bool {
    tensor.layout().shape().num_dims() > 1 || tensor.layout().num_elements() > 0
}

/// Returns the values of an index tensor.
fn indices(tensor: &FlexTensor) -> &[i32] {
    tensor.as_slice::<i32>().expect("index tensors of this backend are contiguous and 32 bits wide")
}

/// Makes tensors contiguous.
fn contiguous<const N: usize>(tensors: [FlexTensor; N]) -> [FlexTensor; N] {
    tensors.map(|tensor| tensor.to_contiguous())
}

/// Returns the shape of a matrix.
fn dims(tensor: &FlexTensor) -> [usize; 2] {
    rows_columns(tensor).into()
}

/// Returns the number of rows and columns of a matrix.
fn rows_columns(tensor: &FlexTensor) -> (usize, usize) {
    let shape = tensor.layout().shape();
    (shape[0], shape[1])
}

/// Makes a tensor of a vector without copying it.
fn tensor<R: Value, const D: usize>(values: Vec<R>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape.into()), R::dtype())
}

/// Evaluates an expression with `$real` as the element type of a tensor.
macro_rules! with_real {
    ($tensor:expr, $real:ident => $body:expr) => {
        match $tensor.dtype() {
            DType::F32 => {
                type $real = f32;
                $body
            }
            DType::F64 => {
                type $real = f64;
                $body
            }
            other => panic!("the fused operations compute in f32 and f64, not in {other:?}"),
        }
    };
}
use with_real;
