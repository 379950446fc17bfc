//! Operations of graph neural networks that a tensor library lacks or does not do fast enough.
//!
//! Every operation but [`mod@all_reduce`] has several implementations. [`composed`] uses tensor operations on any
//! backend and leaves the gradient to automatic differentiation. [`fused`] calls the [`kernels`] on the CPU backend,
//! with hand-written backward passes. `libtorch` uses libtorch's kernels, also with hand-written backward passes. The
//! functions of this module dispatch on the device of their tensors. Tests compare the implementations with one
//! another.
//!
//! Letters in shapes: N atoms, E edges, P pairs of edges that meet in an atom, T triplets, C channels.

pub mod all_reduce;
pub mod composed;
mod differentiable;
pub mod fused;
#[cfg(feature = "tch")]
pub mod libtorch;
#[cfg(test)]
mod tests;
pub mod upload;

use burn::prelude::*;

use crate::device::{self, Operations};
use crate::ranks::Rows;
pub use all_reduce::all_reduce;
pub use kernels::attention::LEAK as ATTENTION_SLOPE;
pub use kernels::batch_norm::EPSILON as NORM_EPSILON;
pub use kernels::dense::Activation;
pub use kernels::gated::EPSILON as GATE_EPSILON;

/// Calls the implementation of an operation for the device of a tensor.
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

/// Index tensors of a batch's edges. Their order is that of `crate::data::GraphBatch`.
#[derive(Debug, Clone)]
pub struct Edges {
    /// Target atom i of every edge, ascending, shape `[E]`.
    pub target: Tensor<1, Int>,
    /// Source atom j of every edge, shape `[E]`.
    pub source: Tensor<1, Int>,
    /// Offsets by target, shape `[N + 1]`: the edges `incoming[i]..incoming[i + 1]` end at atom i.
    pub incoming: Tensor<1, Int>,
    /// Edges grouped by source atom, on devices that compute on the host.
    pub by_source: Option<BySource>,
    /// Angular functions by atom for [`triplet_sum`], in batches whose inputs include the bases, on devices that compute
    /// on the host.
    pub angles: Option<Angles>,
    /// Angular functions by edge for [`triplet_sum`], in batches whose inputs include the bases, on other devices.
    pub triplets: Option<Triplets>,
}

/// Edges grouped by their source atom.
#[derive(Debug, Clone)]
pub struct BySource {
    /// Offsets, shape `[N + 1]`: the edges `edges[offsets[j]..offsets[j + 1]]` start at atom j.
    pub offsets: Tensor<1, Int>,
    /// Edges, ascending inside a group, shape `[E]`.
    pub edges: Tensor<1, Int>,
}

impl Edges {
    /// Returns the edges grouped by source.
    ///
    /// # Panics
    /// If the batch is on a device that does not compute on the host.
    pub fn by_source(&self) -> &BySource {
        self.by_source.as_ref().expect("batches on the host have it")
    }

    /// Returns the angular functions by atom.
    ///
    /// # Panics
    /// If the batch was built without them.
    pub fn angles(&self) -> &Angles {
        self.angles.as_ref().expect("`Inputs::bases` must ask for them")
    }

    /// Returns the angular functions by edge.
    ///
    /// # Panics
    /// If the batch was built without them.
    pub fn triplets(&self) -> &Triplets {
        self.triplets.as_ref().expect("`BatchSettings::bases_on_device` must ask for them")
    }
}

/// Angular functions of the pairs of edges that meet in an atom.
#[derive(Debug, Clone)]
pub struct Angles {
    /// Index of the first pair of each atom, shape `[N + 1]`.
    pub pair_offsets: Tensor<1, Int>,
    /// Angular functions Y_l of every pair, shape `[P, 7]`; zero for an edge and its exact reverse.
    pub angular: Tensor<2>,
}

/// The pairs of edges k→j→i that meet in an atom j, by edge ji. They are the triplets (specification, section 2.5) and the
/// pairs of an edge and its exact reverse.
#[derive(Debug, Clone)]
pub struct Triplets {
    /// Edge kj of every pair, shape `[P]`.
    pub incoming_edge: Tensor<1, Int>,
    /// Edge ji of every pair, ascending, shape `[P]`.
    pub outgoing_edge: Tensor<1, Int>,
    /// Angular functions Y_l of every pair, shape `[P, 7]`; zero for an edge and its exact reverse.
    pub angular: Tensor<2>,
}

/// A linear layer with activation and residual: `y = activation(x Wᵀ + b) + residual`.
///
/// # Shapes
/// `x [rows, in]`, `weight [out, in]`, `bias [out]`, `residual [rows, out]`, output `[rows, out]`.
pub fn dense(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<2>>,
    activation: Activation,
) -> Tensor<2> {
    on_device_of!(x, dense(x, weight, bias, residual, activation))
}

/// Two linear layers with activations and a residual: `y = x + activation(W2 activation(W1 x + b1) + b2)`.
///
/// # Shapes
/// `x` and output `[rows, C]`; of each layer, the weight `[C, C]` and the bias `[C]`.
pub fn residual(x: Tensor<2>, layers: [(Tensor<2>, Tensor<1>); 2], activation: Activation) -> Tensor<2> {
    match device::operations(&x.device()) {
        #[cfg(feature = "tch")]
        Operations::Libtorch => libtorch::residual(x, layers, activation),
        _ => {
            let [(first, first_bias), (second, second_bias)] = layers;
            let hidden = dense(x.clone(), first, Some(first_bias), None, activation);
            dense(hidden, second, Some(second_bias), Some(x), activation)
        }
    }
}

/// Multiplies edge features by a filter of the radial basis: `y_e = x_e ⊙ (W r_e)`.
///
/// # Shapes
/// `x [E, C]`, `radial [E, 6]`, `weight [C, 6]`, output `[E, C]`.
pub fn radial_gate(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    on_device_of!(x, radial_gate(x, radial, weight))
}

/// Sums filtered edge features over the edges into each atom: `o_i = Σ_{e into i} x_e ⊙ (W r_e)`.
///
/// # Shapes
/// `x [E, C]`, `radial [E, 6]`, `weight [C, 6]`, output `[N, C]`.
pub fn radial_sum(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(x, radial_sum(x, radial, weight, edges))
}

/// Sums messages over triplets, as in DimeNet++ (specification, section 4.2; <https://arxiv.org/abs/2011.14115>):
/// `y_ji = Σ_{k→j→i} x_kj ⊙ W2 W1 (S_kj ⊗ Y(θ))`.
///
/// # Shapes
/// `x [E, C]`, `spherical [E, 42]` (S), `first [8, 42]` (W1), `second [C, 8]` (W2), output `[E, C]`.
pub fn triplet_sum(
    x: Tensor<2>,
    spherical: Tensor<2>,
    first: Tensor<2>,
    second: Tensor<2>,
    edges: &Edges,
) -> Tensor<2> {
    on_device_of!(x, triplet_sum(x, spherical, first, second, edges))
}

/// Makes edge features from the two atoms of each edge: `y_e = activation(a_target + b_source + extra_e)`.
///
/// # Shapes
/// `at_target` (a) and `at_source` (b) `[N, C]`, `extra [E, C]`, output `[E, C]`.
pub fn pair_sum(
    at_target: Tensor<2>,
    at_source: Tensor<2>,
    extra: Option<Tensor<2>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    on_device_of!(at_target, pair_sum(at_target, at_source, extra, activation, edges))
}

/// Makes edge features by a linear layer on the two atoms of each edge and on features of its own:
/// `y_e = activation([x_target ‖ x_source ‖ z_e] Wᵀ + b)`.
///
/// # Shapes
/// `x [N, C]`, `extra` (z) `[E, D]`, `weight [K, 2 C + D]`, `bias [K]`, output `[E, K]`.
pub fn pair_dense(
    x: Tensor<2>,
    extra: Option<Tensor<2>>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    on_device_of!(x, pair_dense(x, extra, weight, bias, activation, edges))
}

/// Sums over the neighbours of each atom, once per edge: `o_i = Σ_{e into i} x_source(e)`.
///
/// # Shapes
/// Input and output `[N, C]`.
pub fn neighbour_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(x, neighbour_sum(x, edges))
}

/// Attention over the neighbours of each atom (Eq. 6 of MMPT, <https://arxiv.org/abs/2306.05344>):
/// `o_i = Σ_{e into i} ε_e v_source(e)`, where `ε_e` is the softmax of `LeakyReLU(t_i + s_source(e))` over the edges
/// into i. An atom without edges gets 0.
///
/// # Shapes
/// `at_target` (t) and `at_source` (s) `[N]`, `values` (v) `[N, C]`, output `[N, C]`.
pub fn attention(at_target: Tensor<1>, at_source: Tensor<1>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(values, attention(at_target, at_source, values, edges))
}

/// Weighted sum of cross entropies: `Σ_r w_r · −log softmax(logits_r)[label_r]`.
///
/// # Shapes
/// `logits [rows, classes]`, `labels [rows]`, `weights [rows]` (1 where absent), output `[1]`.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Option<Tensor<1>>) -> Tensor<1> {
    on_device_of!(logits, cross_entropy(logits, labels, weights))
}

/// Sums over the edges into each atom: `o_i = Σ_{e into i} x_e`.
///
/// # Shapes
/// `x [E, C]`, output `[N, C]`.
pub fn edge_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(x, edge_sum(x, edges))
}

/// Sums filtered neighbours over the edges into each atom: `o_i = Σ_{e into i} v_source(e) ⊙ f_e`.
///
/// # Shapes
/// `values` (v) `[N, C]`, `filters` (f) `[E, C]`, output `[N, C]`.
pub fn product_sum(values: Tensor<2>, filters: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(values, product_sum(values, filters, edges))
}

/// Sums gated messages over the edges into each atom, as in CGCNN (<https://arxiv.org/abs/1710.10324>):
/// `o_i = Σ_{e into i} sigmoid(g_e) ⊙ softplus(c_e)`, where `x_e = [g_e ‖ c_e]`.
///
/// # Shapes
/// `x [E, 2 C]`, output `[N, C]`.
pub fn gated_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(x, gated_sum(x, edges))
}

/// Averages neighbours with gates, as in ALIGNN (<https://doi.org/10.1038/s41524-021-00650-1>):
/// `o_i = Σ_{e into i} σ_e ⊙ v_source(e) / (Σ_{e into i} σ_e + 1e-6)` with `σ_e = sigmoid(g_e)`.
///
/// # Shapes
/// `gates` (g) `[E, C]`, `values` (v) `[N, C]`, output `[N, C]`.
pub fn gated_mean(gates: Tensor<2>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    on_device_of!(values, gated_mean(gates, values, edges))
}

/// The result of [`batch_norm`] and [`batch_norm_gated_sum`].
#[derive(Debug)]
pub struct Normalised {
    /// Normalised rows, or what is made of them.
    pub y: Tensor<2>,
    /// Mean of the batch over all ranks, shape `[C]`, without a gradient.
    pub mean: Tensor<1>,
    /// Biased variance of the batch over all ranks, shape `[C]`, without a gradient.
    pub variance: Tensor<1>,
}

/// Normalises the columns of a batch over all ranks: `y = activation(x̂ ⊙ weight + bias) + residual` with
/// `x̂ = (x − mean)/√(variance + 1e-5)`.
///
/// # Shapes
/// `x` and `residual [rows, C]`, `weight` and `bias [C]`.
pub fn batch_norm(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
    rows: &Rows<'_>,
) -> Normalised {
    on_device_of!(x, batch_norm(x, weight, bias, residual, activation, rows))
}

/// Normalises the columns of the edges' rows over all ranks, and sums them with gates over the edges into each atom:
/// [`gated_sum`] of [`batch_norm`], without the matrix in between. The result's y has a row for each atom.
///
/// # Shapes
/// `x [E, 2 C]`, `weight` and `bias [2 C]`, y `[N, C]`.
pub fn batch_norm_gated_sum(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    edges: &Edges,
    rows: &Rows<'_>,
) -> Normalised {
    on_device_of!(x, batch_norm_gated_sum(x, weight, bias, edges, rows))
}

/// Normalises the columns of a matrix with given moments, the mean and the variance, as [`batch_norm`] does with those
/// of the batch. The moments have no gradient.
///
/// # Shapes
/// `x`, `residual` and output `[rows, C]`, moments, `weight` and `bias [C]`.
pub fn normalise(
    x: Tensor<2>,
    moments: [Tensor<1>; 2],
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
) -> Tensor<2> {
    let moments = moments.map(Tensor::detach);
    on_device_of!(x, normalise(x, moments, weight, bias, residual, activation))
}

/// Normalises every row: `y = (x − mean)/√(variance + 1e-5) ⊙ weight + bias`.
///
/// # Shapes
/// `x [rows, C]`, `weight` and `bias [C]`, output `[rows, C]`.
pub fn layer_norm(x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<2> {
    on_device_of!(x, layer_norm(x, weight, bias))
}

/// Multiplies values by gates that are made of normalised rows, as in Matformer (<https://arxiv.org/abs/2209.11807>):
/// `y = v ⊙ sigmoid(layer_norm(x))`.
///
/// # Shapes
/// `values` (v), `x` and output `[rows, C]`, `weight` and `bias [C]`.
pub fn layer_norm_gate(values: Tensor<2>, x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<2> {
    on_device_of!(x, layer_norm_gate(values, x, weight, bias))
}

/// Expands numbers in Gaussians with evenly spaced centres: `y_n = exp(−γ (d − first − n · step)²)`, and zero for what is
/// below [`kernels::gaussian::NEGLIGIBLE`]. The numbers have no gradient.
///
/// # Shapes
/// `values` (d) `[rows]`, output `[rows, count]`.
pub fn gaussians(values: Tensor<1>, first: f64, step: f64, count: usize, gamma: f64) -> Tensor<2> {
    on_device_of!(values, gaussians(values, first, step, count, gamma))
}

/// Writes values into the memory of a tensor of the same shape, also for all its clones and views.
///
/// # Panics
/// If the shapes differ, or if [`device::joins_parameters`] is false for the device: the other backends do not share
/// memory among tensors.
pub fn overwrite(target: &Tensor<1>, values: Tensor<1>) {
    assert_eq!(target.dims(), values.dims(), "the memory of a tensor keeps its size");
    match device::operations(&target.device()) {
        #[cfg(feature = "tch")]
        Operations::Libtorch => libtorch::overwrite(target, values),
        _ => panic!("only libtorch's tensors share their memory"),
    }
}

/// Applies an activation to every number.
///
/// # Shapes
/// Input and output `[rows, C]`.
pub fn activate(x: Tensor<2>, activation: Activation) -> Tensor<2> {
    on_device_of!(x, activate(x, activation))
}
