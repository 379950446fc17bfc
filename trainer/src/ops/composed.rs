//! The operations in terms of tensor operations, for every backend. The formulas and shapes are those of the
//! functions of the same names in [`super`].

use std::f64::consts::LN_2;

use burn::prelude::*;
use burn::tensor::{IndexingUpdateOp, activation};
use kernels::gaussian::NEGLIGIBLE;
use kernels::triplet::{ORDERS, RADIAL};

use super::{ATTENTION_SLOPE, Activation, Edges, GATE_EPSILON, NORM_EPSILON, Normalised, all_reduce, upload};
use crate::ranks::Rows;

/// Returns `s_k = Σ_{index_c = k} values_c`, the sum of the rows with the same index.
///
/// # Shapes
/// Values `[count, columns]`, index `[count]`, output `[rows, columns]`.
pub fn sum_by(rows: usize, index: &Tensor<1, Int>, values: Tensor<2>) -> Tensor<2> {
    let columns = values.dims()[1];
    let zeros = Tensor::zeros([rows, columns], (&values.device(), values.dtype()));
    zeros.select_assign(0, index.clone(), values, IndexingUpdateOp::Add)
}

/// Returns the largest of the rows with the same index, in each column; where there are none, the lowest finite f32. They have no
/// gradient, and so must the values.
///
/// # Shapes
/// Values `[count, ..]`, index `[count]`, output `[rows, ..]`.
pub fn largest_by<const D: usize>(rows: usize, index: &Tensor<1, Int>, values: Tensor<D>) -> Tensor<D> {
    let mut shape = values.dims();
    shape[0] = rows;
    // `full` would copy a list of the host to the device and wait for it.
    let lowest = Tensor::<D>::ones(shape, (&values.device(), values.dtype())) * f32::MIN;
    lowest.select_assign(0, index.clone(), values, IndexingUpdateOp::Max)
}

/// Returns `activation(z)`.
pub fn activate(z: Tensor<2>, activation: Activation) -> Tensor<2> {
    match activation {
        Activation::Identity => z,
        Activation::Relu => activation::relu(z),
        Activation::Silu => activation::silu(z),
        Activation::Softplus => softplus(z),
        Activation::ShiftedSoftplus => softplus(z) - LN_2,
    }
}

/// Returns `ln(1 + e^z)`, without overflow.
fn softplus(z: Tensor<2>) -> Tensor<2> {
    activation::relu(z.clone()) + z.abs().neg().exp().log1p()
}

/// See [`super::dense`].
pub fn dense(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<2>>,
    activation: Activation,
) -> Tensor<2> {
    let product = x.matmul(weight.transpose());
    let sum = match bias {
        Some(bias) => product + bias.unsqueeze::<2>(),
        None => product,
    };
    let y = activate(sum, activation);
    match residual {
        Some(residual) => y + residual,
        None => y,
    }
}

/// See [`super::radial_gate`].
pub fn radial_gate(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    x * radial.matmul(weight.transpose())
}

/// See [`super::radial_sum`].
pub fn radial_sum(x: Tensor<2>, radial: Tensor<2>, weight: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let atoms = edges.incoming.dims()[0] - 1;
    sum_by(atoms, &edges.target, radial_gate(x, radial, weight))
}

/// See [`super::triplet_sum`].
///
/// The radial part is contracted per edge, `A[kj, l, b] = Σ_n W1[b, 6l + n] S[kj, 6l + n]`, so that a triplet costs 7
/// · 8 multiplications before the product with W2.
///
/// # Panics
/// If the edges have no list of triplets, [`Edges::triplets`].
pub fn triplet_sum(
    x: Tensor<2>,
    spherical: Tensor<2>,
    first: Tensor<2>,
    second: Tensor<2>,
    edges: &Edges,
) -> Tensor<2> {
    let triplets = edges.triplets();
    let [edge_count, _] = x.dims();
    let [basis, _] = first.dims();
    // [7, E, 6] x [7, 6, 8] -> [7, E, 8]
    let by_degree = spherical.reshape([edge_count, ORDERS, RADIAL]).swap_dims(0, 1);
    let weight = first.reshape([basis, ORDERS, RADIAL]).permute([1, 2, 0]);
    let contracted = by_degree.matmul(weight).swap_dims(0, 1).reshape([edge_count, ORDERS * basis]);
    let angular = triplets.angular.clone();
    let count = angular.dims()[0];
    let filter = (contracted.select(0, triplets.incoming_edge.clone()).reshape([count, ORDERS, basis])
        * angular.reshape([count, ORDERS, 1]))
    .sum_dim(1)
    .reshape([count, basis]);
    let messages = x.select(0, triplets.incoming_edge.clone()) * filter.matmul(second.transpose());
    sum_by(edge_count, &triplets.outgoing_edge, messages)
}

/// See [`super::pair_sum`].
pub fn pair_sum(
    at_target: Tensor<2>,
    at_source: Tensor<2>,
    extra: Option<Tensor<2>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    let ends = at_target.select(0, edges.target.clone()) + at_source.select(0, edges.source.clone());
    let sum = match extra {
        Some(extra) => ends + extra,
        None => ends,
    };
    activate(sum, activation)
}

/// See [`super::pair_dense`].
pub fn pair_dense(
    x: Tensor<2>,
    extra: Option<Tensor<2>>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    let mut parts = vec![x.clone().select(0, edges.target.clone()), x.select(0, edges.source.clone())];
    parts.extend(extra);
    dense(Tensor::cat(parts, 1), weight, bias, None, activation)
}

/// See [`super::neighbour_sum`].
pub fn neighbour_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let atoms = x.dims()[0];
    sum_by(atoms, &edges.target, x.select(0, edges.source.clone()))
}

/// Returns the weight ε_e of every edge in [`super::attention`].
///
/// The largest score of each group is subtracted before the exponential, which leaves the softmax unchanged.
///
/// # Shapes
/// Scores `[N]`, output `[E]`.
pub fn attention_weights(at_target: Tensor<1>, at_source: Tensor<1>, edges: &Edges) -> Tensor<1> {
    let [atoms] = at_target.dims();
    let [edge_count] = edges.target.dims();
    let scores = at_target.select(0, edges.target.clone()) + at_source.select(0, edges.source.clone());
    let scores = activation::leaky_relu(scores, ATTENTION_SLOPE);
    let greatest = largest_by(atoms, &edges.target, scores.clone().detach());
    let exponentials = (scores - greatest.select(0, edges.target.clone())).exp().reshape([edge_count, 1]);
    let sums = sum_by(atoms, &edges.target, exponentials.clone());
    (exponentials / sums.select(0, edges.target.clone())).reshape([edge_count])
}

/// See [`super::attention`].
pub fn attention(at_target: Tensor<1>, at_source: Tensor<1>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let ([atoms, _], [edge_count]) = (values.dims(), edges.target.dims());
    let weights = attention_weights(at_target, at_source, edges).reshape([edge_count, 1]);
    sum_by(atoms, &edges.target, values.select(0, edges.source.clone()) * weights)
}

/// See [`super::cross_entropy`].
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, weights: Option<Tensor<1>>) -> Tensor<1> {
    let rows = logits.dims()[0];
    let chosen = activation::log_softmax(logits, 1).gather(1, labels.reshape([rows, 1])).reshape([rows]);
    match weights {
        Some(weights) => (chosen * weights).sum().neg(),
        None => chosen.sum().neg(),
    }
}

/// See [`super::edge_sum`].
pub fn edge_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    sum_by(edges.incoming.dims()[0] - 1, &edges.target, x)
}

/// See [`super::product_sum`].
pub fn product_sum(values: Tensor<2>, filters: Tensor<2>, edges: &Edges) -> Tensor<2> {
    edge_sum(values.select(0, edges.source.clone()) * filters, edges)
}

/// See [`super::gated_sum`].
pub fn gated_sum(x: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let [rows, columns] = x.dims();
    let half = columns / 2;
    if rows == 0 {
        // A slice without elements would lose the gradient.
        return x.sum().reshape([1, 1]).expand([edges.incoming.dims()[0] - 1, half]);
    }
    let (gates, cores) = (x.clone().slice([0..rows, 0..half]), x.slice([0..rows, half..columns]));
    edge_sum(activation::sigmoid(gates) * softplus(cores), edges)
}

/// See [`super::gated_mean`].
pub fn gated_mean(gates: Tensor<2>, values: Tensor<2>, edges: &Edges) -> Tensor<2> {
    let gates = activation::sigmoid(gates);
    let sums = edge_sum(gates.clone(), edges);
    product_sum(values, gates, edges) / (sums + GATE_EPSILON)
}

/// See [`super::batch_norm`].
pub fn batch_norm(
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
    rows: &Rows<'_>,
) -> Normalised {
    let share = 1.0 / rows.count.max(1) as f64;
    let over_ranks = |sum: Tensor<2>| all_reduce(sum, rows.ranks) * share;
    let mean = over_ranks(x.clone().sum_dim(0));
    let variance = over_ranks((x.clone() - mean.clone()).powi_scalar(2).sum_dim(0));
    let moments = [mean, variance].map(|moment| moment.squeeze_dim::<1>(0));
    let y = normalise(x, moments.clone(), weight, bias, residual, activation);
    let [mean, variance] = moments.map(without_gradient);
    Normalised { y, mean, variance }
}

/// See [`super::batch_norm_gated_sum`].
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

/// See [`super::normalise`].
pub fn normalise(
    x: Tensor<2>,
    moments: [Tensor<1>; 2],
    weight: Tensor<1>,
    bias: Tensor<1>,
    residual: Option<Tensor<2>>,
    activation: Activation,
) -> Tensor<2> {
    let [mean, variance] = moments.map(|moment| moment.unsqueeze::<2>());
    let normal = (x - mean) / (variance + NORM_EPSILON).sqrt();
    let y = activate(normal * weight.unsqueeze::<2>() + bias.unsqueeze::<2>(), activation);
    match residual {
        Some(residual) => y + residual,
        None => y,
    }
}

/// Returns a tensor outside the graph of automatic differentiation.
pub(super) fn without_gradient<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    if tensor.device().is_autodiff() { tensor.inner() } else { tensor }
}

/// See [`super::layer_norm`].
pub fn layer_norm(x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(1);
    let variance = centred.clone().powi_scalar(2).mean_dim(1);
    centred / (variance + NORM_EPSILON).sqrt() * weight.unsqueeze::<2>() + bias.unsqueeze::<2>()
}

/// See [`super::layer_norm_gate`].
pub fn layer_norm_gate(values: Tensor<2>, x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>) -> Tensor<2> {
    values * activation::sigmoid(layer_norm(x, weight, bias))
}

/// See [`super::gaussians`].
pub fn gaussians(values: Tensor<1>, first: f64, step: f64, count: usize, gamma: f64) -> Tensor<2> {
    let rows = values.dims()[0];
    let centres = centres(first, step, count, &values).reshape([1, count]);
    let distances = values.reshape([rows, 1]) - centres;
    let gaussians = (distances.powi_scalar(2) * -gamma).exp();
    let is_negligible = gaussians.clone().lower_scalar(NEGLIGIBLE);
    gaussians.mask_fill(is_negligible, 0.0)
}

/// Returns the centres of [`super::gaussians`], on the device of `values`.
pub(super) fn centres(first: f64, step: f64, count: usize, values: &Tensor<1>) -> Tensor<1> {
    let centres: Vec<f64> = (0..count).map(|index| first + step * index as f64).collect();
    upload::constants(centres, values.dtype(), &values.device())
}
