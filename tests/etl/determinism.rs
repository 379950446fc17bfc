//! The same input and options give the same bytes.

use crate::support::*;

/// Small sizes, so that the sample makes several shards and row groups.
const SIZES: [&str; 4] = ["--shard-rows", "120", "--row-group-rows", "25"];

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    for order in ["source", "shuffle:7", "nsites", "band_gap_ev"] {
        let first = folder();
        build(
            "cif",
            &sample(),
            first.path(),
            &[&SIZES[..], &["--order", order, "--threads", "1"]].concat(),
            0,
        );
        assert!(manifest(first.path()).shards.len() >= 3, "{order}");
        for threads in ["2", "5"] {
            let other = folder();
            build(
                "cif",
                &sample(),
                other.path(),
                &[&SIZES[..], &["--order", order, "--threads", threads]].concat(),
                0,
            );
            assert_same(first.path(), other.path(), &format!("{order} on {threads} threads"));
        }
    }
}

#[test]
fn orders_are_what_they_say() {
    let ids = |order: &str| {
        let out = folder();
        build("cif", &sample(), out.path(), &[&SIZES[..], &["--order", order]].concat(), 0);
        texts(&rows(out.path()), "material_id")
    };
    let source = ids("source");
    let shuffled = ids("shuffle:1");
    assert_ne!(source, shuffled);
    assert_ne!(shuffled, ids("shuffle:2"));
    let mut sorted = shuffled;
    sorted.sort();
    let mut expected = source;
    expected.sort();
    assert_eq!(sorted, expected);
    assert_eq!(ids("material_id"), expected);

    let out = folder();
    build("cif", &sample(), out.path(), &[&SIZES[..], &["--order", "band_gap_ev"]].concat(), 0);
    let gaps = doubles(&rows(out.path()), "band_gap_ev");
    let known: Vec<f64> = gaps.iter().map_while(|gap| *gap).collect();
    assert!(known.is_sorted(), "ascending");
    assert!(
        known.len() < gaps.len() && gaps[known.len()..].iter().all(Option::is_none),
        "unknown values last"
    );
}

#[test]
fn shards_and_row_groups_are_bounded() {
    let out = folder();
    build("cif", &sample(), out.path(), &SIZES, 0);
    let shards = manifest(out.path()).shards;
    assert!(shards.iter().all(|shard| shard.rows <= 120), "{shards:?}");
    for shard in &shards {
        let file = std::fs::File::open(out.path().join(&shard.file)).expect("a shard");
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let groups = reader.metadata().row_groups();
        assert!(groups.iter().all(|group| group.num_rows() <= 25));
        let id = groups[0].columns().iter().find(|column| column.column_path().string() == "material_id");
        let id = id.expect("a column");
        assert!(id.statistics().is_some(), "scalar columns have statistics");
        assert!(id.column_index_length().is_some(), "and a page index");
    }
}
