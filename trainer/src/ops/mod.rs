//! Tensor operations of the model that a tensor library does not have, or not fast enough.
//!
//! Every operation exists more than once. [`composed`] writes it with tensor operations alone, on any
//! backend, its gradient left to automatic differentiation. [`fused`] runs the CPU backend on the
//! slices of [`kernels`], forward and backward written by hand; `libtorch` runs that backend on its own
//! kernels, gradients written by hand too. The functions of this module take the form that a device
//! has; the tests hold the forms against each other. [`mod@all_reduce`] alone has one form.

pub mod all_reduce;
pub mod composed;
mod differentiable;
pub mod fused;
#[cfg(feature = "tch")]
pub mod libtorch;
#[cfg(test)]
mod tests;

use burn::prelude::*;

use crate::device::{self, Operations};
pub use all_reduce::all_reduce;
pub use kernels::attention::LEAK as ATTENTION_SLOPE;
pub use kernels::dense::Activation;

/// Calls an operation in the form that a tensor's device has.
macro_rules! on_device_of {
    ($tensor:expr, $operation:ident($($argument:expr),+ $(,)?)) => {
        match device::operations(&$tensor.device()) {
            Operations::Fused => fused::$operation($($argument),+),
            #[cfg(feature = "tch")]
            Operations::Libtorch => libtorch::$operation($($argument),+),
            Operations::Composed => composed::$operation($($argument),+),
        }
    };
}

/// Index tensors of a batch's edges; see `crate::data::GraphBatch` for their order.
#[derive(Debug, Clone)]
pub struct Edges {
    /// Centre atom i of every edge, ascending, shape `[E]`.
    pub target: Tensor<1, Int>,
    /// Neighbour atom j of every edge, shape `[E]`.
    pub source: Tensor<1, Int>,
    /// Edges `incoming[i]..incoming[i + 1]` end at atom i, shape `[N + 1]`.
    pub incoming: Tensor<1, Int>,
    /// Positions `outgoing[j]..outgoing[j + 1]` of `outgoing_edges` start at atom j, shape `[N + 1]`.
    pub outgoing: Tensor<1, Int>,
    /// Edges grouped by their source atom, shape `[E]`.
    pub outgoing_edges: Tensor<1, Int>,
    /// What [`triplet_sum`] needs beside them; there if the inputs ask for bases.
    pub angles: Option<Angles>,
}

impl Edges {
    /// The angles between edges.
    ///
    /// # Panics
    /// When the batch was built for a model that asks for none.
    pub fn angles(&self) -> &Angles {
        self.angles.as_ref().expect("`Inputs::bases` must ask for them")
    }
}

/// Angular functions of the pairs of edges that meet in an atom.
#[derive(Debug, Clone)]
pub struct Angles {
    /// First row of `angular` of each atom, shape `[N + 1]`.
    pub pair_offsets: Tensor<1, Int>,
    /// Angular functions Y_l of every pair, zero for an edge and its exact reverse, shape `[P, 7]`.
    pub angular: Tensor<2>,
    /// Triplets as lists, for backends without the fused operations.
    pub triplets: Option<Triplets>,
}

/// Triplets k→j→i as lists (specification, section 2.5).
#[derive(Debug, Clone)]
pub struct Triplets {
    /// Edge kj of every triplet, shape `[T]`.
    pub incoming_edge: Tensor<1, Int>,
    /// Edge ji of every triplet, ascending, shape `[T]`.
    pub outgoing_edge: Tensor<1, Int>,
    /// Row of the triplet in [`Angles::angular`], shape `[T]`.
    pub pair: Tensor<1, Int>,
}

/// A linear map with what follows it: `y = activation(x Wᵀ + b) + residual`.
///
/// Shapes: `x [rows, in]`, `weight [out, in]`, `bias [out]`, `residual [rows, out]`, `y [rows, out]`.
pub fn dense(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<2>>,
    activation: Activation,
) -> Tensor<2> {
    on_device_of!(x, dense(x, weight, bias, residual, activation))
}

/// Filters edge features by their distance: `y_e = x_e ⊙ (W r_e)`.
///
/// Shapes: `x [E, C]`, `radial [E, 6]`, `weight [C, 6]`, `y [E, C]`.
pub fn radial_gate(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    on_device_of!(x, radial_gate(x, radial, weight))
}

/// Sums filtered edge features at their centre atoms: `o_i = Σ_{e into i} x_e ⊙ (W r_e)`.
///
/// Shapes: `x [E, C]`, `radial [E, 6]`, `weight [C, 6]`, `o [N, C]`.
pub fn radial_sum(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(x, radial_sum(x, radial, weight, edges))
}

/// Sum over triplets of section 4.2 of the specification: `y_ji = Σ_{k→j→i} x_kj ⊙ W2 W1 (S_kj ⊗ Y(θ))`.
///
/// Shapes: `x [E, C]`, `spherical [E, 42]` (S), `first [8, 42]` (W1), `second [C, 8]` (W2),
/// `y [E, C]`.
pub fn triplet_sum(
    x: Tensor<2>,
    spherical: Tensor<2>,
    first: Tensor<2>,
    second: Tensor<2>,
    edges: &Edges,
) -> Tensor<2> {
    on_device_of!(x, triplet_sum(x, spherical, first, second, edges))
}

/// Edge features from the atoms at both ends: `y_e = activation(a_target + b_source + extra_e)`.
///
/// Shapes: `at_target`, `at_source [N, C]`, `extra`, `y [E, C]`.
pub fn pair_sum(
    at_target: Tensor<2>,
    at_source: Tensor<2>,
    extra: Option<Tensor<2>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    on_device_of!(at_target, pair_sum(at_target, at_source, extra, activation, edges))
}

/// Sum over an atom's neighbours, parallel edges counted each: `o_i = Σ_{e into i} x_source(e)`.
///
/// Shapes: `x`, `o [N, C]`.
pub fn neighbour_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(x, neighbour_sum(x, edges))
}

/// Attention over the neighbours (Eq. 6): `ε_e` is the softmax over the edges that end at i of
/// `LeakyReLU(t_i + s_j)`, and `o_i = Σ_e ε_e v_source(e)`; without edges `o_i = 0`.
///
/// Shapes: `at_target`, `at_source [N]`, `values`, `o [N, C]`.
pub fn attention(at_target: Tensor<1>, at_source: Tensor<1>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(values, attention(at_target, at_source, values, edges))
}

/// Weighted sum of cross entropies: `Σ_r w_r · −log softmax(logits_r)[label_r]`, shape `[1]`.
///
/// Shapes: `logits [rows, classes]`, `labels [rows]`, `weights [rows]` (1 where absent).
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Option<Tensor<1>>) -> Tensor<1> {
    on_device_of!(logits, cross_entropy(logits, labels, weights))
}
