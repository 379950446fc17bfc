//! Messages over triplets k→j→i, as in DimeNet++ (specification, section 4.2; [arXiv
//! 2011.14115](https://arxiv.org/abs/2011.14115)), as one small matrix product per middle atom j.
//!
//! With A\[kj, l, b\] = Σ_n w1\[b, 6l+n\]·S\[kj, 6l+n\] and G\[kj, l, c\] = Σ_b A\[kj, l, b\]·w2\[c, b\],
//!
//! y\[ji, c\] = Σ_kj Σ_l Y_l(cos θ_{kj,ji}) · x\[kj, c\]·G\[kj, l, c\],
//!
//! For all edges ji out of j together this is the product of the angular factors \[edges out, edges in · 7\] with V =
//! x∘G \[edges in · 7, channels\]. No array has both the length of the list of triplets and the width of a message.

use super::matrix::{Packed, padded, rows};
use super::parallel;
use super::radial::gather;
use super::real::Real;
use super::topology::Topology;
use crate::raw::fresh::Fresh;
use crate::raw::product::{Left, product};
use crate::vectorised::vectorised;

/// Number of orders l = 0..6 of the angular basis (specification, section 3).
pub const ORDERS: usize = 7;
/// Number of radial functions n = 0..5 of each order (specification, section 3).
pub const RADIAL: usize = 6;
/// Width of the bottleneck between `lin_sbf1` and `lin_sbf2` (specification, section 4.2).
pub const BASIS: usize = 8;

/// Number of columns of the radial part S of the spherical basis. Column 6l+n is radial function n of order l.
pub const SPHERICAL: usize = ORDERS * RADIAL;
/// Number of values of A per edge.
const FACTORS: usize = ORDERS * BASIS;
/// Atoms per task.
const ATOM_BLOCK: usize = 16;

/// The bases and edges of a batch's triplets. P is the number of pairs (edge into j, edge out of j), including those
/// of an edge and its reverse.
#[derive(Clone, Copy, Debug)]
pub struct Triplets<'a, R> {
    /// \[E, 42\] radial part S of the spherical basis.
    pub spherical: &'a [R],
    /// \[P, 7\] angular factors Y_l, ordered by atom j, then by edge out of j in the order of `outgoing_edges`, then
    /// by edge into j; zeros if one edge is the reverse of the other.
    pub angular: &'a [R],
    /// \[N+1\] index of the first pair of each atom j.
    pub pair_offsets: &'a [i32],
    /// The edges of the batch.
    pub topology: Topology<'a>,
}

/// Weights of the spherical filter's two layers.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, R> {
    /// \[8, 42\] weight of `lin_sbf1`.
    pub w1: &'a [R],
    /// \[channels, 8\] weight of `lin_sbf2`.
    pub w2: &'a [R],
}

/// Gradients of the triplet sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<R> {
    /// \[E, channels\] gradient of the messages.
    pub dx: Vec<R>,
    /// \[8, 42\] gradient of `w1`.
    pub dw1: Vec<R>,
    /// \[channels, 8\] gradient of `w2`.
    pub dw2: Vec<R>,
}

impl<R: Real> Triplets<'_, R> {
    fn check(&self, weights: &Weights<'_, R>, messages: &[R]) -> usize {
        self.topology.check();
        let (atoms, edges) = (self.topology.atoms(), self.topology.edges());
        let channels = weights.w2.len() / BASIS;
        assert_eq!(weights.w1.len(), BASIS * SPHERICAL, "w1 is [8, 42]");
        assert_eq!(weights.w2.len(), channels * BASIS, "w2 is [channels, 8]");
        assert_eq!(messages.len(), edges * channels, "messages of {edges} edges and {channels} channels");
        assert_eq!(self.spherical.len(), edges * SPHERICAL, "the spherical basis is [E, 42]");
        assert_eq!(self.pair_offsets.len(), atoms + 1, "pair offsets of {atoms} atoms");
        let mut pairs = 0;
        for (j, offset) in self.pair_offsets.iter().enumerate() {
            assert_eq!(*offset as usize, pairs, "pairs before atom {j}");
            if j < atoms {
                pairs += self.topology.incoming_of(j).len() * self.topology.outgoing_of(j).len();
            }
        }
        assert_eq!(self.angular.len(), pairs * ORDERS, "angular factors of {pairs} pairs");
        channels
    }

    /// Returns the angular factors of atom j, \[edges out, edges in · 7\].
    fn angular_of(&self, j: usize) -> &[R] {
        &self.angular[self.pair_offsets[j] as usize * ORDERS..self.pair_offsets[j + 1] as usize * ORDERS]
    }
}

/// The weights in the layouts for the products.
struct Factors<R> {
    /// \[42, 8\] transpose of the first weight.
    w1: Vec<R>,
    /// \[8, channels\] transpose of the second weight.
    w2: Packed<R>,
    channels: usize,
}

/// Buffers for the blocks of one atom, reused from atom to atom. Rows are padded.
#[derive(Default)]
struct Scratch<R> {
    /// A, \[edges in, 7, 8\].
    factors: Vec<R>,
    /// G, in the forward pass then V, \[edges in · 7, channels\].
    filters: Vec<R>,
    /// Rows of y or of its gradient, \[edges out, channels\].
    messages: Vec<R>,
    /// dV, then dG, \[edges in · 7, channels\].
    dfilters: Vec<R>,
    /// dA, \[edges in · 7, 8\].
    dfactors: Vec<R>,
    /// dx, \[edges in, channels\].
    dx: Vec<R>,
}

impl<R: Real> Factors<R> {
    fn new(weights: &Weights<'_, R>, channels: usize) -> Self {
        let w1 = (0..BASIS * SPHERICAL).map(|k| weights.w1[k % BASIS * SPHERICAL + k / BASIS]).collect();
        Factors { w1, w2: Packed::of_transpose(weights.w2, BASIS, channels), channels }
    }

    /// Computes A and G of the edges with the radial parts `spherical`.
    fn filters(&self, spherical: &[R], factors: &mut Vec<R>, filters: &mut Vec<R>) {
        let edges = spherical.len() / SPHERICAL;
        factors.resize(edges * FACTORS, R::ZERO);
        filters.resize(edges * ORDERS * padded(self.channels), R::ZERO);
        contract(spherical, &self.w1, factors);
        let left = Left { values: factors, rows: edges * ORDERS, row_stride: BASIS, depth_stride: 1 };
        product(left, self.w2.right(), filters, false);
    }
}

/// Returns the sum y \[E, channels\] over triplets of the messages x \[E, channels\], by the formulas of this module.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn forward<R: Real>(triplets: Triplets<'_, R>, x: &[R], weights: Weights<'_, R>) -> Vec<R> {
    let channels = triplets.check(&weights, x);
    let stride = padded(channels);
    let topology = triplets.topology;
    let factors = Factors::new(&weights, channels);
    let mut y = Fresh::new(x.len());
    let out = y.scatter(channels);
    let tasks = parallel::ranges(topology.atoms(), ATOM_BLOCK).collect();
    parallel::map(tasks, Scratch::default, |scratch: &mut Scratch<R>, task| {
        for j in task {
            let (edges_in, edges_out) = (topology.incoming_of(j), topology.outgoing_of(j));
            if edges_out.is_empty() {
                continue;
            }
            let Scratch { factors: a, filters, messages, .. } = scratch;
            factors.filters(
                &triplets.spherical[edges_in.start * SPHERICAL..edges_in.end * SPHERICAL],
                a,
                filters,
            );
            scale(&x[edges_in.start * channels..edges_in.end * channels], filters, channels);
            messages.resize(edges_out.len() * stride, R::ZERO);
            let depth = edges_in.len() * ORDERS;
            let left = Left {
                values: triplets.angular_of(j),
                rows: edges_out.len(),
                row_stride: depth,
                depth_stride: 1,
            };
            product(left, rows(filters, depth, stride), messages, false);
            for (edge, message) in edges_out.iter().zip(messages.chunks_exact(stride.max(1))) {
                out.write(*edge as usize, &message[..channels]);
            }
        }
    });
    drop(out);
    y.finish()
}

/// Returns the gradients of [`forward`]. `grad` is the gradient g of y, \[E, channels\]. Per middle atom:
///
/// * dV = angularᵀ·g
/// * dx = Σ_l G∘dV
/// * dG = x∘dV
/// * dw2 = Σ dGᵀ·A
/// * dA = dG·w2
/// * dw1\[b, 6l+n\] = Σ_kj dA\[kj, l, b\]·S\[kj, 6l+n\]
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward<R: Real>(
    triplets: Triplets<'_, R>,
    x: &[R],
    weights: Weights<'_, R>,
    grad: &[R],
) -> Gradients<R> {
    let channels = triplets.check(&weights, x);
    assert_eq!(grad.len(), x.len(), "the gradient's shape");
    let stride = padded(channels);
    let topology = triplets.topology;
    let factors = Factors::new(&weights, channels);
    let w2 = Packed::of_rows(weights.w2, channels, BASIS);
    let mut dx = Fresh::new(x.len());
    let tasks = parallel::ranges(topology.atoms(), ATOM_BLOCK);
    let ends = tasks.clone().map(|task| topology.incoming[task.end] as usize * channels);
    let items: Vec<_> = tasks.zip(dx.blocks(ends)).collect();
    let parts = parallel::map(items, Scratch::default, |scratch: &mut Scratch<R>, (task, mut dx_out)| {
        let mut dw1 = vec![R::ZERO; SPHERICAL * BASIS];
        let mut dw2 = vec![R::ZERO; BASIS * stride];
        for j in task {
            let (edges_in, edges_out) = (topology.incoming_of(j), topology.outgoing_of(j));
            let Scratch { factors: a, filters, messages, dfilters, dfactors, dx } = scratch;
            let depth = edges_in.len() * ORDERS;
            let spherical = &triplets.spherical[edges_in.start * SPHERICAL..edges_in.end * SPHERICAL];
            factors.filters(spherical, a, filters);
            messages.resize(edges_out.len() * stride, R::ZERO);
            gather_padded(grad, edges_out, messages, channels);
            dfilters.resize(depth * stride, R::ZERO);
            let left =
                Left { values: triplets.angular_of(j), rows: depth, row_stride: 1, depth_stride: depth };
            product(left, rows(messages, edges_out.len(), stride), dfilters, false);

            dx.resize(edges_in.len() * channels, R::ZERO);
            split(&x[edges_in.start * channels..edges_in.end * channels], filters, dfilters, dx, channels);
            dx_out.append(dx);
            let left = Left { values: a, rows: BASIS, row_stride: 1, depth_stride: BASIS };
            product(left, rows(dfilters, depth, stride), &mut dw2, true);
            dfactors.resize(depth * padded(BASIS), R::ZERO);
            let left = Left { values: dfilters, rows: depth, row_stride: stride, depth_stride: 1 };
            product(left, w2.right(), dfactors, false);
            add_outer(spherical, dfactors, &mut dw1);
        }
        (dw1, dw2)
    });
    let (dw1, dw2): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let dw1 = parallel::sum(dw1, SPHERICAL * BASIS);
    let dw2 = parallel::sum(dw2, BASIS * stride);
    Gradients {
        dx: dx.finish(),
        dw1: (0..BASIS * SPHERICAL).map(|k| dw1[k % SPHERICAL * BASIS + k / SPHERICAL]).collect(),
        dw2: (0..channels * BASIS).map(|k| dw2[k % BASIS * stride + k / BASIS]).collect(),
    }
}

/// Copies the rows `indices` of `matrix` into padded rows.
fn gather_padded<R: Real>(matrix: &[R], indices: &[i32], out: &mut [R], width: usize) {
    if width == padded(width) {
        return gather(matrix, indices, out, width);
    }
    for (out, index) in out.chunks_exact_mut(padded(width)).zip(indices) {
        let start = *index as usize * width;
        out[..width].copy_from_slice(&matrix[start..start + width]);
    }
}

vectorised! {
    /// A\[kj, l, b\] = Σ_n w1\[6l+n, b\]·S\[kj, 6l+n\].
    fn contract<'a>(spherical: &'a [R], w1: &'a [R], factors: &'a mut [R]) {
        let (w1, _) = w1.as_chunks::<BASIS>();
        let (spherical, _) = spherical.as_chunks::<SPHERICAL>();
        let (factors, _) = factors.as_chunks_mut::<FACTORS>();
        for (spherical, factors) in spherical.iter().zip(factors) {
            let orders = spherical.chunks_exact(RADIAL).zip(w1.chunks_exact(RADIAL));
            for ((radial, w1), factors) in orders.zip(factors.as_chunks_mut::<BASIS>().0) {
                let mut sum = [R::ZERO; BASIS];
                for (radial, w1) in radial.iter().zip(w1) {
                    for (sum, w1) in sum.iter_mut().zip(w1) {
                        *sum = radial.multiply_add::<FUSED>(*w1, *sum);
                    }
                }
                *factors = sum;
            }
        }
    }
}

vectorised! {
    /// dw1\[6l+n, b\] += Σ_kj S\[kj, 6l+n\]·dA\[kj, l, b\]. The rows of dA are padded.
    fn add_outer<'a>(spherical: &'a [R], dfactors: &'a [R], dw1: &'a mut [R]) {
        let (dw1, _) = dw1.as_chunks_mut::<BASIS>();
        for (order, dw1) in dw1.chunks_exact_mut(RADIAL).enumerate() {
            // The six rows of an order stay in registers over all edges.
            let mut sums = [[R::ZERO; BASIS]; RADIAL];
            let (spherical, _) = spherical.as_chunks::<SPHERICAL>();
            for (spherical, dfactors) in spherical.iter().zip(dfactors.chunks_exact(ORDERS * padded(BASIS))) {
                let dfactor: [R; BASIS] = *dfactors[order * padded(BASIS)..].first_chunk().expect("a padded row");
                for (n, sums) in sums.iter_mut().enumerate() {
                    let radial = spherical[order * RADIAL + n];
                    for (sum, dfactor) in sums.iter_mut().zip(dfactor) {
                        *sum = radial.multiply_add::<FUSED>(dfactor, *sum);
                    }
                }
            }
            for (dw1, sums) in dw1.iter_mut().zip(&sums) {
                for (dw1, sum) in dw1.iter_mut().zip(sums) {
                    *dw1 += *sum;
                }
            }
        }
    }
}

vectorised! {
    /// G\[kj, l, c\] ← x\[kj, c\]·G\[kj, l, c\]. The rows of G are padded.
    fn scale<'a>(x: &'a [R], filters: &'a mut [R], width: usize) {
        let stride = padded(width).max(1);
        for (x, filters) in x.chunks_exact(width.max(1)).zip(filters.chunks_exact_mut(ORDERS * stride)) {
            for filters in filters.chunks_exact_mut(stride) {
                for (filter, x) in filters.iter_mut().zip(x) {
                    *filter = *filter * *x;
                }
            }
        }
    }
}

vectorised! {
    /// dx\[kj, c\] = Σ_l G\[kj, l, c\]·dV\[kj, l, c\] and dV ← x∘dV. The rows of G and dV are padded.
    fn split<'a>(x: &'a [R], filters: &'a [R], dfilters: &'a mut [R], dx: &'a mut [R], width: usize) {
        let stride = padded(width).max(1);
        let width = width.max(1);
        let edges = x.chunks_exact(width).zip(dx.chunks_exact_mut(width));
        let orders = filters.chunks_exact(ORDERS * stride).zip(dfilters.chunks_exact_mut(ORDERS * stride));
        for ((x, dx), (filters, dfilters)) in edges.zip(orders) {
            dx.fill(R::ZERO);
            for (filters, dfilters) in filters.chunks_exact(stride).zip(dfilters.chunks_exact_mut(stride)) {
                for (((x, dx), filter), dfilter) in x.iter().zip(&mut *dx).zip(filters).zip(dfilters) {
                    *dx = filter.multiply_add::<FUSED>(*dfilter, *dx);
                    *dfilter = *x * *dfilter;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
