//! A linear layer on the two atoms of every edge; see [`crate::ops::pair_dense`].

use burn::prelude::*;

use super::{dense, pair_sum};
use crate::ops::{Activation, Edges};

/// See [`crate::ops::pair_dense`]. The products with the atoms' columns of the weight are taken once an atom, not once an
/// edge.
pub fn pair_dense(
    x: Tensor<2>,
    extra: Option<Tensor<2>>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
    edges: &Edges,
) -> Tensor<2> {
    let ([_, width], [outputs, inputs]) = (x.dims(), weight.dims());
    let product = |x: Tensor<2>, from: usize, to: usize, bias: Option<Tensor<1>>| {
        let columns = weight.clone().slice([0..outputs, from..to]);
        dense(x, columns, bias, None, Activation::Identity)
    };
    let at_target = product(x.clone(), 0, width, bias);
    let at_source = product(x, width, 2 * width, None);
    let at_edge = extra.map(|extra| product(extra, 2 * width, inputs, None));
    pair_sum(at_target, at_source, at_edge, activation, edges)
}
