//! Stores of format version 2, which lack the columns that came with version 3: every command reads them.

use std::fs::{self, File};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, UInt32Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use schemas::hash::file_sha256;
use schemas::layout::StorePaths;
use schemas::store::{COLUMNS, FORMAT_VERSION_KEY, column_by_name};

use crate::support::*;

/// Writes a file again as version 2 had it.
fn second_version_of_file(path: &Path) {
    let file = File::open(path).expect("a file");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    let metadata = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let metadata = metadata.into_iter().filter(|entry| entry.key != "ARROW:schema").map(|entry| {
        let is_version = entry.key == FORMAT_VERSION_KEY;
        if is_version { KeyValue::new(entry.key, "2".to_owned()) } else { entry }
    });
    let fields = builder.schema().fields().iter().enumerate();
    let kept: Vec<usize> = fields
        .filter(|(_, field)| column_by_name(field.name()).is_none_or(|column| column.since < 3))
        .map(|(at, _)| at)
        .collect();
    let batches: Vec<_> = builder
        .build()
        .expect("Parquet")
        .map(|batch| batch.expect("readable").project(&kept).expect("its columns"))
        .collect();
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata.collect())).build();
    let schema = batches.first().expect("a batch").schema();
    let out = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(out, schema, Some(properties)).expect("a writer");
    batches.iter().for_each(|batch| writer.write(batch).expect("written"));
    writer.close().expect("written");
}

/// Makes a store one of version 2.
fn second_version(store: &Path) {
    let mut manifest = manifest(store);
    manifest.format_version = 2;
    manifest.options.remove("space_groups");
    for shard in &mut manifest.shards {
        let path = store.join(&shard.file);
        second_version_of_file(&path);
        (shard.sha256, shard.bytes) = file_sha256(&path).expect("a file");
    }
    fs::write(StorePaths::new(store).manifest(), manifest.to_json()).expect("a file");
}

/// A folder with CIFs of caesium chloride by name and edge.
fn cifs(edges: &[(&str, f64)]) -> Folder {
    let folder = folder();
    for (name, edge) in edges {
        fs::write(folder.path().join(format!("{name}.cif")), caesium_chloride(*edge)).expect("a file");
    }
    folder
}

#[test]
fn every_command_reads_a_store_of_version_2() {
    let (input, work) = (cifs(&[("a", 4.12), ("b", 4.12), ("c", 4.5)]), folder());
    let store = work.path().join("old");
    build("cif", input.path(), &store, &[], 0);
    let expected = rows(&store);
    second_version(&store);
    assert!(rows(&store)[0].column_by_name("structure_hash").is_none());
    let (old, out) = (text(&store), work.path().join("out.xyz"));
    for (arguments, status) in [
        (vec!["validate", "--all", old], 0),
        (vec!["stats", old], 0),
        (vec!["inspect", old, "a"], 0),
        (vec!["columns", old], 0),
        (vec!["columns", old, "--sql"], 0),
        (vec!["export", old, "--format", "extxyz", "--filter", "nsites = 2", "--out", text(&out)], 0),
    ] {
        let output = etl(&arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{}", said(&output));
    }
    // The hashes are computed from cells and sites then, and are the same.
    let found = etl(["duplicates", old, "--json"]);
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).expect("JSON");
    let hash = texts(&expected, "structure_hash")[0].clone().expect("a hash");
    assert_eq!(found["groups"][0]["structure_hash"], hash);
    assert_eq!(found["groups"][0]["crystals"], serde_json::json!([["a", "b"]]));
    // A build over it says what is the matter.
    let again = build("cif", input.path(), &store, &[], 2);
    assert!(complaint(&again).contains("format version 2"), "{}", said(&again));
}

#[test]
fn parts_of_version_2_make_a_store_of_version_2() {
    let (input, work) = (cifs(&[("a", 4.1), ("b", 4.2), ("c", 4.3), ("d", 4.4), ("e", 4.5)]), folder());
    let parts = ["1/2", "2/2"].map(|part| (part, work.path().join(part.replace('/', "of"))));
    for (part, store) in &parts {
        build("cif", input.path(), store, &["--part", part], 0);
        second_version(store);
    }
    let merged = work.path().join("merged");
    let output = etl(["merge", text(&parts[0].1), text(&parts[1].1), "--out", text(&merged)]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(manifest(&merged).format_version, 2);
    let output = etl(["validate", "--all", text(&merged)]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn new_columns_hold_what_optimade_says() {
    let (input, work) = (cifs(&[("a", 4.12)]), folder());
    let with_groups = work.path().join("groups");
    build("cif", input.path(), &with_groups, &["--space-groups"], 0);
    assert_eq!(manifest(&with_groups).options["space_groups"], "true");
    let found = rows(&with_groups);
    let row = &found[0];
    for column in COLUMNS.iter().filter(|column| column.since == 3 && column.name != "immutable_id") {
        assert_eq!(row[column.name].null_count(), 0, "{}", column.name);
    }
    assert_eq!(texts(&found, "chemical_formula_anonymous"), [Some("AB".to_owned())]);
    assert_eq!(texts(&found, "immutable_id"), [None]);
    let numbers = |name: &str| row[name].as_primitive::<UInt32Type>().values().to_vec();
    assert_eq!((numbers("nperiodic_dimensions"), numbers("space_group_number")), (vec![3], vec![221]));
    let ratios = row["elements_ratios"].as_list::<i32>().value(0);
    assert_eq!(ratios.as_primitive::<Float64Type>().values(), &[0.5, 0.5]);
    let species = row["species_at_sites"].as_list::<i32>().value(0);
    let elements = row["elements"].as_list::<i32>().value(0);
    let symbols =
        |list: &dyn Array| list.as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(symbols(&elements), ["Cl", "Cs"]);
    assert_eq!(symbols(&species), ["Cs", "Cl"]);
    let dimensions = row["dimension_types"].as_fixed_size_list().value(0);
    assert_eq!(dimensions.as_primitive::<Int32Type>().values(), &[1, 1, 1]);
    // Without the option there is no space group, and the rest is the same.
    let without = work.path().join("none");
    build("cif", input.path(), &without, &[], 0);
    let other = rows(&without);
    assert_eq!(other[0]["space_group_number"].null_count(), 1);
    assert_eq!(texts(&other, "structure_hash"), texts(&found, "structure_hash"));
}

#[test]
fn crystals_of_two_stores_meet_by_their_hash() {
    let work = folder();
    let [train, test] = [&[("a", 4.12), ("b", 4.5)][..], &[("x", 4.3), ("y", 4.12)]].map(|edges| {
        let input = cifs(edges);
        let store = work.path().join(edges[0].0);
        build("cif", input.path(), &store, &["--neighbours", if edges[0].0 == "a" { "12" } else { "6" }], 0);
        store
    });
    let output = etl(["duplicates", text(&train), text(&test)]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told = said(&output);
    assert!(told.contains("  ClCs  a  |  y\n"), "{told}");
    let shared = format!(": 1 of 2 crystals has the structure hash of one in {}\n", test.display());
    assert!(
        told.contains(&shared) && told.ends_with("they may be equal, and have to be compared\n"),
        "{told}"
    );
    let output = etl(["duplicates", text(&train)]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{}", said(&output));
    assert!(said(&output).ends_with(": 0 of 2 crystals share 0 structure hashes\n"), "{}", said(&output));
    let absent = etl(["duplicates", text(&train), "nowhere"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(complaint(&absent).contains("nowhere"), "{}", said(&absent));
}
