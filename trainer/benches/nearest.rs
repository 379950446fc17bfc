//! The search for the nearest of a million points of 128 numbers, by one query and by many at once.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use trainer::nearest::{PairSearch, Points, Query};

/// Numbers of a point: the width of MMPT's embeddings of structures.
const WIDTH: usize = 128;
/// Neighbours of a query.
const K: usize = 10;
/// Queries that are answered together.
const TOGETHER: usize = 64;

/// Points drawn evenly from a cube.
fn points(count: usize) -> Points {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let values = (0..count * WIDTH).map(|_| random.random_range(-1.0..1.0_f32)).collect();
    Points::new(values, WIDTH).expect("finite numbers")
}

fn nearest(criterion: &mut Criterion) {
    let million = points(1_000_000);
    let query = |row: usize| Query { point: million.row(row), except: Some(row) };
    let mut group = criterion.benchmark_group("a million points");
    group.sample_size(20);
    let mut row = 0;
    group.bench_function("one query", |bencher| {
        bencher.iter(|| {
            row = (row + 7919) % million.len();
            black_box(million.nearest(&[query(row)], K))
        });
    });
    group.throughput(Throughput::Elements(TOGETHER as u64));
    group.sample_size(10);
    let queries: Vec<Query<'_>> = (0..TOGETHER).map(|index| query(15_401 * index)).collect();
    group.bench_function("64 queries", |bencher| bencher.iter(|| black_box(million.nearest(&queries, K))));
    group.finish();
}

fn pairs(criterion: &mut Criterion) {
    let points = points(20_000);
    let mut group = criterion.benchmark_group("pairs of 20,000 points");
    group.sample_size(10);
    let search = PairSearch::new(&points, 0.1);
    group.bench_function("within 0.1", |bencher| bencher.iter(|| black_box(search.of_rows(0..points.len()))));
    group.finish();
}

criterion_group!(benches, nearest, pairs);
criterion_main!(benches);
