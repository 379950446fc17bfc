use std::fs;
use std::path::PathBuf;

use arrow::array::{Array, Int64Array, ListArray, StringArray, UInt8Array};
use arrow::buffer::OffsetBuffer;
use proptest::prelude::*;

use super::*;
use crate::settings::Ties;
use crate::store::{column_by_name, item_field};
use crate::test_shard::{self, Columns, Row, row};

/// Writes three crystals in row groups of two rows.
fn good_shard(folder: &Path) -> PathBuf {
    let path = folder.join("good.parquet");
    let rows = ["b", "d", "f"].map(row);
    test_shard::write(&path, &test_shard::batch(test_shard::columns(&rows)), test_shard::metadata(), 2);
    path
}

/// Reads a shard completely, with all checks.
fn read(path: &Path) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    for batch in Shard::open(path, Some(&FeatureSettings::default()))?.crystals(None)? {
        let batch = batch?;
        for row in 0..batch.len() {
            ids.push(batch.row(row)?.material_id.to_owned());
        }
    }
    Ok(ids)
}

/// Writes a shard of two crystals with changed columns and metadata.
fn broken_shard(
    folder: &Path,
    edit: impl FnOnce(&mut [Row], &mut Vec<(String, String)>),
    replace: impl FnOnce(&mut Columns),
) -> PathBuf {
    let path = folder.join("broken.parquet");
    let mut rows = ["good", "bad"].map(row);
    let mut metadata = test_shard::metadata();
    edit(&mut rows, &mut metadata);
    let mut columns = test_shard::columns(&rows);
    replace(&mut columns);
    test_shard::write(&path, &test_shard::batch(columns), metadata, 2);
    path
}

/// Checks that a file is refused with its path and a reason.
fn assert_refused(path: &Path, reason: &str) {
    let error = read(path).expect_err("a broken shard");
    let message = error.to_string();
    assert!(message.starts_with(&path.display().to_string()), "no path in: {message}");
    assert!(message.contains(reason), "'{reason}' is not in: {message}");
}

fn position(columns: &Columns, name: &str) -> usize {
    columns.iter().position(|(column, _)| column == name).expect("a column")
}

/// Replaces a column.
fn replace(columns: &mut Columns, name: &str, array: impl Array + 'static) {
    let index = position(columns, name);
    columns[index].1 = std::sync::Arc::new(array);
}

#[test]
fn a_good_shard_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = good_shard(folder.path());
    assert_eq!(read(&path).expect("a good shard"), ["b", "d", "f"]);
    let shard = Shard::open(&path, None).expect("a good shard");
    assert_eq!((shard.rows(), shard.row_groups(), shard.row_group_rows()), (3, 2, vec![2, 1]));
    assert_eq!(shard.settings(), &FeatureSettings::default());
    assert_eq!(shard.path(), path);
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = fs::read(good_shard(folder.path())).expect("a file");
    let path = folder.path().join("damaged.parquet");
    let assert_damage = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("a writable folder");
        assert_refused(&path, "not a readable Parquet file");
    };
    assert_damage(&[]);
    assert_damage(b"{\"not\": \"parquet\"}");
    for length in [1, good.len() / 2, good.len() - 8, good.len() - 1] {
        assert_damage(&good[..length]);
    }
    // The length of the footer, followed by the footer.
    let mut overwritten = good.clone();
    let end = overwritten.len();
    overwritten[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_damage(&overwritten);
    let mut overwritten = good.clone();
    overwritten[end - 200..end - 8].fill(0xff);
    assert_damage(&overwritten);
    // The header of the first page, which is checked when the rows are read.
    let mut overwritten = good;
    overwritten[4..40].fill(0xff);
    assert_damage(&overwritten);
    let missing = folder.path().join("missing.parquet");
    assert!(matches!(read(&missing), Err(StoreError::Io { path, .. }) if path == missing));
}

#[test]
fn other_versions_and_settings_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let with_metadata = |edit: fn(&mut Vec<(String, String)>)| {
        broken_shard(folder.path(), |_, metadata| edit(metadata), |_| ())
    };
    let path = with_metadata(|metadata| metadata[0].1 = "4".to_owned());
    assert_refused(&path, "format version 4 instead of 3");
    let path = with_metadata(Vec::clear);
    assert_refused(&path, "format version none instead of 3");
    let path = with_metadata(|metadata| metadata.retain(|(key, _)| key != "mmpt.ties"));
    assert_refused(&path, "metadata key 'mmpt.ties' is missing");
    let path = with_metadata(|metadata| {
        let settings = FeatureSettings { ties: Ties::Cut, ..FeatureSettings::default() };
        metadata.truncate(1);
        metadata.extend(settings.to_metadata());
    });
    assert_refused(&path, "the store has ties = cut, but shell is needed");
    assert!(Shard::open(&path, None).is_ok(), "settings do not matter to who asks for none");
}

#[test]
fn shards_of_earlier_versions_lack_the_columns_of_later_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for version in ["1", "2"] {
        let path = broken_shard(
            folder.path(),
            |_, metadata| metadata[0].1 = version.to_owned(),
            |columns| columns.retain(|(name, _)| column_by_name(name).is_none_or(|column| column.since < 3)),
        );
        let shard = Shard::open(&path, None).expect("an earlier version");
        assert!(shard.schema().field_with_name("structure_hash").is_err());
        for batch in shard.crystals(None).expect("readable columns") {
            let batch = batch.expect("a batch");
            let view = batch.row(0).expect("a row");
            let added = (view.immutable_id, view.space_group_number, view.structure_hash);
            assert_eq!(added, (None, None, None));
        }
    }
    let path = good_shard(folder.path());
    for batch in Shard::open(&path, None).expect("a good shard").crystals(None).expect("its columns") {
        let batch = batch.expect("a batch");
        let view = batch.row(0).expect("a row");
        let added = (view.immutable_id, view.space_group_number, view.structure_hash);
        assert_eq!(added, (Some("mp-1"), Some(221), Some("c0ffee")));
    }
}

#[test]
fn missing_and_mistyped_columns_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let with_columns = |edit: fn(&mut Columns)| broken_shard(folder.path(), |_, _| (), edit);
    for column in COLUMNS {
        let path = broken_shard(
            folder.path(),
            |_, _| (),
            |columns| {
                columns.remove(position(columns, column.name));
            },
        );
        assert_refused(&path, &format!("column '{}' is missing", column.name));
    }
    let path = with_columns(|columns| replace(columns, "nsites", Int64Array::from(vec![1, 1])));
    assert_refused(&path, "column 'nsites' is Int64 instead of UInt32");
    let path = with_columns(|columns| {
        let index = position(columns, "edge_distance");
        columns[index].1 =
            arrow::compute::cast(&columns[index].1, &test_shard::doubles()).expect("a wider type");
    });
    assert_refused(&path, "column 'edge_distance' is List(");
    let path = with_columns(|columns| {
        replace(columns, "material_id", StringArray::from(vec![Some("good"), None]));
    });
    assert_refused(&path, "column 'material_id' has 1 empty value");
}

#[test]
fn columns_asked_for_must_be_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = good_shard(folder.path());
    let shard = Shard::open(&path, None).expect("a good shard");
    let Err(error) = shard.batches(None, Some(&["nsites", "colour"])) else { panic!("no such column") };
    assert_eq!(error.to_string(), format!("{}: column 'colour' is missing", path.display()));
}

#[test]
fn contradictory_rows_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let with_bad_row = |edit: fn(&mut Row)| broken_shard(folder.path(), |rows, _| edit(&mut rows[1]), |_| ());
    let path = with_bad_row(|row| row.edges[0].source = 1);
    assert_refused(&path, "crystal 'bad': an edge names site 1 of 1");
    let path = with_bad_row(|row| row.edges[0].target = 7);
    assert_refused(&path, "crystal 'bad': an edge names site 7 of 1");
    let path = with_bad_row(|row| row.fractional.truncate(2));
    assert_refused(&path, "crystal 'bad': 1 site, 1 atomic number, 2 coordinates");
    // The lists of another crystal: in turn, each of them has one value fewer.
    let is_read = |name: &str| name != "edge_target" && !RESTATED.contains(&name);
    for column in COLUMNS.iter().filter(|column| column.shape == "[nedges]" && is_read(column.name)) {
        let mut shorter = ["good", "bad"].map(row);
        shorter[1].edges.clear();
        let path = broken_shard(
            folder.path(),
            |_, _| (),
            |columns| {
                let index = position(columns, column.name);
                columns[index] = test_shard::columns(&shorter).swap_remove(index);
            },
        );
        assert_refused(&path, &format!("crystal 'bad': 1 value of edge_target, 0 of {}", column.name));
    }
}

#[test]
fn statistics_rule_row_groups_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shard = Shard::open(&good_shard(folder.path()), None).expect("a good shard");
    for (id, groups) in
        [("a", vec![]), ("b", vec![0]), ("c", vec![0]), ("e", vec![]), ("f", vec![1]), ("g", vec![])]
    {
        assert_eq!(shard.row_groups_with(id), groups, "{id}");
    }
}

#[test]
fn rows_asked_for_must_be_there_and_in_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = good_shard(folder.path());
    for rows in [vec![3], vec![1, 0], vec![1, 1]] {
        let shard = Shard::open(&path, None).expect("a good shard");
        assert!(shard.crystals_at(&rows).is_err(), "{rows:?}");
    }
}

/// Creates a list column in which every row has `values` equal values.
fn labels(rows: usize, values: usize) -> ListArray {
    let offsets = OffsetBuffer::from_lengths(vec![values; rows]);
    let values = Arc::new(UInt8Array::from(vec![0; rows * values]));
    ListArray::new(item_field(values.data_type().clone()), offsets, values, None)
}

#[test]
fn counts_are_checked_before_anything_is_unpacked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = broken_shard(
        folder.path(),
        |_, _| (),
        |columns| replace(columns, "edge_direction", labels(2, 5_000_000)),
    );
    let refused = "column 'edge_direction' has 10000000 values in row group 0, 8388608 at most";
    assert_refused(&path, refused);
    let open = || Shard::open(&path, None).expect("the columns are there");
    for result in [
        open().batches(None, Some(&["edge_direction"])).map(drop),
        open().batches(Some(vec![0]), None).map(drop),
        open().crystals_at(&[1]).map(drop),
    ] {
        assert!(result.expect_err("too many values").to_string().ends_with(refused));
    }
    assert!(open().batches(None, Some(&["edge_source"])).is_ok(), "other columns are not looked at");
}

#[test]
fn crystals_are_read_without_what_restates_other_columns() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = good_shard(folder.path());
    let open = || Shard::open(&path, None).expect("a good shard");
    let fields = open().schema().fields().len();
    for batch in open().crystals(None).expect("a reader") {
        let batch = batch.expect("a good batch");
        assert!(RESTATED.iter().all(|name| batch.column(name).is_none()));
        assert_eq!(batch.schema().fields().len(), fields - RESTATED.len());
    }
    let whole = open().crystals_at(&[0]).expect("a reader").next().expect("a row").expect("a good batch");
    assert!(RESTATED.iter().all(|name| whole.column(name).is_some()));
}

#[test]
fn a_crystal_beyond_the_limits_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path =
        broken_shard(folder.path(), |rows, _| rows[1].edges = vec![rows[1].edges[0].clone(); 4097], |_| ());
    assert_refused(&path, "crystal 'bad': 4097 edges in 16785409 pairs");
}

#[test]
fn long_texts_are_decoded_a_few_rows_at_a_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("texts.parquet");
    let text = "x".repeat(1 << 20);
    let rows: Vec<Row> =
        (0..100).map(|number| Row { split: Some(text.clone()), ..row(&format!("m{number}")) }).collect();
    test_shard::write(&path, &test_shard::batch(test_shard::columns(&rows)), test_shard::metadata(), 100);
    let shard = Shard::open(&path, None).expect("a good shard");
    let batches = shard.crystals(None).expect("texts within bounds");
    let rows: Vec<usize> = batches.map(|batch| batch.expect("a good batch").len()).collect();
    assert_eq!(rows.iter().sum::<usize>(), 100);
    assert!(rows.iter().all(|rows| *rows < 32), "{rows:?}");
}

#[test]
fn rows_are_looked_for_in_their_row_groups() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shard = Shard::open(&good_shard(folder.path()), None).expect("a good shard");
    for (rows, groups) in
        [(vec![], vec![]), (vec![0], vec![0]), (vec![2], vec![1]), (vec![0, 1, 2], vec![0, 1])]
    {
        assert_eq!(shard.row_groups_of(&rows), groups, "{rows:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn chosen_rows_are_those_rows(
        chosen in proptest::collection::btree_set(0_u64..40, 0..20),
        group_rows in 1_usize..12,
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("rows.parquet");
        let rows: Vec<Row> = (0..40).map(|number| row(&format!("id-{number}"))).collect();
        test_shard::write(&path, &test_shard::batch(test_shard::columns(&rows)), test_shard::metadata(), group_rows);
        let chosen: Vec<u64> = chosen.into_iter().collect();
        let mut found = Vec::new();
        for batch in Shard::open(&path, None).expect("a good shard").crystals_at(&chosen).expect("rows in order") {
            let batch = batch.expect("a good batch");
            found.extend((0..batch.len()).map(|row| batch.row(row).expect("a good row").material_id.to_owned()));
        }
        let expected: Vec<String> = chosen.iter().map(|row| format!("id-{row}")).collect();
        prop_assert_eq!(found, expected);
    }
}
