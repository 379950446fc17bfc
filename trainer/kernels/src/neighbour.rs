//! Sums over neighbours and over the two atoms of an edge. They serve the edge embedding (specification,
//! section 4.2), the GIN layer ([arXiv 1810.00826](https://arxiv.org/abs/1810.00826)) and the pairwise decoders
//! (specification, section 5), whose linear layers are split into a part per atom.

use super::dense::{Activation, activate, multiply, optional_blocks};
use super::parallel;
use super::real::Real;
use super::rows::{self, ATOM_BLOCK};
use super::topology::Topology;
use crate::raw::fresh::Fresh;
use crate::vectorised::vectorised;

/// Edges per block. With 128 channels they stay in the first-level cache.
const EDGE_BLOCK: usize = 16;
/// Edges per task, a multiple of [`EDGE_BLOCK`].
const TASK_EDGES: usize = 16 * EDGE_BLOCK;

/// Gradients of [`pair_sum`].
#[derive(Clone, Debug, PartialEq)]
pub struct PairGradients<R> {
    /// \[N, channels\] gradient of a, the summand of the targets.
    pub da: Vec<R>,
    /// \[N, channels\] gradient of b, the summand of the sources.
    pub db: Vec<R>,
    /// \[E, channels\] gradient of the edges' own summand, if requested.
    pub dextra: Option<Vec<R>>,
}

/// Returns y_e = activation(a_{target e} + b_{source e} + extra_e) and, if requested, its slope (see
/// [`super::dense::forward`]). a and b are \[N, channels\], extra and y \[E, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn pair_sum<R: Real>(
    a: &[R],
    b: &[R],
    extra: Option<&[R]>,
    activation: Activation,
    topology: Topology<'_>,
    want_slope: bool,
) -> (Vec<R>, Option<Vec<R>>) {
    topology.check();
    let (edges, channels) = (topology.edges(), rows::width("a", a, topology.atoms()));
    assert_eq!(a.len(), b.len(), "a and b have one shape");
    assert!(extra.is_none_or(|extra| extra.len() == edges * channels), "extra has a row for each edge");
    let want_slope = want_slope && activation != Activation::Identity;

    let mut y = Fresh::new(edges * channels);
    let mut slope = want_slope.then(|| Fresh::new(edges * channels));
    let tasks = parallel::ranges(edges, TASK_EDGES);
    let ends = tasks.clone().map(|task| task.end * channels);
    let y_blocks = y.blocks(ends.clone());
    let slope_blocks = optional_blocks(slope.as_mut().map(|slope| slope.blocks(ends)), tasks.len());
    let items: Vec<_> = tasks.zip(y_blocks).zip(slope_blocks).collect();
    let scratch = || (vec![R::ZERO; EDGE_BLOCK * channels], vec![R::ZERO; EDGE_BLOCK * channels]);
    parallel::map(items, scratch, |(strip, slope_strip), ((task, mut y), mut slope)| {
        for block in parallel::ranges(task.len(), EDGE_BLOCK) {
            let block = task.start + block.start..task.start + block.end;
            let strip = &mut strip[..block.len() * channels];
            let slope_strip = &mut slope_strip[..block.len() * channels];
            add_pairs(
                a,
                b,
                &topology.target[block.clone()],
                &topology.source[block.clone()],
                strip,
                channels,
            );
            if let Some(extra) = extra {
                parallel::add(strip, &extra[block.start * channels..block.end * channels]);
            }
            activate(activation, strip, slope.as_ref().map(|_| &mut *slope_strip));
            y.append(strip);
            if let Some(slope) = slope.as_mut() {
                slope.append(slope_strip);
            }
        }
    });
    (y.finish(), slope.map(Fresh::finish))
}

/// Returns the gradients of [`pair_sum`]. `grad` is the gradient of y, \[E, channels\]. With dz = grad ∘ slope:
///
/// * da_i = Σ_{e into i} dz_e
/// * db_j = Σ_{e out of j} dz_e
/// * dextra = dz
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn pair_sum_backward<R: Real>(
    channels: usize,
    grad: &[R],
    slope: Option<&[R]>,
    topology: Topology<'_>,
    want_dextra: bool,
) -> PairGradients<R> {
    topology.check();
    let (atoms, edges) = (topology.atoms(), topology.edges());
    assert_eq!(grad.len(), edges * channels, "the gradient has a row for each edge");
    assert!(slope.is_none_or(|slope| slope.len() == grad.len()), "the slope's shape");

    let mut da = Fresh::new(atoms * channels);
    let mut dz = slope.map(|_| Fresh::new(edges * channels));
    let tasks = parallel::ranges(atoms, ATOM_BLOCK);
    let da_blocks = da.blocks(tasks.clone().map(|task| task.end * channels));
    let dz_ends = tasks.clone().map(|task| topology.incoming[task.end] as usize * channels);
    let dz_blocks = optional_blocks(dz.as_mut().map(|dz| dz.blocks(dz_ends)), tasks.len());
    let items: Vec<_> = tasks.zip(da_blocks).zip(dz_blocks).collect();
    let scratch = || (vec![R::ZERO; channels], Vec::new());
    parallel::map(items, scratch, |(sum, strip), ((task, mut da), mut dz)| {
        for atom in task {
            let elements = rows::elements(&topology.incoming_of(atom), channels);
            let mut rows = &grad[elements.clone()];
            if let (Some(slope), Some(dz)) = (slope, dz.as_mut()) {
                strip.resize(rows.len(), R::ZERO);
                multiply(rows, &slope[elements], strip);
                dz.append(strip);
                rows = strip;
            }
            sum.fill(R::ZERO);
            super::dense::add_rows(rows, sum);
            da.append(sum);
        }
    });
    let dz = dz.map(Fresh::finish);
    let db = sum_rows(dz.as_deref().unwrap_or(grad), topology.outgoing, topology.outgoing_edges, channels);
    let dextra = want_dextra.then(|| dz.unwrap_or_else(|| grad.to_vec()));
    PairGradients { da: da.finish(), db, dextra }
}

/// Returns out_i = Σ_{e into i} x_{source e}. x and out are \[N, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn neighbour_sum<R: Real>(x: &[R], topology: Topology<'_>) -> Vec<R> {
    topology.check();
    let channels = rows::width("x", x, topology.atoms());
    sum_rows(x, topology.incoming, topology.source, channels)
}

/// Returns the gradient of [`neighbour_sum`], dx_j = Σ_{e out of j} grad_{target e}. `grad` is the gradient of out.
/// All are \[N, channels\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn neighbour_sum_backward<R: Real>(grad: &[R], topology: Topology<'_>) -> Vec<R> {
    topology.check();
    let channels = rows::width("the gradient", grad, topology.atoms());
    let target_of = |edge: &i32| topology.target[*edge as usize];
    let targets: Vec<i32> = topology.outgoing_edges.iter().map(target_of).collect();
    sum_rows(grad, topology.outgoing, &targets, channels)
}

/// Returns out_k, the sum in order of the rows `indices[offsets[k]..offsets[k + 1]]` of `matrix`.
fn sum_rows<R: Real>(matrix: &[R], offsets: &[i32], indices: &[i32], channels: usize) -> Vec<R> {
    rows::of_atoms(offsets.len() - 1, channels, |k, sum| {
        add_indexed(matrix, &indices[offsets[k] as usize..offsets[k + 1] as usize], sum);
    })
}

vectorised! {
    /// Adds the rows `indices` of `matrix` to `sum`.
    fn add_indexed<'a>(matrix: &'a [R], indices: &'a [i32], sum: &'a mut [R]) {
        let width = sum.len();
        for index in indices {
            let start = *index as usize * width;
            for (sum, value) in sum.iter_mut().zip(&matrix[start..start + width]) {
                *sum += *value;
            }
        }
    }
}

vectorised! {
    /// out_e = a_{target e} + b_{source e}.
    fn add_pairs<'a>(a: &'a [R], b: &'a [R], target: &'a [i32], source: &'a [i32], out: &'a mut [R], width: usize) {
        for ((out, target), source) in out.chunks_exact_mut(width.max(1)).zip(target).zip(source) {
            let (i, j) = (*target as usize * width, *source as usize * width);
            for ((out, a), b) in out.iter_mut().zip(&a[i..i + width]).zip(&b[j..j + width]) {
                *out = *a + *b;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Edges, check_gradient, close, dot, double, numbers, same_on_two_threads};
    use proptest::prelude::*;

    /// Adds row `edge` of the result of `of_edge` to row `index[edge]`.
    fn sum_at(
        index: &[i32],
        atoms: usize,
        channels: usize,
        of_edge: impl Fn(usize, usize) -> f64,
    ) -> Vec<f64> {
        let mut out = vec![0.0; atoms * channels];
        for (edge, index) in index.iter().enumerate() {
            (0..channels).for_each(|c| out[*index as usize * channels + c] += of_edge(edge, c));
        }
        out
    }

    fn check<R: Real>(
        atoms: usize,
        most: usize,
        channels: usize,
        with: [bool; 3],
        seed: u64,
        tolerance: f64,
    ) {
        let graph = Edges::random(atoms, most, seed);
        let topology = graph.topology();
        let edges = topology.edges();
        let [with_extra, relu, want_slope] = with;
        let activation = if relu { Activation::Relu } else { Activation::Identity };
        let (a, b) = (numbers::<R>(atoms * channels, seed), numbers::<R>(atoms * channels, seed + 1));
        let extra = with_extra.then(|| numbers::<R>(edges * channels, seed + 2));
        let (y, slope) =
            same_on_two_threads(|| pair_sum(&a, &b, extra.as_deref(), activation, topology, want_slope));
        let sums: Vec<f64> = (0..edges * channels)
            .map(|k| {
                let row = |index: &[i32]| index[k / channels] as usize * channels + k % channels;
                a[row(topology.target)].to_f64()
                    + b[row(topology.source)].to_f64()
                    + extra.as_ref().map_or(0.0, |extra| extra[k].to_f64())
            })
            .collect();
        close(
            &double(&y),
            &sums.iter().map(|z| if relu { z.max(0.0) } else { *z }).collect::<Vec<_>>(),
            tolerance,
        );
        assert_eq!(slope.is_some(), relu && want_slope);

        let grad = numbers::<R>(edges * channels, seed + 3);
        let gradients = same_on_two_threads(|| {
            pair_sum_backward(channels, &grad, slope.as_deref(), topology, with_extra)
        });
        let dz: Vec<f64> = (0..grad.len())
            .map(|k| grad[k].to_f64() * slope.as_ref().map_or(1.0, |slope| slope[k].to_f64()))
            .collect();
        let at = |index| sum_at(index, atoms, channels, |edge, c| dz[edge * channels + c]);
        close(&double(&gradients.da), &at(topology.target), tolerance);
        close(&double(&gradients.db), &at(topology.source), tolerance);
        assert_eq!(gradients.dextra.is_some(), with_extra);
        gradients.dextra.iter().for_each(|dextra| close(&double(dextra), &dz, tolerance));

        let out = same_on_two_threads(|| neighbour_sum(&a, topology));
        let source = |edge: usize, c: usize| a[topology.source[edge] as usize * channels + c].to_f64();
        close(&double(&out), &sum_at(topology.target, atoms, channels, source), tolerance);
        let dx = same_on_two_threads(|| neighbour_sum_backward(&b, topology));
        let target = |edge: usize, c: usize| b[topology.target[edge] as usize * channels + c].to_f64();
        close(&double(&dx), &sum_at(topology.source, atoms, channels, target), tolerance);
    }

    proptest! {
        #[test]
        fn sums_of_any_shape(
            atoms in 0usize..80, most in 0usize..20, channels in 1usize..40, with: [bool; 3], seed in 0u64..1000,
        ) {
            check::<f32>(atoms, most, channels, with, seed, 1e-5);
            check::<f64>(atoms, most, channels, with, seed, 1e-13);
        }
    }

    #[test]
    fn gradients_by_differences() {
        let graph = Edges::random(5, 5, 2);
        let topology = graph.topology();
        let channels = 3;
        let (a, b) = (numbers::<f64>(5 * channels, 1), numbers::<f64>(5 * channels, 2));
        let extra = numbers::<f64>(topology.edges() * channels, 3);
        let grad = numbers::<f64>(topology.edges() * channels, 4);
        let loss = |a: &[f64], b: &[f64], extra: &[f64]| {
            dot(&grad, &pair_sum(a, b, Some(extra), Activation::Silu, topology, false).0)
        };
        let (_, slope) = pair_sum(&a, &b, Some(&extra), Activation::Silu, topology, true);
        let gradients = pair_sum_backward(channels, &grad, slope.as_deref(), topology, true);
        check_gradient(&a, &gradients.da, |a| loss(a, &b, &extra));
        check_gradient(&b, &gradients.db, |b| loss(&a, b, &extra));
        check_gradient(&extra, &gradients.dextra.expect("asked for"), |extra| loss(&a, &b, extra));
        let grad = numbers::<f64>(5 * channels, 5);
        check_gradient(&a, &neighbour_sum_backward(&grad, topology), |x| {
            dot(&grad, &neighbour_sum(x, topology))
        });
    }

    #[test]
    fn atoms_without_edges_have_gradients() {
        let gradients = pair_sum_backward::<f32>(
            2,
            &[],
            None,
            Topology { target: &[], source: &[], incoming: &[0; 4], outgoing: &[0; 4], outgoing_edges: &[] },
            true,
        );
        assert_eq!(
            (gradients.da, gradients.db, gradients.dextra),
            (vec![0.0; 6], vec![0.0; 6], Some(vec![]))
        );
    }
}
