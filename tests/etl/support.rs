//! Running the program and reading what it wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::AsArray;
use arrow::compute::{concat_batches, sort_to_indices, take};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::manifest::Manifest;
use tempfile::TempDir;

/// The program.
pub(crate) const ETL: &str = env!("CARGO_BIN_EXE_etl");

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The embedded sample.
pub(crate) fn sample() -> PathBuf {
    root().join("data/sample")
}

/// The folder of real data beside the project; without it a test says that it is skipped.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared is not here");
    None
}

/// A folder for one test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
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

/// A path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

/// Everything the program printed.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The single line of an error.
pub(crate) fn complaint(output: &Output) -> String {
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(line.lines().count(), 1, "one clear line: {line}");
    assert!(!line.contains("panicked"), "{line}");
    line
}

/// The manifest of a store.
pub(crate) fn manifest(store: &Path) -> Manifest {
    Manifest::read(store).expect("a finished store")
}

/// All batches of a Parquet file.
pub(crate) fn batches(path: &Path) -> Vec<RecordBatch> {
    let file = fs::File::open(path).expect("the file is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("Parquet");
    reader.map(|batch| batch.expect("readable")).collect()
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
    let batches = batches(&store.join("rejects/rejects.parquet"));
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

/// Every file of a store with its bytes, the lock file apart.
pub(crate) fn tree(store: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name() != Some(".lock".as_ref()) {
                let name = path.strip_prefix(store).expect("inside").display().to_string();
                files.insert(name, fs::read(&path).expect("readable"));
            }
        }
    }
    files
}

/// Asserts that two stores hold the same files with the same bytes.
pub(crate) fn assert_same(store: &Path, other: &Path, what: &str) {
    let (files, others) = (tree(store), tree(other));
    assert_eq!(files.keys().collect::<Vec<_>>(), others.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in &files {
        assert!(bytes == &others[name], "{what}: {name} differs");
    }
}

/// A P1 CIF of a cubic cell.
pub(crate) fn cubic_cif(name: &str, edge: f64, sites: &[(&str, [f64; 3])]) -> String {
    let mut cif = format!(
        "data_{name}\n_cell_length_a {edge}\n_cell_length_b {edge}\n_cell_length_c {edge}\n\
         _cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n\
         loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    );
    for (symbol, [x, y, z]) in sites {
        cif += &format!("{symbol} {x} {y} {z}\n");
    }
    cif
}

/// CsCl in a cell of the given edge.
pub(crate) fn caesium_chloride(edge: f64) -> String {
    cubic_cif("CsCl", edge, &[("Cs", [0.0; 3]), ("Cl", [0.5; 3])])
}
