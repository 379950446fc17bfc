//! Helpers of the kernels' tests: random numbers, comparisons, finite differences and small topologies.

use super::real::Real;
use super::topology::Topology;

/// Returns `count` reproducible numbers between −1 and 1.
pub(super) fn numbers<R: Real>(count: usize, seed: u64) -> Vec<R> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| R::from_f64(next())).collect()
}

/// Converts numbers to double precision.
pub(super) fn double<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

/// Panics unless the numbers differ by at most `tolerance` times the largest expected magnitude (at least 1).
pub(super) fn close(values: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(values.len(), expected.len(), "lengths");
    let scale = expected.iter().fold(1.0f64, |scale, x| scale.max(x.abs()));
    for (k, (value, expected)) in values.iter().zip(expected).enumerate() {
        assert!((value - expected).abs() <= tolerance * scale, "element {k}: {value} and not {expected}");
    }
}

/// Panics unless `gradient` is the derivative of `function` at `at`, by central differences.
pub(super) fn check_gradient(at: &[f64], gradient: &[f64], function: impl Fn(&[f64]) -> f64) {
    let step = 1e-5;
    let mut moved = at.to_vec();
    let differences: Vec<f64> = (0..at.len())
        .map(|k| {
            moved[k] = at[k] + step;
            let above = function(&moved);
            moved[k] = at[k] - step;
            let below = function(&moved);
            moved[k] = at[k];
            (above - below) / (2.0 * step)
        })
        .collect();
    close(gradient, &differences, 1e-7);
}

/// Returns Σ a ∘ b.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns the result of `function`. Panics unless one and two threads give the same bytes.
pub(super) fn same_on_two_threads<T: PartialEq + std::fmt::Debug + Send>(
    function: impl Fn() -> T + Sync,
) -> T {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(&function)
    };
    let one = run(1);
    assert_eq!(one, run(2), "one and two threads");
    one
}

/// The arrays of a [`Topology`].
pub(super) struct Edges {
    target: Vec<i32>,
    source: Vec<i32>,
    incoming: Vec<i32>,
    outgoing: Vec<i32>,
    outgoing_edges: Vec<i32>,
}

impl Edges {
    /// Returns edges of atoms with 0 to `most` incoming edges each, from any atom, with parallel edges.
    pub(super) fn random(atoms: usize, most: usize, seed: u64) -> Self {
        let pick =
            |value: f64, count: usize| (((value + 1.0) / 2.0 * count as f64) as usize).min(count - 1) as i32;
        let degrees = numbers::<f64>(atoms, seed);
        let (mut target, mut incoming) = (Vec::new(), vec![0]);
        for (atom, degree) in degrees.iter().enumerate() {
            target.extend((0..pick(*degree, most + 1)).map(|_| atom as i32));
            incoming.push(target.len() as i32);
        }
        let source: Vec<i32> =
            numbers::<f64>(target.len(), seed + 1).iter().map(|value| pick(*value, atoms)).collect();
        let mut outgoing_edges: Vec<i32> = (0..target.len() as i32).collect();
        outgoing_edges.sort_by_key(|edge| source[*edge as usize]);
        let before = |atom: usize| source.iter().filter(|source| (**source as usize) < atom).count() as i32;
        let outgoing = (0..=atoms).map(before).collect();
        Edges { target, source, incoming, outgoing, outgoing_edges }
    }

    /// Copies a topology.
    pub(super) fn of(topology: Topology<'_>) -> Self {
        Edges {
            target: topology.target.to_vec(),
            source: topology.source.to_vec(),
            incoming: topology.incoming.to_vec(),
            outgoing: topology.outgoing.to_vec(),
            outgoing_edges: topology.outgoing_edges.to_vec(),
        }
    }

    /// Returns the topology.
    pub(super) fn topology(&self) -> Topology<'_> {
        Topology {
            target: &self.target,
            source: &self.source,
            incoming: &self.incoming,
            outgoing: &self.outgoing,
            outgoing_edges: &self.outgoing_edges,
        }
    }
}
