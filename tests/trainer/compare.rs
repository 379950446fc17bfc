//! Grids: many runs by one command, interrupted and gone on with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::*;

/// The shipped grid on the store of these tests.
const SMOKE: &str = "trainer/grids/smoke.toml";
/// Its first cell.
const FIRST: &str = "cells/textbook_band_gap/fresh/0.5";
/// Its jobs.
const JOBS: usize = 9;

/// The command, in the folder of the repository.
fn command(grid: &str, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(TRAINER);
    command.current_dir(root()).args(["compare", grid, "--out", text(out), "--threads", "2"]).args(more);
    command
}

fn run(grid: &str, out: &Path, more: &[&str]) -> Output {
    command(grid, out, more).output().expect("the program starts")
}

/// Starts the shipped grid in the background.
fn spawn_smoke(out: &Path) -> Child {
    let mut command = command(SMOKE, out, &["--quiet"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// The records of the jobs so far.
fn journal(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out.join("jobs.jsonl")).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// The jobs to which something happened, in order.
fn jobs_with(out: &Path, event: &str) -> Vec<String> {
    let records = journal(out).into_iter().filter(|record| record["event"] == event);
    records.map(|record| record["job"].as_str().expect("a name").to_owned()).collect()
}

/// When the files of a folder were written.
fn times(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut times = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            times.extend(self::times(&path));
        } else {
            let changed = fs::metadata(&path).and_then(|metadata| metadata.modified());
            times.insert(path, changed.expect("a time"));
        }
    }
    times
}

/// The results of a comparison by name.
fn results(out: &Path) -> BTreeMap<String, String> {
    ["tables", "figures"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(out.join(folder)).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.strip_prefix(out).expect("inside").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect()
}

/// A grid like the shipped one with a change.
fn changed_smoke(folder: &Path, from: &str, to: &str) -> String {
    let text = fs::read_to_string(root().join(SMOKE)).expect("the grid");
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text, "{from}");
    let path = folder.join("grid.toml");
    fs::write(&path, changed).expect("a writable folder");
    self::text(&path).to_owned()
}

#[test]
fn a_stopped_and_killed_comparison_goes_on_to_the_same_tables() {
    let whole = folder();
    let output = run(SMOKE, whole.path(), &["--jobs", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let lines = said(&output);
    assert!(lines.contains(&format!("{JOBS} of {JOBS} jobs are done, 0 failed, 0 skipped")), "{lines}");
    let expected = results(whole.path());
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    let of = ["figures/labels.csv", "figures/labels.svg", "figures/models.csv", "figures/models.svg"];
    let tables = ["tables/labels.csv", "tables/labels.md", "tables/models.csv", "tables/models.md"];
    assert_eq!(names, [of, tables].concat());
    let table = &expected["tables/models.md"];
    for start in ["| without pre-training | ", "| pre-trained | ", "| Median of the training part | "] {
        assert!(table.contains(start), "{table}");
    }
    assert!(!table.contains("| - |"), "every cell is measured: {table}");

    let out = folder();
    let mut comparison = spawn_smoke(out.path());
    let evaluated =
        || jobs_with(out.path(), "finished").contains(&"evaluate textbook_band_gap/fresh/0.5".into());
    assert!(wait_for(&mut comparison, evaluated), "the first cell is not the last");
    let first = times(&out.path().join(FIRST));
    interrupt(&comparison);
    assert_eq!(comparison.wait().expect("it ends").code(), Some(130));
    let started = jobs_with(out.path(), "started").len();
    assert!(started < JOBS && jobs_with(out.path(), "failed").is_empty(), "{started} started");

    // A job that the killed one leaves behind keeps the folder until it ends.
    let mut comparison = spawn_smoke(out.path());
    assert!(wait_for(&mut comparison, || jobs_with(out.path(), "started").len() > started));
    kill(&mut comparison);
    let output = loop {
        let output = run(SMOKE, out.path(), &[]);
        if output.status.code() != Some(2) {
            break output;
        }
        assert!(complaint(&output).contains("another comparison, or a job that a killed one"));
        sleep(Duration::from_millis(20));
    };
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(times(&out.path().join(FIRST)), first, "what is done stays as it is");
    let begun = jobs_with(out.path(), "started");
    for name in ["finetune textbook_band_gap/fresh/0.5", "evaluate textbook_band_gap/fresh/0.5"] {
        assert_eq!(begun.iter().filter(|job| *job == name).count(), 1, "{begun:?}");
    }
    assert_eq!(results(out.path()), expected);

    let listed = run(SMOKE, out.path(), &["--dry-run"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.lines().filter(|line| line.starts_with("done  ")).count(), JOBS, "{listed}");
    run(SMOKE, out.path(), &["--quiet"]);
    assert_eq!(jobs_with(out.path(), "started"), begun, "nothing is left to do");
}

#[test]
fn a_failed_job_takes_its_dependants_with_it_and_no_other() {
    let out = folder();
    let kept = folder();
    let store = "[pretrain.mmpt]\nshards = [\"tests/trainer/store\"]";
    let grid = changed_smoke(kept.path(), store, "[pretrain.mmpt]\nshards = [\"no/such/store\"]");
    let output = run(&grid, out.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("4 of 9 jobs are done, 1 failed, 4 skipped"), "{}", said(&output));
    let failed =
        journal(out.path()).into_iter().find(|record| record["event"] == "failed").expect("a failure");
    assert_eq!(failed["job"], "pretrain mmpt");
    assert!(failed["reason"].as_str().expect("a reason").contains("no/such/store"), "{failed}");
    assert_eq!(jobs_with(out.path(), "skipped").len(), 4);
    assert_eq!(jobs_with(out.path(), "finished").len(), 4);
    let table = fs::read_to_string(out.path().join("tables/models.md")).expect("a table");
    assert!(table.contains("| pre-trained | - |"), "{table}");
}

#[test]
fn a_dry_run_lists_the_jobs_and_writes_nothing() {
    let kept = folder();
    let out = kept.path().join("out");
    let output = run(SMOKE, &out, &["--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let lines = said(&output);
    assert_eq!(lines.lines().count(), JOBS, "{lines}");
    let fresh =
        "to do finetune textbook_band_gap/fresh/0.5: trainer finetune --task textbook_band_gap --out ";
    assert!(lines.contains(fresh), "{lines}");
    assert!(!out.exists());
}

#[test]
fn grids_and_devices_that_cannot_be_used_are_refused_in_a_line() {
    let kept = folder();
    let out = kept.path().join("out");
    let grid = changed_smoke(kept.path(), "allow_partial", "alow_partial");
    let line = complaint(&run(&grid, &out, &[]));
    assert!(line.contains("grid.toml:") && line.contains("unknown field `alow_partial`"), "{line}");
    let line = complaint(&run("none.toml", &out, &[]));
    assert!(line.contains("cannot read none.toml"), "{line}");
    let line = complaint(&run(SMOKE, &out, &["--devices", "cpu,cpu"]));
    assert!(line.contains("--devices names cpu twice"), "{line}");
    let line = complaint(&run(SMOKE, &out, &["--devices", "gpu"]));
    assert!(line.contains("'gpu' is no device"), "{line}");
    assert!(!out.exists());
}
