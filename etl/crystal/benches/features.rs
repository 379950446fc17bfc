//! Time of the features (Niggli cell, neighbours, labels) of single crystals on one core.
//!
//! `reduce/...` is the Niggli reduction alone, `featurise/...` everything of sections 2.1 to 2.4 of the
//! specification. Cells are generated, so that the figures need no data: textbook structures, random cells of
//! growing size, and one large cell to show that the time is linear in the atoms.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use crystal::feature::{FeatureOptions, Featuriser};
use crystal::niggli::niggli_reduce;
use crystal::structure::Structure;

/// Volume per atom of the random cells, about that of an oxide or alloy, in Å³.
const VOLUME_PER_ATOM: f64 = 18.0;

/// Numbers in 0..1 that are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Atoms near the points of a regular grid in a slightly skewed cell: distances as in a crystal,
/// but no two the same.
fn random_cell(atoms: usize, numbers: &mut Numbers) -> Structure {
    let side = (1..).find(|side| side * side * side >= atoms).unwrap_or(1);
    let edge = (VOLUME_PER_ATOM * atoms as f64).cbrt();
    let skew = |numbers: &mut Numbers| 0.2 * edge * (numbers.next() - 0.5);
    let lattice = [[edge, 0.0, 0.0], [skew(numbers), edge, 0.0], [skew(numbers), skew(numbers), edge]];
    let fractional = (0..atoms)
        .map(|index| {
            [index % side, index / side % side, index / (side * side)]
                .map(|place| (place as f64 + 0.3 * numbers.next()) / side as f64)
        })
        .collect();
    Structure { lattice, fractional, atomic_numbers: vec![14; atoms] }
}

/// Face-centred cubic, primitive cell.
fn face_centred() -> Structure {
    let half = 2.0;
    let lattice = [[0.0, half, half], [half, 0.0, half], [half, half, 0.0]];
    Structure { lattice, fractional: vec![[0.0; 3]], atomic_numbers: vec![29] }
}

/// Perovskite, cubic cell of five atoms.
fn perovskite() -> Structure {
    let a = 3.9;
    let lattice = [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]];
    let fractional = vec![[0.0; 3], [0.5; 3], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]];
    Structure { lattice, fractional, atomic_numbers: vec![38, 22, 8, 8, 8] }
}

fn reduce(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reduce");
    let cell = random_cell(10, &mut Numbers(1)).lattice;
    group.bench_function("reduced", |bench| bench.iter(|| niggli_reduce(black_box(&cell), 1e-5)));
    // c + 3 a - 2 b instead of c, then b + 4 c.
    let [a, b, c] = cell;
    let c = [0, 1, 2].map(|axis| c[axis] + 3.0 * a[axis] - 2.0 * b[axis]);
    let b = [0, 1, 2].map(|axis| b[axis] + 4.0 * c[axis]);
    let skewed = [a, b, c];
    group.bench_function("skewed", |bench| bench.iter(|| niggli_reduce(black_box(&skewed), 1e-5)));
    group.finish();
}

fn featurise(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("featurise");
    let mut featuriser = Featuriser::new(&FeatureOptions::default());
    let mut numbers = Numbers(2);
    let mut cases = vec![("fcc".to_owned(), face_centred()), ("perovskite".to_owned(), perovskite())];
    for atoms in [4, 10, 20, 50, 100, 200, 1_000] {
        cases.push((format!("random/{atoms}"), random_cell(atoms, &mut numbers)));
    }
    for (name, structure) in &cases {
        group.throughput(Throughput::Elements(structure.fractional.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| featuriser.featurise(black_box(structure)).map(|features| features.edges.len()));
        });
    }
    let large = random_cell(100_000, &mut numbers);
    group.sample_size(10);
    group.throughput(Throughput::Elements(large.fractional.len() as u64));
    group.bench_function("random/100000", |bench| {
        bench.iter_batched(
            || (),
            |()| featuriser.featurise(black_box(&large)).map(|features| features.edges.len()),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, reduce, featurise);
criterion_main!(benches);
