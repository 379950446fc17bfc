//! Running the program and reading what it wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::AsArray;
use arrow::compute::{concat_batches, sort_to_indices, take};
use arrow::record_batch::RecordBatch;
use schemas::layout::StorePaths;
use schemas::manifest::Manifest;

#[path = "../common/disk.rs"]
mod disk;
#[path = "../common/files.rs"]
mod files;

pub(crate) use disk::SmallDisk;
pub(crate) use files::*;

/// The program.
pub(crate) const ETL: &str = env!("CARGO_BIN_EXE_etl");

/// The folder of real data beside the project; without it a test says that it is skipped.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared is not here");
    None
}

/// Runs the program.
pub(crate) fn etl<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Output {
    Command::new(ETL).args(arguments).output().expect("the program starts")
}

/// Runs `etl build` and expects an exit status.
pub(crate) fn build(kind: &str, input: &Path, out: &Path, more: &[&str], status: i32) -> Output {
    let mut arguments = vec!["build", kind, "--input", text(input), "--out", text(out)];
    arguments.extend(more);
    let output = etl(&arguments);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{}", said(&output));
    output
}

/// The manifest of a store.
pub(crate) fn manifest(store: &Path) -> Manifest {
    Manifest::read(store).expect("a finished store")
}

/// Copies a store of format version 1, with manifest and rejects in the folder of its shards.
pub(crate) fn former_store(store: &Path) {
    let former = root().join("tests/trainer/store");
    for (name, bytes) in tree(&former) {
        let path = store.join(name);
        fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    // As a build seals it.
    fs::write(store.join("manifest.json"), manifest(&former).to_json()).expect("a file");
    fs::write(store.join(".lock"), "").expect("a file");
}

/// All batches of a store's shards in order.
pub(crate) fn rows(store: &Path) -> Vec<RecordBatch> {
    manifest(store).shards.iter().flat_map(|shard| batches(&store.join(&shard.file))).collect()
}

/// All rows of a store as one batch, in order of their identifiers.
pub(crate) fn sorted_rows(store: &Path) -> RecordBatch {
    let rows = rows(store);
    let schema = rows.first().expect("a row").schema();
    let rows = concat_batches(&schema, &rows).expect("one schema");
    let order = sort_to_indices(&rows["material_id"], None, None).expect("texts");
    let columns = rows.columns().iter().map(|column| take(column, &order, None).expect("its rows"));
    RecordBatch::try_new(schema, columns.collect()).expect("the same columns")
}

/// A text column of some batches.
pub(crate) fn texts(batches: &[RecordBatch], column: &str) -> Vec<Option<String>> {
    let values = |batch: &RecordBatch| -> Vec<Option<String>> {
        batch[column].as_string::<i32>().iter().map(|value| value.map(str::to_owned)).collect()
    };
    batches.iter().flat_map(values).collect()
}

/// A column of doubles of some batches.
pub(crate) fn doubles(batches: &[RecordBatch], column: &str) -> Vec<Option<f64>> {
    let values = |batch: &RecordBatch| -> Vec<Option<f64>> {
        batch[column].as_primitive::<arrow::datatypes::Float64Type>().iter().collect()
    };
    batches.iter().flat_map(values).collect()
}

/// Rejects of a store: reason and message by identifier (or `file:record` without one).
pub(crate) fn rejects(store: &Path) -> BTreeMap<String, (String, String)> {
    let batches = batches(&StorePaths::new(store).rejects());
    let column = |name| texts(&batches, name).into_iter();
    let records = batches.iter().flat_map(|batch| {
        let records = batch["record"].as_primitive::<arrow::datatypes::UInt64Type>();
        (0..records.len()).map(|row| records.value(row)).collect::<Vec<_>>()
    });
    let places = column("source_file").zip(records).map(|(file, record)| {
        let file = file.expect("every reject has a file");
        format!("{}:{record}", file.rsplit(['/', '!']).next().unwrap_or(&file))
    });
    column("material_id")
        .zip(places)
        .map(|(id, place)| id.unwrap_or(place))
        .zip(column("reason").zip(column("message")))
        .map(|(id, (reason, message))| (id, (reason.unwrap_or_default(), message.unwrap_or_default())))
        .collect()
}

/// Asserts that two stores hold the same files with the same bytes.
pub(crate) fn assert_same(store: &Path, other: &Path, what: &str) {
    let (files, others) = (tree(store), tree(other));
    assert_eq!(files.keys().collect::<Vec<_>>(), others.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in &files {
        assert!(bytes == &others[name], "{what}: {name} differs");
    }
}
