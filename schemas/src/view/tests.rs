use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::reader::Shard;
use crate::test_shard::{self, Edge, Row, row};

fn in_memory(batch: RecordBatch) -> Result<CrystalBatch, StoreError> {
    CrystalBatch::new(Path::new("").into(), batch)
}

fn edge(sites: u32) -> impl Strategy<Value = Edge> {
    (0..sites, 0..sites, any::<[i16; 3]>(), any::<u32>(), 0_u8..27, 0_u8..27).prop_map(
        |(source, target, image, bits, direction, direction_centred)| Edge {
            source,
            target,
            image,
            distance: f32::from_bits(bits >> 2),
            direction,
            direction_centred,
        },
    )
}

fn crystal() -> impl Strategy<Value = Row> {
    (0_u32..6)
        .prop_flat_map(|sites| {
            let edges = if sites == 0 { 0..1 } else { 0..20 };
            (
                proptest::collection::vec(1_u8..=118, sites as usize),
                proptest::collection::vec(-1e-6..1.0, 3 * sites as usize),
                proptest::collection::vec(edge(sites.max(1)), edges),
                any::<[i32; 9]>(),
                proptest::array::uniform9(-50.0..50.0),
                "[a-zA-Z0-9é_-]{1,12}",
                proptest::option::of("train|val|test"),
                proptest::option::of(0_i8..5),
            )
        })
        .prop_map(|(atomic_numbers, fractional, edges, transform, lattice, material_id, split, fold)| Row {
            material_id,
            lattice,
            transform,
            atomic_numbers,
            fractional,
            edges,
            split,
            fold,
            gap: None,
        })
}

/// Checks that a view equals the row that it was made from.
fn assert_shows(view: &CrystalView<'_>, row: &Row) {
    assert_eq!(view.material_id, row.material_id);
    assert_eq!(view.source, "test");
    assert_eq!(view.lattice_vectors.as_flattened(), row.lattice);
    assert_eq!(view.niggli_transform.as_flattened(), row.transform);
    assert_eq!(view.parameters, [row.lattice[0], row.lattice[0], row.lattice[0], 90.0, 90.0, 90.0]);
    assert_eq!(view.volume, row.lattice[0].powi(3));
    assert_eq!(view.atomic_numbers, row.atomic_numbers);
    assert_eq!(view.fractional_site_positions, row.fractional);
    assert_eq!((view.split, view.fold), (row.split.as_deref(), row.fold));
    let edges = &view.edges;
    for (index, edge) in row.edges.iter().enumerate() {
        assert_eq!((edges.source[index], edges.target[index]), (edge.source, edge.target));
        assert_eq!(edges.image.map(|column| column[index]), edge.image);
        assert_eq!(edges.distance[index].to_bits(), edge.distance.to_bits());
        assert_eq!(edges.direction[index], edge.direction);
        assert_eq!(edges.direction_centred[index], edge.direction_centred);
    }
}

fn batch(rows: &[Row]) -> RecordBatch {
    test_shard::batch(test_shard::columns(rows))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_survive_parquet_exactly(rows in proptest::collection::vec(crystal(), 1..12), group_rows in 1_usize..6) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("rows.parquet");
        test_shard::write(&path, &batch(&rows), test_shard::metadata(), group_rows);
        let mut expected = rows.iter();
        for batch in Shard::open(&path, None).expect("a good shard").crystals(None).expect("a reader") {
            let batch = batch.expect("a good batch");
            for row in 0..batch.len() {
                assert_shows(&batch.row(row).expect("a good row"), expected.next().expect("as many rows"));
            }
        }
        prop_assert!(expected.next().is_none());
    }

    #[test]
    fn a_slice_shows_its_own_rows(
        rows in proptest::collection::vec(crystal(), 2..8),
        (start, end) in (0_usize..8, 0_usize..8),
    ) {
        let (start, end) = (start.min(rows.len()), end.min(rows.len()));
        let (start, end) = (start.min(end), start.max(end));
        let slice = in_memory(batch(&rows).slice(start, end - start)).expect("a good batch");
        prop_assert_eq!(slice.len(), end - start);
        prop_assert_eq!(slice.is_empty(), start == end);
        for (row, expected) in rows[start..end].iter().enumerate() {
            assert_shows(&slice.row(row).expect("a good row"), expected);
        }
    }
}

#[test]
fn a_row_beyond_the_last_is_refused() {
    let batch = in_memory(batch(&["one", "two"].map(row))).expect("a good batch");
    let error = batch.row(2).expect_err("two rows");
    assert_eq!(error.to_string(), "crystal 'row 2': the batch has 2 rows");
    let path = Path::new("x.parquet").into();
    let batch = CrystalBatch::new(path, batch.record_batch().clone()).expect("a good batch");
    let error = batch.row(9).expect_err("two rows");
    assert_eq!(error.to_string(), "x.parquet: crystal 'row 9': the batch has 2 rows");
}

#[test]
fn properties_are_columns_of_the_batch() {
    let batch = in_memory(batch(&[row("one")])).expect("a good batch");
    assert_eq!(batch.column("band_gap_ev").map(|column| column.len()), Some(1));
    assert!(batch.column("colour").is_none());
    assert!(batch.schema().field_with_name("band_gap_ev").is_ok());
}

#[test]
fn a_batch_without_a_column_is_refused() {
    let mut columns = test_shard::columns(&[row("one")]);
    columns.retain(|(name, _)| name != "edge_k2");
    let error = in_memory(test_shard::batch(columns)).expect_err("a column is missing");
    assert_eq!(error.to_string(), "column 'edge_k2' is missing");
}

#[test]
fn empty_values_inside_lists_are_refused() {
    let mut columns = test_shard::columns(&[row("one")]);
    let index = columns.iter().position(|(name, _)| name == "edge_source").expect("a column");
    let sources = [Some(vec![None])];
    columns[index].1 =
        Arc::new(ListArray::from_iter_primitive::<arrow::datatypes::UInt32Type, _, _>(sources));
    let error = in_memory(test_shard::batch(columns)).expect_err("an empty item");
    assert_eq!(error.to_string(), "column 'edge_source' has 1 empty items");
}

#[test]
fn empty_values_inside_matrices_are_refused() {
    let mut columns = test_shard::columns(&[row("one")]);
    let index = columns.iter().position(|(name, _)| name == "lattice_vectors").expect("a column");
    let values = [Some([Some(1.0), None, None, None, None, None, None, None, Some(1.0)])];
    columns[index].1 =
        Arc::new(FixedSizeListArray::from_iter_primitive::<arrow::datatypes::Float64Type, _, _>(values, 9));
    let error = in_memory(test_shard::batch(columns)).expect_err("empty items");
    assert_eq!(error.to_string(), "column 'lattice_vectors' has 7 empty items");
}
