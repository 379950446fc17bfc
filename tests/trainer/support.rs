//! Running the program and reading what it wrote.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use safetensors::SafeTensors;
use serde_json::Value;

#[path = "../common/files.rs"]
#[allow(dead_code, reason = "the ETL's tests need more of it")]
pub(crate) mod files;

pub(crate) use files::{Folder, batches, folder, root, said, sample, text};

use crate::programs::etl_beside;

/// The program.
pub(crate) const TRAINER: &str = env!("CARGO_BIN_EXE_trainer");
/// Crystals of [`store`].
pub(crate) const CRYSTALS: u64 = 26;
/// Crystals of [`cut_store`].
pub(crate) const CUT_CRYSTALS: u64 = 3;
/// How long the program may take for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// Fields of a record that differ from run to run.
const COSTS: [&str; 4] = ["seconds", "crystals_per_second", "wait_share", "resident_bytes"];

/// A model that learns in milliseconds.
pub(crate) const SMALL: [&str; 14] = [
    "--set",
    "model.mmpt.hidden=16",
    "--set",
    "model.mmpt.structure_width=16",
    "--set",
    "model.mmpt.interaction_blocks=1",
    "--set",
    "model.mmpt.interaction_width=16",
    "--set",
    "model.mmpt.output_width=16",
    "--set",
    "model.mmpt.output_layers=1",
    "--set",
    "pretrain.mmpt.decoder_width=16",
];
/// The settings in [`SMALL`] of the encoder, for fine-tuning.
pub(crate) fn small_encoder() -> &'static [&'static str] {
    &SMALL[..SMALL.len() - 2]
}

/// Flags of a small run, unless others are given.
const DEFAULTS: [(&str, &str); 3] = [("--batch", "8"), ("--threads", "1"), ("--learning-rate", "3e-3")];

/// The folder of these tests.
fn tests() -> PathBuf {
    root().join("tests/trainer")
}

/// 26 crystals in two shards of several row groups, with a split.
pub(crate) fn store() -> PathBuf {
    tests().join("store")
}

/// Three crystals with the other rule for ties.
pub(crate) fn cut_store() -> PathBuf {
    tests().join("cut")
}

/// Runs the program.
pub(crate) fn trainer<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Output {
    Command::new(TRAINER).args(arguments).output().expect("the program starts")
}

/// Runs the ETL, which succeeds.
pub(crate) fn etl(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) {
    let output = Command::new(etl_beside(TRAINER)).args(arguments).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// Runs the program to its end and gives what it printed on standard output.
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let output = trainer(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs the program, which must refuse in one line; gives the line.
pub(crate) fn refused(arguments: &[&str]) -> String {
    complaint(&trainer(arguments))
}

/// The line with which the program refused.
pub(crate) fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{}", said(output));
    let line = files::complaint(output);
    assert!(line.starts_with("trainer: "), "{line}");
    line
}

/// Arguments of a small run on the store, `more` at the end.
pub(crate) fn small_run<'a>(store: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["pretrain", "--shards", text(store), "--out", text(out), "--quiet"];
    arguments.extend(SMALL);
    let missing = DEFAULTS.into_iter().filter(|(flag, _)| !more.contains(flag));
    arguments.extend(missing.flat_map(|(flag, value)| [flag, value]));
    arguments.extend(more);
    arguments
}

/// Trains a small model on the store in a folder of its own.
pub(crate) fn trained(more: &[&str]) -> Folder {
    let out = folder();
    succeed(&small_run(&store(), out.path(), more));
    out
}

/// Starts a small run in the background, silently.
pub(crate) fn spawn(out: &Path, more: &[&str]) -> Child {
    Command::new(TRAINER)
        .args(small_run(&store(), out, more))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Waits for something that a run does; `false` if the run ended before.
pub(crate) fn wait_for(run: &mut Child, mut happened: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        if run.try_wait().expect("its state").is_some() {
            return false;
        }
        assert!(Instant::now() < deadline, "the run takes too long");
        sleep(Duration::from_millis(1));
    }
    true
}

/// Kills a process as `kill -9` does.
pub(crate) fn kill(run: &mut Child) {
    run.kill().expect("SIGKILL is sent");
    run.wait().expect("it ended");
}

/// Starts a run, kills it when its folder has so many records, and goes on with it to its end.
pub(crate) fn kill_and_resume(arguments: &[&str], out: &Path, records: usize) {
    let mut run = Command::new(TRAINER)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    assert!(wait_for(&mut run, || lines_of(out) >= records), "it ended too early: {arguments:?}");
    kill(&mut run);
    succeed(&[arguments, &["--resume"]].concat());
}

/// Sends a process what Ctrl-C sends.
pub(crate) fn interrupt(run: &Child) {
    let status = Command::new("kill").args(["-INT", &run.id().to_string()]).status();
    assert!(status.expect("kill can be started").success());
}

/// Whole lines of a run's records so far.
pub(crate) fn lines_of(out: &Path) -> usize {
    let text = fs::read(out.join("metrics.jsonl")).unwrap_or_default();
    text.iter().filter(|&&byte| byte == b'\n').count()
}

/// The records of a run.
pub(crate) fn records(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("records");
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// The records of one kind, `step` or `epoch`.
pub(crate) fn records_of(out: &Path, kind: &str) -> Vec<Value> {
    records(out).into_iter().filter(|record| record["kind"] == kind).collect()
}

/// The records without what differs from run to run.
pub(crate) fn lasting_records(out: &Path) -> Vec<Value> {
    let mut records = records(out);
    for record in &mut records {
        let fields = record.as_object_mut().expect("an object");
        if fields["kind"] == "step" {
            assert!(fields.remove("host_seconds").is_some(), "the host's time is recorded");
            assert!(fields.remove("uploaded_bytes").is_some(), "they depend on the device");
        }
        for cost in COSTS {
            assert!(fields.remove(cost).is_some(), "{cost} is recorded");
        }
    }
    records
}

/// Copies a folder.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a file");
        }
    }
}

/// A file of JSON.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// The lines of a CSV as records.
pub(crate) fn csv(path: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).expect("a table");
    reader.records().map(|record| record.expect("well formed")).collect()
}

/// A number of a record.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number: {value}"))
}

/// The bytes of a run's file.
pub(crate) fn bytes(out: &Path, name: &str) -> Vec<u8> {
    fs::read(out.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Name of the best weights in a run's folder.
pub(crate) const BEST: &str = "best.safetensors";
/// Name of the checkpoint in a run's folder.
pub(crate) const CHECKPOINT: &str = "last/checkpoint.safetensors";

/// Asserts that two runs came to the same, bit for bit.
pub(crate) fn assert_same_run(out: &Path, other: &Path, what: &str) {
    assert_eq!(lasting_records(out), lasting_records(other), "{what}");
    for name in [BEST, CHECKPOINT] {
        assert!(bytes(out, name) == bytes(other, name), "{what}: {name} differs");
    }
}

/// The tensors of a weights file, as bytes.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = fs::read(path).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    file.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect()
}

/// All batches of a store's shards in order.
pub(crate) fn rows(store: &Path) -> Vec<RecordBatch> {
    shards(store).iter().flat_map(|shard| batches(shard)).collect()
}

/// The shards of a store in order.
pub(crate) fn shards(store: &Path) -> Vec<PathBuf> {
    let mut shards: Vec<PathBuf> = fs::read_dir(store)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension() == Some(OsStr::new("parquet")))
        .collect();
    shards.sort();
    shards
}

/// A task on [`store`]: 19 crystals train, 3 validate, 3 test.
pub(crate) const GAPS: &str = r#"
name = "gaps"
description = "Band gaps of textbook crystals."
store = "the store of these tests"
property = "band_gap_ev"
unit = "eV"
transform = "none"
metric = "mae"
group = "matbench"

[split]
rule = "column"
column = "split"
"#;

/// Arguments of a small fine-tuning, `more` at the end.
pub(crate) fn small_tuning<'a>(
    task: &'a Path,
    out: &'a Path,
    more: &[&'a str],
    shards: &'a Path,
) -> Vec<&'a str> {
    let mut arguments =
        vec!["finetune", "--task", text(task), "--shards", text(shards), "--out", text(out), "--quiet"];
    arguments.extend(["--threads", "1"]);
    if !more.contains(&"--weights") {
        arguments.extend(small_encoder());
        arguments.extend(["--from-scratch"]);
    }
    arguments.extend(more);
    arguments
}

/// Fine-tunes small models on [`GAPS`] from scratch, one a seed; they are in `gaps` of the folder.
pub(crate) fn tuned_on_gaps(seeds: &str) -> Folder {
    let folder = folder();
    let (task, out, store) = (folder.path().join("task.toml"), folder.path().join("gaps"), store());
    fs::write(&task, GAPS).expect("a writable folder");
    succeed(&small_tuning(&task, &out, &["--epochs", "2", "--seeds", seeds], &store));
    folder
}

/// The best weights of a member of [`tuned_on_gaps`].
pub(crate) fn member_of(tuned: &Folder, seed: u64) -> PathBuf {
    tuned.path().join(format!("gaps/split/seed-{seed}")).join(BEST)
}
