//! Parquet tables with a column of CIFs.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use parquet::arrow::ArrowWriter;
use schemas::property::PropertyKind;

use super::{drain, read};
use crate::source::{SourceError, SourceKind, SourceOptions, open};

const CIF: &str = "data_po\n_cell_length_a 3.35\n_cell_length_b 3.35\n_cell_length_c 3.35\n_cell_angle_alpha 90\n\
_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n\
_atom_site_fract_z\nPo1 0 0 0\n";

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("written");
}

/// 200 good rows after five odd ones.
fn write_table(path: &Path) {
    let count = 205;
    let id = |at: usize| (at != 1).then(|| format!("po-{at}"));
    let cif = |at: usize| match at {
        0 => None,
        2 => Some("no cif"),
        _ => Some(CIF),
    };
    write(
        path,
        vec![
            ("note", Arc::new(StringArray::from_iter_values((0..count).map(|_| "x")))),
            (
                "energy_above_hull",
                Arc::new(Float32Array::from_iter((0..count).map(|at| (at % 2 == 0).then_some(0.5)))),
            ),
            ("cif", Arc::new(StringViewArray::from_iter((0..count).map(cif)))),
            ("id", Arc::new(StringArray::from_iter((0..count).map(id)))),
            ("number", Arc::new(Int64Array::from_iter_values(0..count as i64))),
            ("metal", Arc::new(BooleanArray::from(vec![true; count]))),
        ],
    );
}

#[test]
fn rows_are_crystals_with_the_numeric_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.parquet");
    write_table(&path);
    let source =
        open(SourceKind::Table, std::slice::from_ref(&path), &SourceOptions::default()).expect("a source");
    let columns: Vec<_> = source.properties.iter().map(|column| column.column.clone()).collect();
    assert_eq!(columns, ["energy_above_hull_ev_per_atom", "number", "metal"]);
    let total = source.total_bytes();
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.crystals.len(), 202);
    assert_eq!(harvest.crystals[0].id, "po-3");
    assert_eq!(harvest.crystals[0].properties, [None, Some(3.0), Some(1.0)]);
    assert_eq!(harvest.crystals[1].properties, [Some(0.5), Some(4.0), Some(1.0)]);
    assert_eq!(harvest.crystals[0].origin.record, 4);
    let ids: Vec<_> = harvest.reasons().into_iter().map(|(_, id)| id.map(str::to_owned)).collect();
    assert!(
        ids.contains(&Some("po-0".to_owned()))
            && ids.contains(&Some("po-2".to_owned()))
            && ids.contains(&None)
    );
    assert!(total > 0);
}

#[test]
fn texts_that_are_numbers_are_properties() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.parquet");
    let texts = |texts: [Option<&str>; 4]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
    std::fs::write(folder.path().join("po.cif"), CIF).expect("a file");
    write(
        &path,
        vec![
            ("id", texts(["1", "2", "3", "4"].map(Some))),
            ("cif", texts([Some(CIF), Some("po.cif"), Some(CIF), Some("../po.cif")])),
            ("hardness", texts([Some("1.5"), Some("n.d."), None, Some("2")])),
            ("count", texts([Some("10"), Some("1,234"), Some("30"), Some("40")])),
            ("note", texts(["x", "y", "z", "1"].map(Some))),
            ("energy", Arc::new(Float32Array::from(vec![1.0, f32::INFINITY, f32::NAN, 2.0]))),
        ],
    );
    let source = open(SourceKind::Table, std::slice::from_ref(&path), &SourceOptions::default());
    let source = source.expect("a source");
    let columns: Vec<_> = source.properties.iter().map(|column| column.column.as_str()).collect();
    assert_eq!(columns, ["hardness", "count", "energy"]);
    assert!(source.notes[0].contains("note (1 numbers, 3 other values"), "{:?}", source.notes);
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.ids(), ["1", "2", "3"]);
    assert_eq!(harvest.crystals[0].properties, [Some(1.5), Some(10.0), Some(1.0)]);
    assert_eq!(harvest.crystals[1].properties, [None; 3]);
    assert_eq!(harvest.crystals[2].properties, [None, Some(30.0), None]);
    let notes: Vec<_> = harvest.notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(
        notes,
        ["hardness is \"n.d.\"", "count is \"1,234\"", "energy is \"inf\""]
            .map(|start| format!("{start}, no number: taken as missing"))
    );
    assert_eq!(harvest.reasons(), [("unreadable_file", Some("4"))]);
}

#[test]
fn columns_can_be_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.parquet");
    write_table(&path);
    let named = |columns: &[&str]| SourceOptions {
        property_columns: Some(columns.iter().map(|&column| column.to_owned()).collect()),
        ..SourceOptions::default()
    };
    let source = open(SourceKind::Table, std::slice::from_ref(&path), &named(&["number"])).expect("a source");
    assert_eq!(drain(source).expect("readable").crystals[0].properties, [Some(3.0)]);
    for wanted in ["note", "none"] {
        let error = open(SourceKind::Table, std::slice::from_ref(&path), &named(&[wanted])).map(|_| ());
        let error = error.expect_err("no numeric column");
        assert!(matches!(error, SourceError::MissingColumn { .. }), "{error}");
    }
}

#[test]
fn damaged_tables_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.parquet");
    write_table(&path);
    let bytes = std::fs::read(&path).expect("readable");
    for cut in [4, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).expect("a file");
        let error = read(SourceKind::Table, &[&path]).expect_err("cut").to_string();
        assert!(error.contains("table.parquet: not a readable Parquet table: "), "cut at {cut}: {error}");
        assert!(!error.contains("error: ") && !error.contains("EOF: "), "cut at {cut}: {error}");
    }
    let csv = folder.path().join("table.csv");
    std::fs::write(&csv, "id,cif\n").expect("a file");
    std::fs::write(&path, &bytes).expect("a file");
    let error = read(SourceKind::Table, &[&csv, &path]).expect_err("two layouts");
    assert!(error.to_string().contains("are not read together"), "{error}");
}

#[test]
fn a_text_that_a_dictionary_repeats_is_unpacked_row_by_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.parquet");
    let long = "#".repeat(17 << 20);
    let cifs = (0..4).map(|row| if row == 2 { CIF } else { &*long });
    let ids = (0..4).map(|row| format!("po-{row}"));
    write(
        &path,
        vec![
            ("id", Arc::new(StringArray::from_iter_values(ids))),
            ("cif", Arc::new(StringViewArray::from_iter_values(cifs))),
        ],
    );
    let harvest = read(SourceKind::Table, &[&path]).expect("readable");
    assert_eq!(harvest.ids(), ["po-2"]);
    let reasons = harvest.reasons();
    assert_eq!(reasons.len(), 3);
    assert!(reasons.iter().all(|(reason, id)| *reason == "record_too_large" && id.is_some()), "{reasons:?}");
}

#[test]
fn a_table_has_so_many_columns_at_most() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.parquet");
    let names: Vec<String> = (0..8191).map(|column| format!("n{column}")).collect();
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let texts = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let mut columns = vec![("id", texts("po")), ("cif", texts(CIF))];
    columns.extend(names.iter().map(|name| (name.as_str(), Arc::clone(&numbers))));
    write(&path, columns);
    let error = read(SourceKind::Table, &[&path]).expect_err("too many").to_string();
    assert!(error.ends_with("8193 columns, 8192 at most"), "{error}");
}

#[test]
fn booleans_and_classes_are_properties() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.parquet");
    let texts = |texts: [&str; 4]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
    let flags = |flags: [Option<bool>; 4]| -> ArrayRef { Arc::new(BooleanArray::from(flags.to_vec())) };
    write(
        &path,
        vec![
            ("id", texts(["1", "2", "3", "4"])),
            ("cif", texts([CIF; 4])),
            ("metal", flags([Some(true), Some(false), None, Some(true)])),
            ("layered", texts(["true", "False", "-", "TRUE"])),
            ("phase", texts(["b", "a", " a", "b"])),
            ("name", texts(["w", "x", "y", "z"])),
        ],
    );
    let source = open(SourceKind::Table, std::slice::from_ref(&path), &SourceOptions::default());
    let source = source.expect("a source");
    let kinds: Vec<_> = source.properties.iter().map(|found| (found.column.as_str(), found.kind)).collect();
    let (boolean, class) = (PropertyKind::Boolean, PropertyKind::Class);
    assert_eq!(kinds, [("metal", boolean), ("layered", boolean), ("phase", class)]);
    assert_eq!(*source.classes[2], ["b", "a"].map(str::to_owned));
    assert!(source.notes[0].ends_with("name (4 different texts in 4 values)"), "{:?}", source.notes);
    let harvest = drain(source).expect("readable");
    let values: Vec<_> = harvest.crystals.iter().map(|crystal| crystal.properties.clone()).collect();
    let expected = [
        [Some(1.0), Some(1.0), Some(0.0)],
        [Some(0.0), Some(0.0), Some(1.0)],
        [None, None, Some(1.0)],
        [Some(1.0), Some(1.0), Some(0.0)],
    ];
    assert_eq!(values, expected);
    assert_eq!(harvest.notes[0].message, "layered is \"-\", no boolean: taken as missing");
}
