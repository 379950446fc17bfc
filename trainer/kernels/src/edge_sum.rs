//! Sums over the edges into each atom: of the edges' own rows, and of neighbours with a filter for each edge, as in
//! SchNet ([arXiv 1706.08566](https://arxiv.org/abs/1706.08566)).

use super::dense::{add_rows, multiply};
use super::real::Real;
use super::rows::{self, elements};
use super::topology::Topology;
use crate::vectorised::vectorised;

/// Returns out_i = Σ_{e into i} x_e. x is \[E, channels\], out \[N, channels\].
///
/// # Panics
/// If x has another length.
pub fn edge_sum<R: Real>(x: &[R], channels: usize, topology: Topology<'_>) -> Vec<R> {
    topology.check();
    assert_eq!(x.len(), topology.edges() * channels, "x has a row for each edge");
    rows::of_atoms(topology.atoms(), channels, |atom, sum| {
        add_rows(&x[elements(&topology.incoming_of(atom), channels)], sum);
    })
}

/// Returns the gradient of [`edge_sum`], dx_e = grad_{target e}. `grad` is the gradient of out, \[N, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn edge_sum_backward<R: Real>(grad: &[R], topology: Topology<'_>) -> Vec<R> {
    topology.check();
    let channels = rows::width("the gradient", grad, topology.atoms());
    rows::of_edges(topology, channels, |atom, _, out| {
        let grad = &grad[atom * channels..(atom + 1) * channels];
        out.chunks_exact_mut(channels.max(1)).for_each(|row| row.copy_from_slice(grad));
    })
}

/// Gradients of [`product_sum`].
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<R> {
    /// \[N, channels\] gradient of the values, if requested.
    pub dvalues: Option<Vec<R>>,
    /// \[E, channels\] gradient of the filters, if requested.
    pub dfilters: Option<Vec<R>>,
}

/// Returns out_i = Σ_{e into i} v_{source e} ∘ f_e. The `values` v and out are \[N, channels\], the `filters` f
/// \[E, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn product_sum<R: Real>(values: &[R], filters: &[R], topology: Topology<'_>) -> Vec<R> {
    let channels = channels(values, filters, &topology);
    rows::of_atoms(topology.atoms(), channels, |atom, sum| {
        let edges = topology.incoming_of(atom);
        add_products(&filters[elements(&edges, channels)], values, &topology.source[edges], sum);
    })
}

/// Returns the gradients of [`product_sum`] that are wanted: those of values and filters. `grad` is the gradient of
/// out, \[N, channels\].
///
/// * dv_j = Σ_{e out of j} grad_{target e} ∘ f_e
/// * df_e = grad_{target e} ∘ v_{source e}
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn product_sum_backward<R: Real>(
    values: &[R],
    filters: &[R],
    grad: &[R],
    wanted: [bool; 2],
    topology: Topology<'_>,
) -> Gradients<R> {
    let channels = channels(values, filters, &topology);
    assert_eq!(grad.len(), values.len(), "the gradient has a row for each atom");
    let row = |atom: usize| atom * channels..(atom + 1) * channels;
    let dvalues = wanted[0].then(|| {
        rows::of_atoms(topology.atoms(), channels, |atom, sum| {
            add_targets(filters, grad, topology.outgoing_of(atom), topology.target, sum);
        })
    });
    let dfilters = wanted[1].then(|| {
        rows::of_edges(topology, channels, |atom, edges, out| {
            let rows = out.chunks_exact_mut(channels.max(1)).zip(&topology.source[edges]);
            rows.for_each(|(out, source)| multiply(&grad[row(atom)], &values[row(*source as usize)], out));
        })
    });
    Gradients { dvalues, dfilters }
}

/// Returns the number of channels of [`product_sum`].
fn channels<R>(values: &[R], filters: &[R], topology: &Topology<'_>) -> usize {
    topology.check();
    let channels = rows::width("values", values, topology.atoms());
    assert_eq!(filters.len(), topology.edges() * channels, "a filter for each edge");
    channels
}

vectorised! {
    /// sum += Σ_edges filter ∘ value of the source.
    fn add_products<'a>(filters: &'a [R], values: &'a [R], sources: &'a [i32], sum: &'a mut [R]) {
        let width = sum.len().max(1);
        for (filters, source) in filters.chunks_exact(width).zip(sources) {
            let values = &values[*source as usize * width..][..width];
            for ((sum, filter), value) in sum.iter_mut().zip(filters).zip(values) {
                *sum = filter.multiply_add::<FUSED>(*value, *sum);
            }
        }
    }
}

vectorised! {
    /// sum += Σ_edges filter ∘ gradient of the target.
    fn add_targets<'a>(
        filters: &'a [R], grad: &'a [R], edges: &'a [i32], targets: &'a [i32], sum: &'a mut [R],
    ) {
        let width = sum.len();
        for edge in edges {
            let filters = &filters[*edge as usize * width..][..width];
            let grad = &grad[targets[*edge as usize] as usize * width..][..width];
            for ((sum, filter), grad) in sum.iter_mut().zip(filters).zip(grad) {
                *sum = filter.multiply_add::<FUSED>(*grad, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Edges, check_gradient, close, dot, double, numbers, same_on_two_threads};
    use proptest::prelude::*;

    /// Adds the row of each edge to row `index[edge]`.
    fn sums(index: &[i32], atoms: usize, rows: &[f64], channels: usize) -> Vec<f64> {
        let mut out = vec![0.0; atoms * channels];
        for (k, value) in rows.iter().enumerate() {
            out[index[k / channels] as usize * channels + k % channels] += value;
        }
        out
    }

    fn check<R: Real>(atoms: usize, most: usize, channels: usize, seed: u64, tolerance: f64) {
        let graph = Edges::random(atoms, most, seed);
        let topology = graph.topology();
        let length = topology.edges() * channels;
        let (values, grad) = (numbers::<R>(atoms * channels, seed), numbers::<R>(atoms * channels, seed + 1));
        let filters = numbers::<R>(length, seed + 2);
        let at = |matrix: &[R], index: &[i32]| -> Vec<f64> {
            let row = |k: usize| index[k / channels] as usize * channels + k % channels;
            (0..length).map(|k| matrix[row(k)].to_f64()).collect()
        };
        let times = |a: &[f64]| -> Vec<f64> { a.iter().zip(&filters).map(|(a, f)| a * f.to_f64()).collect() };
        let (at_source, at_target) = (at(&values, topology.source), at(&grad, topology.target));

        let out = same_on_two_threads(|| edge_sum(&filters, channels, topology));
        close(&double(&out), &sums(topology.target, atoms, &double(&filters), channels), tolerance);
        let dx = same_on_two_threads(|| edge_sum_backward(&grad, topology));
        assert_eq!(double(&dx), at_target);

        let out = same_on_two_threads(|| product_sum(&values, &filters, topology));
        close(&double(&out), &sums(topology.target, atoms, &times(&at_source), channels), tolerance);
        let found =
            same_on_two_threads(|| product_sum_backward(&values, &filters, &grad, [true; 2], topology));
        let dvalues = sums(topology.source, atoms, &times(&at_target), channels);
        close(&double(&found.dvalues.expect("wanted")), &dvalues, tolerance);
        let dfilters: Vec<f64> = at_target.iter().zip(&at_source).map(|(g, v)| g * v).collect();
        close(&double(&found.dfilters.expect("wanted")), &dfilters, tolerance);
    }

    proptest! {
        #[test]
        fn sums_of_any_shape(
            atoms in 0usize..80, most in 0usize..40, channels in 1usize..40, seed in 0u64..1000,
        ) {
            check::<f32>(atoms, most, channels, seed, 2e-6);
            check::<f64>(atoms, most, channels, seed, 1e-14);
        }
    }

    #[test]
    fn gradients_by_differences() {
        let graph = Edges::random(5, 5, 2);
        let topology = graph.topology();
        let channels = 3;
        let (values, grad) = (numbers::<f64>(5 * channels, 1), numbers::<f64>(5 * channels, 2));
        let filters = numbers::<f64>(topology.edges() * channels, 3);
        let found = product_sum_backward(&values, &filters, &grad, [true; 2], topology);
        let loss = |values: &[f64], filters: &[f64]| dot(&grad, &product_sum(values, filters, topology));
        check_gradient(&values, &found.dvalues.expect("wanted"), |values| loss(values, &filters));
        check_gradient(&filters, &found.dfilters.expect("wanted"), |filters| loss(&values, filters));
        check_gradient(&filters, &edge_sum_backward(&grad, topology), |x| {
            dot(&grad, &edge_sum(x, channels, topology))
        });
    }
}
