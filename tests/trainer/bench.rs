//! `trainer bench` and `trainer pretrain --dry-run`.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use serde_json::Value;

use crate::support::*;

/// Crystals of a batch in these tests: an epoch is three batches of 8 and one of 2.
const BATCH: u64 = 8;
/// Timed steps: two epochs.
const STEPS: u64 = 8;
/// Line of `/proc/PID/status` with the peak of the resident memory.
#[cfg(target_os = "linux")]
const PEAK: &str = "VmHWM:";

/// The report of `trainer bench` on the store.
fn report(more: &[&str]) -> Value {
    let (store, batch, steps) = (store(), BATCH.to_string(), STEPS.to_string());
    let mut arguments = vec!["bench", "--json", "--shards", text(&store), "--threads", "1"];
    for (flag, value) in [("--batch", &batch), ("--steps", &steps)] {
        if !more.contains(&flag) {
            arguments.extend([flag, value]);
        }
    }
    arguments.extend(more);
    serde_json::from_str(&succeed(&arguments)).expect("JSON")
}

/// [`report`] on a small model.
fn small_report(more: &[&str]) -> Value {
    report(&[&SMALL[..], more].concat())
}

/// Atoms of the store's crystals, in its order.
fn atoms() -> Vec<u64> {
    let sites = rows(&store()).into_iter().flat_map(|batch| {
        batch["nsites"]
            .as_primitive::<UInt32Type>()
            .values()
            .iter()
            .map(|&sites| u64::from(sites))
            .collect::<Vec<_>>()
    });
    sites.collect()
}

#[test]
fn a_dry_run_takes_the_weights_as_the_run_does() {
    let (run, store) = (trained(&["--epochs", "1"]), store());
    let (best, none, out) =
        (run.path().join(BEST), run.path().join("none.safetensors"), run.path().join("out"));
    let dry = |more: &[&str]| trainer(small_run(&store, &out, &[&["--dry-run", "--weights"], more].concat()));
    let line = complaint(&dry(&[text(&none)]));
    assert!(line.contains("cannot read ") && line.contains("none.safetensors"), "{line}");
    let line = complaint(&dry(&[text(&best), "--set", "model.mmpt.hidden=8"]));
    assert!(line.contains("model.mmpt.hidden = 16, but 8 is needed"), "{line}");
    let ran = dry(&[text(&best)]);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
}

#[test]
fn a_dry_run_shows_sizes_and_trains_nothing() {
    let (parent, store) = (folder(), store());
    let out = parent.path().join("run");
    let said = succeed(&small_run(&store, &out, &["--dry-run", "--epochs", "3"]));
    for (name, needed) in [
        ("batch ", ": the mean of 10 drawn"),
        ("parameters ", " MiB"),
        ("step ", " ms in the middle; "),
        ("data path ", " crystals/s with 1 building thread"),
        ("memory ", "a run takes at most "),
        ("memory ", "the largest batch that can occur, 8 crystals with "),
        ("time ", "an epoch takes about "),
        ("time ", " s (3 epochs)"),
    ] {
        let line =
            said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {said}"));
        assert!(line.contains(needed), "{line}");
    }
    assert!(said.contains("hidden = 16"), "{said}");
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn a_run_that_may_stop_early_takes_at_most_so_long() {
    let (parent, store) = (folder(), store());
    let said = succeed(&small_run(&store, &parent.path().join("run"), &["--dry-run", "--early-stop", "5"]));
    assert!(said.contains(", the run at most about "), "{said}");
}

#[test]
fn a_benchmark_prints_json() {
    let report = small_report(&["--batch", "64", "--batch-triplets", "6000", "--steps", "3"]);
    let keys: Vec<_> = report.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = [
        "batches",
        "crystals_per_s",
        "data_path",
        "device",
        "estimate",
        "loss",
        "memory",
        "parameters",
        "seconds",
        "size",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&report["device"], &report["batches"]), (&"cpu".into(), &3.into()));
    let size = &report["size"];
    assert!(
        number(&size["triplets"]) <= 6000.0 && number(&size["triplets"]) > number(&size["edges"]),
        "{size}"
    );
    assert!(number(&size["edges"]) >= 12.0 * number(&size["atoms"]) - 12.0, "{size}");
    assert!(number(&size["atoms"]) >= number(&size["crystals"]), "{size}");
    for part in ["preparation", "gradients", "norm", "optimizer", "step"] {
        let [min, median, max] = ["min", "median", "max"].map(|name| number(&report["seconds"][part][name]));
        assert!(0.0 < min && min <= median && median <= max, "{part}: {report}");
    }
    assert!(number(&report["crystals_per_s"]) > 0.0);
    assert!(number(&report["data_path"]["crystals_per_s"]) > 0.0);
    assert_eq!(report["data_path"]["workers"], 1);
    assert!(number(&report["loss"]).is_finite());
    let [epoch, run] = ["epoch_seconds", "run_seconds"].map(|name| number(&report["estimate"][name]));
    assert!(epoch > 0.0 && (run / (50.0 * epoch) - 1.0).abs() < 1e-9, "{report}");
}

#[test]
fn batches_are_drawn_from_the_whole_store() {
    let atoms = atoms();
    let drawn = small_report(&[]);
    // Two warm up, then all crystals come twice, in four batches each time.
    let mean = atoms.iter().sum::<u64>() as f64 / 4.0;
    assert_eq!(number(&drawn["size"]["atoms"]), mean.round(), "{drawn}");
    assert_eq!(drawn["batches"], STEPS);
    let again = small_report(&[]);
    assert_eq!((&again["loss"], &again["size"]), (&drawn["loss"], &drawn["size"]), "the same seed");
    assert_ne!(small_report(&["--seed", "5"])["loss"], drawn["loss"], "another seed");
}

#[test]
fn the_first_batch_can_be_timed_alone() {
    let first = small_report(&["--first-batch"]);
    let expected: u64 = atoms().iter().take(8).sum();
    assert_eq!((&first["size"]["crystals"], &first["size"]["atoms"]), (&BATCH.into(), &expected.into()));
    assert!(first["estimate"].is_null(), "{first}");
}

#[test]
fn the_largest_batch_holds_the_largest_crystals() {
    let mut atoms = atoms();
    atoms.sort_unstable_by(|a, b| b.cmp(a));
    let report = small_report(&["--batch", "3"]);
    let largest = &report["memory"]["largest_batch"];
    assert_eq!(largest["crystals"], 3);
    assert!(number(&largest["size"]["atoms"]) <= atoms.iter().take(3).sum::<u64>() as f64, "{largest}");
    assert!(number(&largest["size"]["edges"]) >= 12.0 * atoms[0] as f64, "{largest}");
    let bounded = small_report(&["--batch", "3", "--batch-triplets", "500"]);
    let bytes = |report: &Value| number(&report["memory"]["largest_batch_bytes"]);
    assert!(bytes(&bounded) < bytes(&report), "{bounded} {report}");
}

/// Waits for the end of a run and returns its peak memory in bytes.
#[cfg(target_os = "linux")]
fn peak(mut run: Child) -> f64 {
    let mut peak = 0.0_f64;
    loop {
        let state = fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap_or_default();
        let line = state.lines().find_map(|line| line.strip_prefix(PEAK));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
        peak = peak.max(1024.0 * kibibytes.unwrap_or(0.0));
        if let Some(status) = run.try_wait().expect("its state") {
            assert!(status.success(), "{status}");
            return peak;
        }
        sleep(Duration::from_millis(2));
    }
}

/// The paper's model, with all crystals in a batch, with few, and with a budget of triplets.
#[cfg(target_os = "linux")]
#[test]
fn no_run_takes_more_memory_than_was_said() {
    let store = store();
    for more in [&["--batch", "64"][..], &["--batch", "4"], &["--batch", "64", "--batch-triplets", "9000"]] {
        let out = folder();
        let bound = number(&report(&[more, &["--steps", "1"]].concat())["memory"]["bound_bytes"]);
        let mut arguments = vec!["pretrain", "--shards", text(&store), "--out", text(out.path()), "--quiet"];
        arguments.extend(["--threads", "1", "--epochs", "3"]);
        arguments.extend(more);
        let run = Command::new(TRAINER).args(arguments).stdout(Stdio::null()).spawn();
        let peak = peak(run.expect("the program starts"));
        assert!(peak <= bound, "{more:?}: {peak} bytes, at most {bound} were announced");
        assert!(peak > 0.2 * bound, "{more:?}: {bound} bytes were announced for {peak}");
    }
}
