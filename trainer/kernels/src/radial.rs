//! Messages weighted by a linear filter of the radial basis (specification, section 4.2): `lin_rbf2(lin_rbf1 rbf)` of
//! an interaction, `lin_rbf rbf` of an output block. The filters `weight · radial_e` are computed per block of edges
//! and are never stored for all edges.

use super::matrix::{Packed, padded, rows};
use super::parallel;
use super::real::Real;
use super::rows::ATOM_BLOCK;
use super::topology::Topology;
use crate::raw::fresh::Fresh;
use crate::raw::product::{Left, product};
use crate::vectorised::vectorised;

/// Edges per block. With 128 channels their filters stay in the first-level cache.
const EDGE_BLOCK: usize = 48;
/// Edges per task, a multiple of [`EDGE_BLOCK`].
const TASK_EDGES: usize = 12 * EDGE_BLOCK;

/// A linear filter of the radial basis. The weight of edge e and channel c is Σ_n weight\[c, n\]·radial\[e, n\].
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a, R> {
    /// \[E, functions\] radial basis.
    pub radial: &'a [R],
    /// \[channels, functions\] weight of the filter.
    pub weight: &'a [R],
    /// Number of radial functions.
    pub functions: usize,
    /// Number of channels of the messages.
    pub channels: usize,
}

/// Gradients of filtered messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<R> {
    /// \[E, channels\] gradient of the messages.
    pub dx: Vec<R>,
    /// \[E, functions\] gradient of the radial basis.
    pub dradial: Vec<R>,
    /// \[channels, functions\] gradient of the filter's weight.
    pub dweight: Vec<R>,
}

impl<R: Real> Filter<'_, R> {
    /// Returns the number of edges from the lengths.
    fn edges(&self, x: &[R]) -> usize {
        let edges = x.len() / self.channels.max(1);
        assert_eq!(x.len(), edges * self.channels, "messages of {} channels", self.channels);
        assert_eq!(self.radial.len(), edges * self.functions, "radial functions of {edges} edges");
        assert_eq!(self.weight.len(), self.channels * self.functions, "weights of the filter");
        edges
    }

    /// Returns the weight as a right factor.
    fn packed(&self) -> Packed<R> {
        Packed::of_transpose(self.weight, self.functions, self.channels)
    }

    /// Writes the filters of `edges`, out \[edges, padded channels\].
    fn of_edges(&self, packed: &Packed<R>, edges: &std::ops::Range<usize>, out: &mut [R]) {
        let values = &self.radial[edges.start * self.functions..edges.end * self.functions];
        let left = Left { values, rows: edges.len(), row_stride: self.functions, depth_stride: 1 };
        product(left, packed.right(), out, false);
    }
}

/// Returns y_e = x_e ∘ (weight · radial_e). x and y are \[E, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn gate<R: Real>(filter: Filter<'_, R>, x: &[R]) -> Vec<R> {
    let edges = filter.edges(x);
    let (channels, stride) = (filter.channels, padded(filter.channels));
    let packed = filter.packed();
    let mut y = Fresh::new(x.len());
    let tasks = parallel::ranges(edges, TASK_EDGES);
    let items: Vec<_> = tasks.clone().zip(y.blocks(tasks.map(|task| task.end * channels))).collect();
    let scratch = || (vec![R::ZERO; EDGE_BLOCK * stride], vec![R::ZERO; EDGE_BLOCK * channels]);
    parallel::map(items, scratch, |(filters, strip), (task, mut y)| {
        for block in parallel::ranges(task.len(), EDGE_BLOCK) {
            let block = task.start + block.start..task.start + block.end;
            filter.of_edges(&packed, &block, filters);
            let strip = &mut strip[..block.len() * channels];
            multiply_rows(&x[block.start * channels..block.end * channels], filters, strip, channels);
            y.append(strip);
        }
    });
    y.finish()
}

/// Returns the gradients of [`gate`]. `grad` is the gradient g of y, \[E, channels\]. With f = weight · radial and h
/// = g ∘ x:
///
/// * dx = g ∘ f
/// * dradial = h · weight
/// * dweight = hᵀ · radial
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn gate_backward<R: Real>(filter: Filter<'_, R>, x: &[R], grad: &[R]) -> Gradients<R> {
    assert_eq!(grad.len(), x.len(), "the gradient's shape");
    backward(filter, x, grad, None)
}

/// Returns out_i = Σ_{e into i} x_e ∘ (weight · radial_e). x is \[E, channels\], out \[N, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn gated_sum<R: Real>(filter: Filter<'_, R>, x: &[R], topology: Topology<'_>) -> Vec<R> {
    topology.check();
    assert_eq!(filter.edges(x), topology.edges(), "messages of the topology's edges");
    let (channels, stride) = (filter.channels, padded(filter.channels));
    let packed = filter.packed();
    let mut out = Fresh::new(topology.atoms() * channels);
    let tasks = parallel::ranges(topology.atoms(), ATOM_BLOCK);
    let items: Vec<_> = tasks.clone().zip(out.blocks(tasks.map(|task| task.end * channels))).collect();
    let scratch = || (vec![R::ZERO; EDGE_BLOCK * stride], vec![R::ZERO; ATOM_BLOCK * channels]);
    parallel::map(items, scratch, |(filters, sums), (task, mut out)| {
        let sums = &mut sums[..task.len() * channels];
        sums.fill(R::ZERO);
        let edges = topology.incoming_of_range(&task);
        for block in parallel::ranges(edges.len(), EDGE_BLOCK) {
            let block = edges.start + block.start..edges.start + block.end;
            filter.of_edges(&packed, &block, filters);
            let x = &x[block.start * channels..block.end * channels];
            add_to_targets(x, filters, &topology.target[block], task.start, sums, channels);
        }
        out.append(sums);
    });
    out.finish()
}

/// Returns the gradients of [`gated_sum`]. `grad` is the gradient of out, \[N, channels\]. The formulas are those of
/// [`gate_backward`] with g_e = grad_{target e}.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn gated_sum_backward<R: Real>(
    filter: Filter<'_, R>,
    x: &[R],
    grad: &[R],
    topology: Topology<'_>,
) -> Gradients<R> {
    topology.check();
    assert_eq!(filter.edges(x), topology.edges(), "messages of the topology's edges");
    assert_eq!(grad.len(), topology.atoms() * filter.channels, "the gradient's shape");
    backward(filter, x, grad, Some(topology.target))
}

/// Computes both backward passes. The gradient of edge e is row `target[e]` of `grad`, or row e without `target`.
fn backward<R: Real>(filter: Filter<'_, R>, x: &[R], grad: &[R], target: Option<&[i32]>) -> Gradients<R> {
    let edges = filter.edges(x);
    let Filter { functions, channels, .. } = filter;
    let (stride, function_stride) = (padded(channels), padded(functions));
    let packed = filter.packed();
    let weight = Packed::of_rows(filter.weight, channels, functions);
    let mut dx = Fresh::new(x.len());
    let mut dradial = Fresh::new(filter.radial.len());
    let tasks = parallel::ranges(edges, TASK_EDGES);
    let dx_blocks = dx.blocks(tasks.clone().map(|task| task.end * channels));
    let dradial_blocks = dradial.blocks(tasks.clone().map(|task| task.end * functions));
    let items: Vec<_> = tasks.zip(dx_blocks).zip(dradial_blocks).collect();
    let scratch = || {
        let filters = vec![R::ZERO; EDGE_BLOCK * stride];
        (
            filters.clone(),
            filters,
            vec![R::ZERO; EDGE_BLOCK * channels],
            vec![R::ZERO; EDGE_BLOCK * function_stride],
        )
    };
    let parts = parallel::map(
        items,
        scratch,
        |(filters, weighted, strip, functions_strip), ((task, mut dx), mut dr)| {
            let mut dweight = vec![R::ZERO; functions * stride];
            for block in parallel::ranges(task.len(), EDGE_BLOCK) {
                let block = task.start + block.start..task.start + block.end;
                let count = block.len();
                filter.of_edges(&packed, &block, filters);
                let strip = &mut strip[..count * channels];
                match target {
                    Some(target) => gather(grad, &target[block.clone()], strip, channels),
                    None => strip.copy_from_slice(&grad[block.start * channels..block.end * channels]),
                }
                multiply_and_weight(
                    &x[block.start * channels..block.end * channels],
                    filters,
                    strip,
                    weighted,
                    channels,
                );
                dx.append(strip);
                let left = Left { values: weighted, rows: count, row_stride: stride, depth_stride: 1 };
                product(left, weight.right(), functions_strip, false);
                dr.append_rows(&functions_strip[..count * function_stride], functions, function_stride);
                let radial = &filter.radial[block.start * functions..block.end * functions];
                let left = Left { values: radial, rows: functions, row_stride: 1, depth_stride: functions };
                product(left, rows(weighted, count, stride), &mut dweight, true);
            }
            dweight
        },
    );
    let transposed = parallel::sum(parts, functions * stride);
    let dweight =
        (0..channels * functions).map(|k| transposed[k % functions * stride + k / functions]).collect();
    Gradients { dx: dx.finish(), dradial: dradial.finish(), dweight }
}

/// Copies the rows `indices` of `matrix`.
pub(super) fn gather<R: Real>(matrix: &[R], indices: &[i32], out: &mut [R], width: usize) {
    for (out, index) in out.chunks_exact_mut(width.max(1)).zip(indices) {
        let start = *index as usize * width;
        out.copy_from_slice(&matrix[start..start + width]);
    }
}

vectorised! {
    /// out = x ∘ filters, row by row. The rows of `filters` are padded.
    fn multiply_rows<'a>(x: &'a [R], filters: &'a [R], out: &'a mut [R], width: usize) {
        let rows = x.chunks_exact(width.max(1)).zip(filters.chunks_exact(padded(width).max(1)));
        for (out, (x, filters)) in out.chunks_exact_mut(width.max(1)).zip(rows) {
            for ((out, x), filter) in out.iter_mut().zip(x).zip(filters) {
                *out = *x * *filter;
            }
        }
    }
}

vectorised! {
    /// sums\[target − first\] += x ∘ filters, row by row. The rows of `filters` are padded.
    fn add_to_targets<'a>(x: &'a [R], filters: &'a [R], target: &'a [i32], first: usize, sums: &'a mut [R], width: usize) {
        let rows = x.chunks_exact(width.max(1)).zip(filters.chunks_exact(padded(width).max(1)));
        for (target, (x, filters)) in target.iter().zip(rows) {
            let start = (*target as usize - first) * width;
            for ((sum, x), filter) in sums[start..start + width].iter_mut().zip(x).zip(filters) {
                *sum = x.multiply_add::<FUSED>(*filter, *sum);
            }
        }
    }
}

vectorised! {
    /// weighted = grad ∘ x and grad ← grad ∘ filters, row by row. The rows of `filters` and `weighted` are padded.
    fn multiply_and_weight<'a>(x: &'a [R], filters: &'a [R], grad: &'a mut [R], weighted: &'a mut [R], width: usize) {
        let padded = padded(width).max(1);
        let width = width.max(1);
        let rows = x.chunks_exact(width).zip(filters.chunks_exact(padded));
        let rows = rows.zip(grad.chunks_exact_mut(width)).zip(weighted.chunks_exact_mut(padded));
        for (((x, filters), grad), weighted) in rows {
            for (((x, filter), grad), weighted) in x.iter().zip(filters).zip(grad).zip(weighted) {
                *weighted = *grad * *x;
                *grad = *grad * *filter;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Edges, check_gradient, close, dot, double, numbers, same_on_two_threads};
    use proptest::prelude::*;

    /// Returns radial · weightᵀ in double precision.
    fn filters<R: Real>(filter: Filter<'_, R>, edges: usize) -> Vec<f64> {
        let (radial, weight) = (double(filter.radial), double(filter.weight));
        let Filter { functions, channels, .. } = filter;
        let element = |k: usize| {
            dot(
                &radial[k / channels * functions..][..functions],
                &weight[k % channels * functions..][..functions],
            )
        };
        (0..edges * channels).map(element).collect()
    }

    fn sum_at_targets(messages: &[f64], target: &[i32], atoms: usize, channels: usize) -> Vec<f64> {
        let mut out = vec![0.0; atoms * channels];
        for (k, message) in messages.iter().enumerate() {
            out[target[k / channels] as usize * channels + k % channels] += message;
        }
        out
    }

    fn check_backward<R: Real>(
        filter: Filter<'_, R>,
        x: &[R],
        grad: &[f64],
        gradients: &Gradients<R>,
        tolerance: f64,
    ) {
        let Filter { functions, channels, .. } = filter;
        let filters = filters(filter, x.len() / channels);
        let (x, radial, weight) = (double(x), double(filter.radial), double(filter.weight));
        let dx: Vec<f64> = grad.iter().zip(&filters).map(|(grad, filter)| grad * filter).collect();
        let (mut dradial, mut dweight) = (vec![0.0; radial.len()], vec![0.0; weight.len()]);
        for (k, (grad, x)) in grad.iter().zip(&x).enumerate() {
            let (edge, channel) = (k / channels, k % channels);
            for n in 0..functions {
                dradial[edge * functions + n] += grad * x * weight[channel * functions + n];
                dweight[channel * functions + n] += grad * x * radial[edge * functions + n];
            }
        }
        close(&double(&gradients.dx), &dx, tolerance);
        close(&double(&gradients.dradial), &dradial, tolerance);
        close(&double(&gradients.dweight), &dweight, tolerance);
    }

    fn check<R: Real>(
        atoms: usize,
        most: usize,
        channels: usize,
        functions: usize,
        seed: u64,
        tolerance: f64,
    ) {
        let graph = Edges::random(atoms, most, seed);
        let topology = graph.topology();
        let edges = topology.edges();
        let (radial, weight) =
            (numbers::<R>(edges * functions, seed), numbers::<R>(channels * functions, seed + 1));
        let filter = Filter { radial: &radial, weight: &weight, functions, channels };
        let x = numbers::<R>(edges * channels, seed + 2);
        let expected: Vec<f64> = double(&x).iter().zip(filters(filter, edges)).map(|(x, f)| x * f).collect();

        let y = same_on_two_threads(|| gate(filter, &x));
        close(&double(&y), &expected, tolerance);
        let out = same_on_two_threads(|| gated_sum(filter, &x, topology));
        close(&double(&out), &sum_at_targets(&expected, topology.target, atoms, channels), tolerance);

        let grad = numbers::<R>(edges * channels, seed + 3);
        let gradients = same_on_two_threads(|| gate_backward(filter, &x, &grad));
        check_backward(filter, &x, &double(&grad), &gradients, tolerance);
        let grad = numbers::<R>(atoms * channels, seed + 3);
        let gradients = same_on_two_threads(|| gated_sum_backward(filter, &x, &grad, topology));
        let spread: Vec<f64> = (0..edges * channels)
            .map(|k| grad[topology.target[k / channels] as usize * channels + k % channels].to_f64())
            .collect();
        check_backward(filter, &x, &spread, &gradients, tolerance);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn filters_of_any_shape(
            atoms in 0usize..80, most in 0usize..20, channels in 1usize..40, functions in 1usize..20, seed in 0u64..1000,
        ) {
            check::<f32>(atoms, most, channels, functions, seed, 1e-5);
            check::<f64>(atoms, most, channels, functions, seed, 1e-13);
        }
    }

    #[test]
    fn a_filter_of_the_model() {
        check::<f32>(200, 24, 128, 6, 3, 1e-5);
    }

    #[test]
    fn gradients_by_differences() {
        let graph = Edges::random(4, 4, 8);
        let topology = graph.topology();
        let edges = topology.edges();
        let (functions, channels) = (2, 3);
        let (radial, weight) =
            (numbers::<f64>(edges * functions, 1), numbers::<f64>(channels * functions, 2));
        let (x, grad) = (numbers::<f64>(edges * channels, 3), numbers::<f64>(4 * channels, 4));
        let loss = |x: &[f64], radial: &[f64], weight: &[f64]| {
            dot(&grad, &gated_sum(Filter { radial, weight, functions, channels }, x, topology))
        };
        let filter = Filter { radial: &radial, weight: &weight, functions, channels };
        let gradients = gated_sum_backward(filter, &x, &grad, topology);
        check_gradient(&x, &gradients.dx, |x| loss(x, &radial, &weight));
        check_gradient(&radial, &gradients.dradial, |radial| loss(&x, radial, &weight));
        check_gradient(&weight, &gradients.dweight, |weight| loss(&x, &radial, weight));
    }
}
