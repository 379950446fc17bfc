//! Bases of DimeNet++ as tensors (specification, section 3), and their computation on a device.
//!
//! On the host, the threads that build batches compute the bases ([`crate::data::GraphBatch::bases`]). A device with its
//! own memory computes them from the edges' vectors, since they have twenty times the bytes of these.

use std::cell::RefCell;

use burn::prelude::*;
use burn::tensor::{DType, IndexingUpdateOp};

use crate::data::basis::{self, COEFFICIENTS, INTERVALS, SPHERICAL};
use crate::ops::{Edges, Triplets};

/// Radial bases of E edges (specification, section 3). The angular functions are in [`crate::ops::Edges`].
#[derive(Debug, Clone)]
pub struct Bases {
    /// Scaled distance `x = d / cutoff` of every edge, shape `[E, 1]`.
    pub scaled_distances: Tensor<2>,
    /// Envelope `u(x)` of every edge, shape `[E, 1]`.
    pub envelope: Tensor<2>,
    /// Radial part of the spherical basis, shape `[E, 42]`.
    pub spherical: Tensor<2>,
}

/// Vectors and reverses of E edges, from which a device computes the bases.
#[derive(Debug)]
pub(super) struct Geometry {
    /// Displacement of every edge from its centre to its neighbour in Å, shape `[E, 3]`.
    pub(super) vectors: Tensor<2>,
    /// Exact reverse of every edge, negative where there is none, shape `[E]`.
    pub(super) reverse: Tensor<1, Int>,
}

impl Geometry {
    /// Returns the radial bases. Envelopes are computed in double precision: near the cutoff their relative error is many
    /// times that of the distance.
    pub(super) fn bases(&self, cutoff_angstrom: f64) -> Bases {
        let dtype = self.vectors.dtype();
        let x = precise_lengths(&self.vectors) / cutoff_angstrom;
        let envelope = envelope(&x).cast(dtype);
        let spherical = radial_functions(&x, dtype) * envelope.clone();
        Bases { scaled_distances: x.cast(dtype), envelope, spherical }
    }

    /// Returns all pairs of edges k→j→i that meet in an atom j, with their angular functions (specification, section 3),
    /// sorted by edge ji and then by edge kj. A pair of an edge and its exact reverse is no triplet (section 2.5): its
    /// functions are zero, so that it adds nothing to a sum.
    ///
    /// `edges` are those of the batch, and `pairs` is their number of pairs, P.
    pub(super) fn triplets(&self, edges: &Edges, pairs: usize) -> Triplets {
        let Edges { source, incoming, .. } = edges;
        let first = incoming.clone().select(0, source.clone());
        let counts = incoming.clone().select(0, source.clone() + 1) - first.clone();
        let ends = counts.clone().cumsum(0);
        let outgoing_edge = groups(ends.clone(), pairs);
        let begins = ends - counts;
        let place = Tensor::arange(0..pairs as i64, &source.device());
        let incoming_edge = (first - begins).select(0, outgoing_edge.clone()) + place;

        let units = self.vectors.clone().cast(DType::F64) / precise_lengths(&self.vectors);
        let of = |edges: &Tensor<1, Int>| units.clone().select(0, edges.clone());
        let cosine = (of(&incoming_edge) * of(&outgoing_edge)).sum_dim(1).clamp(-1.0, 1.0);
        let reverse = self.reverse.clone().select(0, outgoing_edge.clone());
        let kept = incoming_edge.clone().not_equal(reverse).float().cast(self.vectors.dtype());
        let angular = angular_functions(&cosine, self.vectors.dtype()) * kept.reshape([pairs, 1]);
        Triplets { incoming_edge, outgoing_edge, angular }
    }
}

/// Returns the length of every vector, shape `[rows, 3]` to `[rows]`.
pub(super) fn lengths(vectors: &Tensor<2>) -> Tensor<1> {
    precise_lengths(vectors).cast(vectors.dtype()).squeeze_dim(1)
}

/// Returns the lengths in double precision, shape `[rows, 1]`.
fn precise_lengths(vectors: &Tensor<2>) -> Tensor<2> {
    vectors.clone().cast(DType::F64).powi_scalar(2).sum_dim(1).sqrt()
}

/// Returns the group of every item, shape `[items]`, from the ends of the groups: the items before `ends[0]` are of group
/// 0, the others before `ends[1]` of group 1, and so on.
pub(super) fn groups(ends: Tensor<1, Int>, items: usize) -> Tensor<1, Int> {
    let ended = Tensor::<1, Int>::zeros([items + 1], &ends.device());
    if items == 0 {
        return ended.slice(0..0);
    }
    // The group of an item is the number of groups that have ended before it.
    let ones = ends.ones_like();
    ended.select_assign(0, ends, ones, IndexingUpdateOp::Add).cumsum(0).narrow(0, 0, items)
}

/// Returns the envelope `u(x)`, as [`basis::envelope`] does.
fn envelope(x: &Tensor<2>) -> Tensor<2> {
    let factors = basis::ENVELOPE.iter().rev();
    let factor = factors.fold(x.zeros_like(), |sum, factor| sum * x.clone() + *factor);
    // Zero from x = 1 on.
    let rest = (-x.clone() + 1.0).clamp_min(0.0);
    rest.powi_scalar(3) * factor / x.clone()
}

/// Returns `N_ln j_l(z_ln x)`, the columns of [`basis::spherical`] without the envelope, for `x [E, 1]`; shape `[E, 42]`.
fn radial_functions(x: &Tensor<2>, dtype: DType) -> Tensor<2> {
    let position = x.clone() * INTERVALS as f64;
    let interval = position.clone().floor().clamp(0.0, (INTERVALS - 1) as f64);
    let t = ((position - interval.clone()) * 2.0 - 1.0).cast(dtype);
    let interval: Tensor<1, Int> = interval.int().squeeze_dim(1);
    let table = polynomials(&x.device(), dtype);
    let row = |degree: usize| interval.clone() * COEFFICIENTS as i64 + degree as i64;
    let coefficients = |degree: usize| table.clone().select(0, row(degree));
    let degrees = (0..COEFFICIENTS - 1).rev();
    degrees.fold(coefficients(COEFFICIENTS - 1), |sum, degree| sum * t.clone() + coefficients(degree))
}

/// Returns the coefficients of [`basis::polynomials`] on a device, shape `[INTERVALS · COEFFICIENTS, 42]`. They are moved
/// there once a thread.
fn polynomials(device: &Device, dtype: DType) -> Tensor<2> {
    thread_local! {
        static KNOWN: RefCell<Vec<Tensor<2>>> = const { RefCell::new(Vec::new()) };
    }
    KNOWN.with_borrow_mut(|known| {
        let fits = |table: &&Tensor<2>| table.dtype() == dtype && table.device() == *device;
        if let Some(table) = known.iter().find(fits) {
            return table.clone();
        }
        let values = basis::polynomials().as_flattened().as_flattened().to_vec();
        let values = TensorData::new(values, [INTERVALS * COEFFICIENTS, SPHERICAL]).convert_dtype(dtype);
        let table = Tensor::from_data(values, (device, dtype));
        known.push(Tensor::clone(&table));
        table
    })
}

/// Returns the angular functions `Y_l(c)` of [`basis::AngularBasis`] for `c [P, 1]`; shape `[P, 7]`.
fn angular_functions(c: &Tensor<2>, dtype: DType) -> Tensor<2> {
    let norms = basis::legendre_norms();
    let mut functions = vec![c.ones_like(), c.clone()];
    // (l + 1) P_{l+1} = (2l + 1) c P_l - l P_{l-1}
    for l in 1..norms.len() - 1 {
        let order = l as f64;
        let next = functions[l].clone() * c.clone() * ((2.0 * order + 1.0) / (order + 1.0))
            - functions[l - 1].clone() * (order / (order + 1.0));
        functions.push(next);
    }
    let scaled = functions.into_iter().zip(norms).map(|(function, norm)| (function * *norm).cast(dtype));
    Tensor::cat(scaled.collect(), 1)
}

#[cfg(test)]
mod tests;
