//! The steps between a CIF's text and a row group, each by itself, on the embedded sample.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crystal::cif::CifReader;
use crystal::feature::Featuriser;
use crystal::structure::Structure;
use etl::columns::{Columns, RowLabels};
use etl::feature::options;
use etl::filter::Filter;
use etl::shard::{ShardFormat, file_metadata};
use schemas::settings::FeatureSettings;
use schemas::store::shard_schema;

/// Texts of the sample's CIFs.
fn texts() -> Vec<Vec<u8>> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/sample");
    let mut paths: Vec<_> = fs::read_dir(sample)
        .expect("the sample is part of the project")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cif"))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("readable")).collect()
}

/// Structures of the sample.
fn structures(texts: &[Vec<u8>]) -> Vec<Structure> {
    let mut reader = CifReader::new();
    let mut structures = Vec::new();
    for text in texts {
        reader.read(text, &mut |_, found| structures.extend(found.ok().cloned()));
    }
    structures
}

fn parts(criterion: &mut Criterion) {
    let texts = texts();
    let structures = structures(&texts);
    let settings = FeatureSettings::default();
    let schema = shard_schema(&[], &[]);
    let mut group = criterion.benchmark_group("sample");
    group.throughput(Throughput::Elements(structures.len() as u64));

    let mut reader = CifReader::new();
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            for text in &texts {
                reader.read(text, &mut |_, found| {
                    black_box(found.is_ok());
                });
            }
        });
    });

    let mut featuriser = Featuriser::new(&options(&settings));
    group.bench_function("featurise", |bencher| {
        bencher.iter(|| {
            for structure in &structures {
                black_box(featuriser.featurise(structure).is_ok());
            }
        });
    });

    let mut columns = Columns::new(schema.clone(), "sample", &options(&settings));
    for structure in &structures {
        let features = featuriser.featurise(structure).expect("the sample has neighbours");
        columns.push("id", &structure.atomic_numbers, features, RowLabels::default());
    }
    let batch = columns.take().expect("the columns make up the schema");
    let format = ShardFormat::new(schema.clone(), &file_metadata(&settings)).expect("a Parquet schema");
    let batches = [batch.clone()];
    group.bench_function("encode a row group", |bencher| {
        bencher.iter(|| black_box(format.encode(&batches).is_ok()));
    });

    let filter = Filter::new("nsites <= 20 AND elements HAS ANY Li, Na", &schema).expect("a good filter");
    group.bench_function("filter", |bencher| {
        bencher.iter(|| black_box(filter.matches(&batch)));
    });
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
