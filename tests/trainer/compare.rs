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
/// The shipped grid that searches settings, and its jobs: a pre-training, seven fine-tunings with their validation, and two
/// tests.
const SEARCH: &str = "trainer/grids/search.toml";
const SEARCH_JOBS: usize = 1 + 2 * 7 + 2;
/// The first cell of the former.
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

/// Starts a shipped grid in the background.
fn spawn(grid: &str, out: &Path) -> Child {
    let mut command = command(grid, out, &["--quiet"]);
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
    let mut comparison = spawn(SMOKE, out.path());
    let evaluated =
        || jobs_with(out.path(), "finished").contains(&"evaluate textbook_band_gap/fresh/0.5".into());
    assert!(wait_for(&mut comparison, evaluated), "the first cell is not the last");
    let first = times(&out.path().join(FIRST));
    interrupt(&comparison);
    assert_eq!(comparison.wait().expect("it ends").code(), Some(130));
    let started = jobs_with(out.path(), "started").len();
    assert!(started < JOBS && jobs_with(out.path(), "failed").is_empty(), "{started} started");

    // A job that the killed one leaves behind keeps the folder until it ends.
    let mut comparison = spawn(SMOKE, out.path());
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

    // Of what goes wrong, a quiet comparison tells the job, the reason and the log, and nothing else.
    let output = run(&grid, out.path(), &["--quiet"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(lines.contains("] pretrain mmpt has failed: ") && lines.lines().count() == 1, "{lines}");
    assert!(lines.contains("logs/pretrain/mmpt.log)"), "{lines}");
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

#[test]
fn a_grid_of_fewer_epochs_begins_anew() {
    let (kept, out, fresh) = (folder(), folder(), folder());
    let grid = changed_smoke(kept.path(), "[0.5, 1.0]", "[1.0]");
    let longer = fs::read_to_string(&grid).expect("the grid");
    // Epochs of the fine-tunings, then of the pre-training. At the end that alone is shorter, and what began with its weights
    // begins anew, too.
    for (folder, epochs) in [(&out, [3, 3]), (&out, [2, 2]), (&out, [2, 1]), (&fresh, [2, 1])] {
        let of =
            |text: &str, epochs: u32| text.replacen("run.epochs = 10", &format!("run.epochs = {epochs}"), 1);
        fs::write(&grid, of(&of(&longer, epochs[0]), epochs[1])).expect("a writable folder");
        let output = run(&grid, folder.path(), &["--quiet"]);
        assert_eq!(output.status.code(), Some(0), "{epochs:?}: {}", said(&output));
    }
    assert_eq!(results(out.path()), results(fresh.path()));
}

/// The cells of a comparison with a file of scores, relative to `cells`.
fn cells_with(out: &Path, file: &str) -> Vec<String> {
    let cells = out.join("cells");
    let scores = times(&cells).into_keys().filter(|path| path.ends_with(Path::new("evaluation").join(file)));
    let cell = |path: PathBuf| {
        let cell = path.parent().and_then(Path::parent).expect("a cell").strip_prefix(&cells);
        cell.expect("inside").to_string_lossy().into_owned()
    };
    scores.map(cell).collect()
}

/// The lines of a table of scores as records: model, kind, part, score and whether it is chosen.
fn scores(out: &Path) -> Vec<[String; 5]> {
    let mut table = csv::Reader::from_path(out.join("tables/search.csv")).expect("a table");
    let record = |record: csv::Result<csv::StringRecord>| {
        let record = record.expect("well formed");
        [0, 1, 4, 7, 11].map(|field| record[field].to_owned())
    };
    table.records().map(record).collect()
}

#[test]
fn a_killed_search_goes_on_and_tests_nothing_but_what_it_chooses() {
    let whole = folder();
    let output = run(SEARCH, whole.path(), &["--jobs", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let lines = said(&output);
    assert!(lines.contains(&format!("{SEARCH_JOBS} of {SEARCH_JOBS} jobs are done, 0 failed")), "{lines}");
    let expected = results(whole.path());

    let scores = scores(whole.path());
    let candidates: Vec<_> =
        scores.iter().filter(|row| row[0].starts_with("pre-trained, head_width=")).collect();
    let validated = || candidates.iter().filter(|row| row[2] == "validation");
    assert_eq!(validated().count(), 6, "{scores:?}");
    let error = |row: &[String; 5]| row[3].parse::<f64>().expect("an error");
    let best = validated().min_by(|left, right| error(left).total_cmp(&error(right))).expect("six");
    let marked: Vec<_> = validated().filter(|row| row[4] == "true").collect();
    assert_eq!(marked, [best]);
    let tested: Vec<_> = candidates.iter().filter(|row| row[2] == "test" && !row[3].is_empty()).collect();
    assert_eq!((tested.len(), &tested[0][0]), (1, &best[0]), "{scores:?}");
    let settings = best[0].strip_prefix("pre-trained, ").expect("a candidate");
    let chosen = format!("textbook_band_gap/mmpt/{}/1", settings.replace(", ", ","));
    let tests = ["textbook_band_gap/fresh/1".to_owned(), chosen];
    assert!(lines.contains(&format!("chosen for textbook_band_gap/mmpt/1: {settings}\n")), "{lines}");
    assert_eq!(
        jobs_with(whole.path(), "started").iter().filter(|job| job.starts_with("evaluate ")).count(),
        2
    );
    assert_eq!(cells_with(whole.path(), "evaluation.json"), tests);
    assert_eq!(cells_with(whole.path(), "validation_scores.json").len(), 7);

    let out = folder();
    let mut comparison = spawn(SEARCH, out.path());
    assert!(wait_for(&mut comparison, || jobs_with(out.path(), "finished").len() >= 4));
    kill(&mut comparison);
    assert_eq!(cells_with(out.path(), "evaluation.json"), [""; 0]);
    let output = loop {
        let output = run(SEARCH, out.path(), &["--quiet"]);
        if output.status.code() != Some(2) {
            break output;
        }
        sleep(Duration::from_millis(20));
    };
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(results(out.path()), expected);
    assert_eq!(cells_with(out.path(), "evaluation.json"), tests);
    let line = complaint(&run(SEARCH, out.path(), &["--on", "test"]));
    assert!(line.contains("search.toml:") && line.contains("ranked by the validation parts"), "{line}");
}

#[test]
fn numbers_and_classes_are_ranked_by_validation_parts_without_a_test() {
    let kept = folder();
    let task = kept.path().join("metals.toml");
    let definition = r#"
name = "metals"
description = "Whether a textbook crystal has a band gap."
store = "the store of these tests"
property = "band_gap_ev"
unit = "eV"
transform = "none"
metric = "balanced_accuracy"

[split]
rule = "column"
column = "split"

[classification]
classes = ["metal", "insulator"]
above = 0.1
"#;
    fs::write(&task, definition).expect("a writable folder");
    let section = format!(
        "[task.metals]\nfile = {:?}\nshards = [\"tests/trainer/store\"]\n\n[pretrain.mmpt]",
        text(&task)
    );
    let grid = changed_smoke(kept.path(), "[pretrain.mmpt]", &section);
    let text = fs::read_to_string(&grid).expect("the grid");
    let text = text.replace("tasks = [\"textbook_band_gap\"]", "tasks = [\"textbook_band_gap\", \"metals\"]");
    let text = text.replace("[\"fresh\", \"mmpt\"]", "[\"fresh\"]").replace("[0.5, 1.0]", "[1.0]");
    fs::write(&grid, text.replace("run.epochs = 10", "run.epochs = 2")).expect("a writable folder");

    let out = folder();
    let output = run(&grid, out.path(), &["--on", "validation"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(jobs_with(out.path(), "started").iter().all(|job| !job.starts_with("evaluate ")));
    assert_eq!(cells_with(out.path(), "evaluation.json"), [""; 0]);
    let table = fs::read_to_string(out.path().join("tables/models.md")).expect("a table");
    let header = "| Model | textbook_band_gap [eV], validation | metals [balanced accuracy], validation |\n";
    assert!(table.contains(header) && table.contains("Nothing was tested."), "{table}");
    assert!(table.contains("| Commonest training class | - | 0."), "{table}");

    let output = run(&grid, out.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let trained = |job: &&String| job.starts_with("finetune ");
    assert_eq!(
        jobs_with(out.path(), "started").iter().filter(trained).count(),
        2,
        "both were trained before"
    );
    let table = fs::read_to_string(out.path().join("tables/models.md")).expect("a table");
    assert!(table.contains("| metals [balanced accuracy] | metals (published) |"), "{table}");
    let figure = fs::read_to_string(out.path().join("figures/models.svg")).expect("a figure");
    assert!(figure.contains(">balanced accuracy<") && figure.contains(">MAE [eV]<"), "{figure}");
}
