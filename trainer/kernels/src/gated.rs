//! Sums over the edges into each atom with gates: those of CGCNN ([arXiv
//! 1710.10324](https://arxiv.org/abs/1710.10324)) and of ALIGNN
//! ([doi:10.1038/s41524-021-00650-1](https://doi.org/10.1038/s41524-021-00650-1)).
//!
//! The backward passes compute gates again from their arguments, which takes less time than their way through memory.

use super::dense::multiply;
use super::parallel;
use super::real::Real;
use super::rows::{self, ATOM_BLOCK, elements};
use super::topology::Topology;
use crate::raw::fresh::Fresh;
use crate::vectorised::vectorised;

/// Added to the sum of the gates by [`mean`], as in ALIGNN.
pub const EPSILON: f64 = 1e-6;

/// Returns out_i = Σ_{e into i} σ(g_e) ∘ softplus(c_e), where the first half of the row x_e is g_e and the second c_e. x
/// is \[E, 2 · channels\], out \[N, channels\].
///
/// # Panics
/// If x has another length.
pub fn sum<R: Real>(x: &[R], channels: usize, topology: Topology<'_>) -> Vec<R> {
    topology.check();
    assert_eq!(x.len(), topology.edges() * 2 * channels, "a gate and a core for each edge");
    rows::of_atoms(topology.atoms(), channels, |atom, sum| {
        add_gated(&x[elements(&topology.incoming_of(atom), 2 * channels)], sum);
    })
}

/// Returns the gradient of x in [`sum`]. `grad` is the gradient of out, \[N, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn sum_backward<R: Real>(x: &[R], grad: &[R], topology: Topology<'_>) -> Vec<R> {
    topology.check();
    let channels = rows::width("the gradient", grad, topology.atoms());
    assert_eq!(x.len(), topology.edges() * 2 * channels, "a gate and a core for each edge");
    rows::of_edges(topology, 2 * channels, |atom, edges, out| {
        let grad = &grad[atom * channels..(atom + 1) * channels];
        differentiate_gated(&x[elements(&edges, 2 * channels)], grad, out);
    })
}

/// Gradients of [`mean`].
#[derive(Clone, Debug, PartialEq)]
pub struct MeanGradients<R> {
    /// \[E, channels\] gradient of the gates, if requested.
    pub dgates: Option<Vec<R>>,
    /// \[N, channels\] gradient of the values, if requested.
    pub dvalues: Option<Vec<R>>,
}

/// Returns out_i = Σ_{e into i} σ(g_e) ∘ v_{source e} ∘ inverse_i and inverse_i = 1/(Σ_{e into i} σ(g_e) + 1e-6). The
/// `gates` g are \[E, channels\], the `values` v, out and inverse \[N, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn mean<R: Real>(gates: &[R], values: &[R], topology: Topology<'_>) -> (Vec<R>, Vec<R>) {
    let channels = channels(gates, values, &topology);
    let mut out = Fresh::new(values.len());
    let mut inverse = Fresh::new(values.len());
    let tasks = parallel::ranges(topology.atoms(), ATOM_BLOCK);
    let ends = tasks.clone().map(|task| task.end * channels);
    let items: Vec<_> = tasks.zip(out.blocks(ends.clone())).zip(inverse.blocks(ends)).collect();
    let scratch = || (vec![R::ZERO; channels], vec![R::ZERO; channels]);
    parallel::map(items, scratch, |(sum, weight), ((task, mut out), mut inverse)| {
        for atom in task {
            let edges = topology.incoming_of(atom);
            sum.fill(R::ZERO);
            weight.fill(R::from_f64(EPSILON));
            let gates = &gates[elements(&edges, channels)];
            add_weighted(gates, values, &topology.source[edges], sum, weight);
            divide(sum, weight);
            out.append(sum);
            inverse.append(weight);
        }
    });
    (out.finish(), inverse.finish())
}

/// Returns the gradients of [`mean`] that are wanted: those of gates and values. `out` and `inverse` are its results,
/// and `grad` is the gradient of out, \[N, channels\]. With r = grad ∘ inverse:
///
/// * dg_e = r_target ∘ (v_source − out_target) ∘ σ(g_e) ∘ (1 − σ(g_e))
/// * dv_j = Σ_{e out of j} σ(g_e) ∘ r_{target e}
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn mean_backward<R: Real>(
    gates: &[R],
    values: &[R],
    [out, inverse]: [&[R]; 2],
    grad: &[R],
    wanted: [bool; 2],
    topology: Topology<'_>,
) -> MeanGradients<R> {
    let channels = channels(gates, values, &topology);
    assert_eq!([out.len(), inverse.len(), grad.len()], [values.len(); 3], "a row for each atom");
    let ratio = rows::of_rows(
        topology.atoms(),
        channels,
        || (),
        |(), rows, ratio| {
            let range = elements(&rows, channels);
            multiply(&grad[range.clone()], &inverse[range], ratio);
        },
    );
    let of_atom = |atom: usize| atom * channels..(atom + 1) * channels;
    let dgates = wanted[0].then(|| {
        rows::of_edges(topology, channels, |atom, edges, dgates| {
            let gates = &gates[elements(&edges, channels)];
            let (ratio, out) = (&ratio[of_atom(atom)], &out[of_atom(atom)]);
            differentiate_gates(gates, values, &topology.source[edges], ratio, out, dgates);
        })
    });
    let dvalues = wanted[1].then(|| {
        rows::of_atoms(topology.atoms(), channels, |atom, dvalues| {
            add_gated_targets(gates, &ratio, topology.outgoing_of(atom), topology.target, dvalues);
        })
    });
    MeanGradients { dgates, dvalues }
}

/// Returns the number of channels of [`mean`].
fn channels<R>(gates: &[R], values: &[R], topology: &Topology<'_>) -> usize {
    topology.check();
    let channels = rows::width("values", values, topology.atoms());
    assert_eq!(gates.len(), topology.edges() * channels, "gates for each edge");
    channels
}

vectorised! {
    /// sum += Σ_rows σ(gate) ∘ softplus(core).
    pub(super) fn add_gated<'a>(x: &'a [R], sum: &'a mut [R]) {
        let width = sum.len().max(1);
        for row in x.chunks_exact(2 * width) {
            let (gates, cores) = row.split_at(width);
            for ((sum, gate), core) in sum.iter_mut().zip(gates).zip(cores) {
                let (softplus, _) = core.softplus_and_sigmoid::<FUSED>();
                *sum = gate.sigmoid::<FUSED>().multiply_add::<FUSED>(softplus, *sum);
            }
        }
    }
}

vectorised! {
    /// Writes the gradients of gates and cores, row by row.
    pub(super) fn differentiate_gated<'a>(x: &'a [R], grad: &'a [R], out: &'a mut [R]) {
        let width = grad.len().max(1);
        for (row, out) in x.chunks_exact(2 * width).zip(out.chunks_exact_mut(2 * width)) {
            let ((gates, cores), (dgates, dcores)) = (row.split_at(width), out.split_at_mut(width));
            let outs = dgates.iter_mut().zip(dcores);
            for (((gate, core), grad), (dgate, dcore)) in gates.iter().zip(cores).zip(grad).zip(outs) {
                let (softplus, slope) = core.softplus_and_sigmoid::<FUSED>();
                let sigmoid = gate.sigmoid::<FUSED>();
                let gated = *grad * sigmoid;
                *dgate = gated * softplus * (R::ONE - sigmoid);
                *dcore = gated * slope;
            }
        }
    }
}

vectorised! {
    /// sum += Σ_edges σ(gate) ∘ value of the source, weight += Σ_edges σ(gate).
    fn add_weighted<'a>(
        gates: &'a [R], values: &'a [R], sources: &'a [i32], sum: &'a mut [R], weight: &'a mut [R],
    ) {
        let width = sum.len().max(1);
        for (gates, source) in gates.chunks_exact(width).zip(sources) {
            let values = &values[*source as usize * width..][..width];
            for (((sum, weight), gate), value) in sum.iter_mut().zip(&mut *weight).zip(gates).zip(values) {
                let sigmoid = gate.sigmoid::<FUSED>();
                *weight += sigmoid;
                *sum = sigmoid.multiply_add::<FUSED>(*value, *sum);
            }
        }
    }
}

vectorised! {
    /// weight = 1/weight, sum = sum ∘ weight.
    fn divide<'a>(sum: &'a mut [R], weight: &'a mut [R]) {
        for (sum, weight) in sum.iter_mut().zip(weight) {
            *weight = R::ONE / *weight;
            *sum = *sum * *weight;
        }
    }
}

vectorised! {
    /// Writes the gradients of the gates of edges with one target, whose ratio and mean are given.
    fn differentiate_gates<'a>(
        gates: &'a [R], values: &'a [R], sources: &'a [i32], ratio: &'a [R], mean: &'a [R], out: &'a mut [R],
    ) {
        let width = ratio.len().max(1);
        for ((gates, source), out) in gates.chunks_exact(width).zip(sources).zip(out.chunks_exact_mut(width)) {
            let values = &values[*source as usize * width..][..width];
            let columns = ratio.iter().zip(mean);
            for (((out, gate), value), (ratio, mean)) in out.iter_mut().zip(gates).zip(values).zip(columns) {
                let sigmoid = gate.sigmoid::<FUSED>();
                *out = *ratio * (*value - *mean) * (sigmoid * (R::ONE - sigmoid));
            }
        }
    }
}

vectorised! {
    /// sum += Σ_edges σ(gate) ∘ ratio of the target.
    fn add_gated_targets<'a>(
        gates: &'a [R], ratio: &'a [R], edges: &'a [i32], targets: &'a [i32], sum: &'a mut [R],
    ) {
        let width = sum.len();
        for edge in edges {
            let gates = &gates[*edge as usize * width..][..width];
            let ratio = &ratio[targets[*edge as usize] as usize * width..][..width];
            for ((sum, gate), ratio) in sum.iter_mut().zip(gates).zip(ratio) {
                *sum = gate.sigmoid::<FUSED>().multiply_add::<FUSED>(*ratio, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests;
