//! The ETL on Spark, where `make spark` has installed it and Java is there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use crate::support::*;

/// Python with pyspark; `None` without it or without Java.
fn python() -> Option<PathBuf> {
    let python = root().join(".venv-spark/bin/python");
    let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if python.exists() && java.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    println!("skipped: Spark is not here; `make spark` installs it, and Java 17 is needed");
    None
}

/// Runs `spark_etl.py` on two executors.
fn spark(python: &Path, etl: &Path, arguments: &[&str], worker: &[&str]) -> Output {
    let packages = Command::new(python).args(["-c", "import pyspark; print(pyspark.__path__[0])"]).output();
    let packages = packages.expect("pyspark is installed").stdout;
    let mut command = Command::new(python);
    command.arg(root().join("etl/dist/spark_etl.py"));
    command.args(["--master", "local-cluster[2,1,1024]", "--etl", text(etl)]).args(arguments);
    command.arg("--").args(worker);
    // Two executors of their own need to know where Spark is.
    command.env("SPARK_HOME", String::from_utf8_lossy(&packages).trim());
    command.env("PYSPARK_PYTHON", python).env("SPARK_LOCAL_IP", "127.0.0.1");
    command.output().expect("Python starts")
}

/// The CIFs of the sample with a property, a broken one, and each fifth of them twice.
fn table(path: &Path) {
    let mut names: Vec<PathBuf> =
        fs::read_dir(sample()).expect("the sample").map(|entry| entry.expect("an entry").path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "cif"));
    names.sort();
    let (mut ids, mut texts, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    for (number, name) in names.iter().enumerate() {
        for _ in 0..1 + usize::from(number % 5 == 0) {
            ids.push(name.file_stem().expect("a name").to_string_lossy().into_owned());
            texts.push(fs::read(name).expect("a CIF"));
            gaps.push((number % 3 > 0).then_some(number as f64 / 8.0));
        }
    }
    ids.push("bad".to_owned());
    texts.push(b"data_x\n".to_vec());
    gaps.push(None);
    // A column of texts is UTF-8; only comments of the sample are not.
    let texts: Vec<String> = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    let ids: ArrayRef = Arc::new(StringArray::from(ids));
    let cifs: ArrayRef = Arc::new(StringArray::from(texts));
    let gaps: ArrayRef = Arc::new(Float64Array::from(gaps));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("id", ids, true),
        ("cif", cifs, true),
        ("band_gap", gaps, true),
    ]);
    let batch = batch.expect("three columns");
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a schema");
    writer.write(&batch).expect("a batch");
    writer.close().expect("a file");
}

/// The program, but the first part 2 is killed when it has read half of its entries.
#[cfg(unix)]
fn killed_once(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("etl");
    let script = format!(
        r#"#!/bin/bash
marks={marks:?}
if [[ "$*" == *"--part 2/4"* ]] && mkdir "$marks/killed" 2>/dev/null; then
    mkfifo "$marks/pipe"
    {ETL:?} "$@" < "$marks/pipe" & worker=$!
    exec 3> "$marks/pipe"
    head -c 100000 >&3
    for _ in {{1..2000}}; do
        compgen -G "$marks/.store-*/00002-*/cif-00001.parquet" > "$marks/killed/shard" && break
        sleep 0.01
    done
    kill -9 $worker
    exit 137
fi
exec {ETL:?} "$@"
"#,
        marks = text(folder),
    );
    fs::write(&path, script).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file");
    path
}

/// Asserts that nothing of a run is left beside its store.
fn assert_no_parts_left(store: &Path) {
    let beside = fs::read_dir(store.parent().expect("a folder")).expect("a folder");
    let names = beside.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    assert!(names.into_iter().all(|name| !name.starts_with('.')), "parts are removed");
}

#[cfg(unix)]
#[test]
fn a_store_from_spark_is_that_of_one_process_even_when_a_worker_is_killed() {
    let Some(python) = python() else { return };
    let work = folder();
    let (input, whole, store) =
        (work.path().join("crystals.parquet"), work.path().join("whole"), work.path().join("store"));
    table(&input);
    build("table", &input, &whole, &["--name", "cif"], 1);
    let etl_killed = killed_once(work.path());
    let output = spark(
        &python,
        &etl_killed,
        &["--input", text(&input), "--out", text(&store), "--text-column", "cif", "--parts", "4"],
        &["--shard-rows", "20", "--row-group-rows", "5"],
    );
    assert!(output.status.success(), "{}", said(&output));
    let shard = fs::read_to_string(work.path().join("killed/shard")).expect("a worker was killed");
    assert!(!shard.is_empty(), "it had written shards");
    assert!(said(&output).contains("status 137"), "Spark says so: {}", said(&output));

    assert_eq!(sorted_rows(&store), sorted_rows(&whole));
    let reasons = |store: &Path| {
        let reasons = rejects(store).into_iter().map(|(id, (reason, _))| (id, reason));
        reasons.collect::<Vec<_>>()
    };
    assert!(reasons(&whole).len() > 50, "duplicates and a broken entry");
    assert_eq!(reasons(&store), reasons(&whole));
    assert_eq!(manifest(&store).counts, manifest(&whole).counts);
    let valid = etl(["validate", "--all", text(&store)]);
    assert!(valid.status.success(), "{}", said(&valid));
    assert_no_parts_left(&store);
}

#[test]
fn files_are_read_and_parts_may_be_empty() {
    let Some(python) = python() else { return };
    let work = folder();
    let raw = work.path().join("raw");
    fs::create_dir(&raw).expect("a folder");
    for (name, edge) in [("a", 4.0), ("b", 4.1)] {
        fs::write(raw.join(format!("{name}.cif")), caesium_chloride(edge)).expect("a file");
    }
    let (whole, store) = (work.path().join("whole"), work.path().join("store"));
    build("cif", &raw, &whole, &["--ties", "cut"], 0);
    let arguments = ["--reader", "files", "--input", text(&raw), "--out", text(&store), "--parts", "6"];
    let output = spark(&python, Path::new(ETL), &arguments, &["--ties", "cut"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(sorted_rows(&store), sorted_rows(&whole));

    // A wrong option is told before any task is started.
    let output = spark(&python, Path::new(ETL), &arguments, &["--ties", "knots"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("'knots' is neither 'shell' nor 'cut'"), "{}", said(&output));
    assert_no_parts_left(&store);
}
