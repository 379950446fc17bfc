//! Event files for TensorBoard, and TensorBoard's own reading of them where `make .venv/complete` has installed it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::*;

/// The first and the second event file of a run.
const FIRST: &str = "events.out.tfevents.0000000000.mmpt";
const SECOND: &str = "events.out.tfevents.0000000001.mmpt";
/// Relative precision of the numbers in event files, which are singles.
const SINGLE: f64 = 1e-6;
/// Crystals of an epoch fill four batches.
const STEPS_AN_EPOCH: u64 = 4;

/// Pre-trains a small model.
fn pretrain(out: &Path, more: &[&str]) {
    succeed(&small_run(&store(), out, more));
}

/// The curves that TensorBoard reads in a folder, by name: pairs of step and value. `None` without Python.
fn read_by_tensorboard(folder: &Path) -> Option<Value> {
    let python = root().join(".venv/bin/python");
    let has_tensorboard = Command::new(&python)
        .args(["-c", "import tensorboard"])
        .output()
        .is_ok_and(|run| run.status.success());
    if !has_tensorboard {
        println!("skipped: TensorBoard is not here; `make .venv/complete` installs it");
        return None;
    }
    let script = root().join("tests/python/read_events.py");
    let output = Command::new(python).arg(script).arg(folder).output().expect("it starts");
    assert!(output.status.success(), "{}", said(&output));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Whether a curve has exactly the numbers of records.
fn assert_curve(curves: &Value, tag: &str, records: &[Value], value: impl Fn(&Value) -> &Value) {
    let points = curves[tag].as_array().unwrap_or_else(|| panic!("no curve {tag}: {curves}"));
    assert_eq!(points.len(), records.len(), "{tag}");
    for (point, record) in points.iter().zip(records) {
        assert_eq!(point[0], record["step"], "{tag}");
        let (read, recorded) = (number(&point[1]), number(value(record)));
        assert!((read - recorded).abs() <= SINGLE * recorded.abs(), "{tag}: {read} {recorded}");
    }
}

/// Whether the curves are those of the records of a run.
fn assert_curves(curves: &Value, run: &Path) {
    let (steps, epochs) = (records_of(run, "step"), records_of(run, "epoch"));
    for term in steps[0]["losses"].as_object().expect("losses").keys() {
        assert_curve(curves, &format!("step/{term}"), &steps, |record| &record["losses"][term]);
        assert_curve(curves, &format!("train/{term}"), &epochs, |record| &record["train"][term]);
    }
    assert_curve(curves, "optimiser/learning_rate", &steps, |record| &record["learning_rate"]);
    assert_curve(curves, "optimiser/gradient_norm", &steps, |record| &record["gradient_norm"]);
    assert_curve(curves, "speed/step_crystals_per_second", &steps, |record| &record["crystals_per_second"]);
    assert_curve(curves, "speed/epoch_crystals_per_second", &epochs, |record| &record["crystals_per_second"]);
}

#[test]
fn event_files_change_nothing_else_and_have_every_record() {
    let folder = folder();
    let (plain, watched, boards) =
        (folder.path().join("plain"), folder.path().join("watched"), folder.path().join("boards"));
    let settings =
        ["--epochs", "2", "--set", "data.validation=hash", "--set", "data.validation_fraction=0.3"];
    pretrain(&plain, &settings);
    pretrain(&watched, &[&settings[..], &["--tensorboard", text(&boards)]].concat());
    for file in [BEST, CHECKPOINT] {
        assert!(bytes(&plain, file) == bytes(&watched, file), "{file}");
    }
    assert_eq!(lasting_records(&plain), lasting_records(&watched));
    let events = boards.join("watched");
    assert!(events.join(FIRST).exists() && !events.join(SECOND).exists());
    if let Some(curves) = read_by_tensorboard(&events) {
        assert_curves(&curves, &watched);
        let epochs = records_of(&watched, "epoch");
        assert_curve(&curves, "validation/loss", &epochs, |record| &record["validation"]["loss"]);
    }
}

#[test]
fn a_resumed_run_goes_on_in_another_file_without_steps_twice() {
    let folder = folder();
    let (out, boards) = (folder.path().join("run"), folder.path().join("boards"));
    let arguments = ["--epochs", "3", "--set", "run.checkpoint_steps=3", "--tensorboard", text(&boards)];
    // Killed after the checkpoint of the third step, before or after some more.
    let whole = 5;
    kill_and_resume(&small_run(&store(), &out, &arguments), &out, whole);
    let events = boards.join("run");
    assert!(events.join(FIRST).exists() && events.join(SECOND).exists());
    assert_eq!(records_of(&out, "step").len() as u64, 3 * STEPS_AN_EPOCH);
    if let Some(curves) = read_by_tensorboard(&events) {
        // The numbers of an uninterrupted run; its speeds are those of either process.
        let steps = records_of(&out, "step");
        assert_curve(&curves, "step/loss", &steps, |record| &record["losses"]["loss"]);
        assert_curve(&curves, "train/loss", &records_of(&out, "epoch"), |record| &record["train"]["loss"]);
    }
}

#[test]
fn runs_do_not_mix_their_files() {
    let folder = folder();
    let (out, boards) = (folder.path().join("run"), folder.path().join("boards"));
    let watched = ["--epochs", "1", "--tensorboard", text(&boards)];
    pretrain(&out, &watched);
    let other = folder.path().join("other/run");
    let line = refused(&small_run(&store(), &other, &watched));
    assert!(line.contains("run holds the event files of another run; give --tensorboard another"), "{line}");
    assert!(!other.exists());
    // What is replaced takes its files with it, and no other.
    let events = boards.join("run");
    fs::write(events.join("events.out.tfevents.1700000000.elsewhere"), "mine").expect("writable");
    let before = fs::read(events.join(FIRST)).expect("it is there");
    pretrain(&out, &[&watched[..], &["--overwrite"]].concat());
    assert_ne!(fs::read(events.join(FIRST)).expect("it is there"), before);
    assert!(
        !events.join(SECOND).exists() && events.join("events.out.tfevents.1700000000.elsewhere").exists()
    );

    let file = folder.path().join("file");
    fs::write(&file, "mine").expect("writable");
    let line = refused(&small_run(&store(), &other, &["--epochs", "1", "--tensorboard", text(&file)]));
    assert!(line.contains("cannot ") && line.contains("file"), "{line}");
}

#[test]
fn every_member_of_a_fine_tuning_has_curves_of_its_own() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (task, out, boards, store) = (path("task.toml"), path("gaps"), path("boards"), store());
    fs::write(&task, GAPS).expect("a writable folder");
    let more = ["--epochs", "2", "--seeds", "1,2", "--tensorboard", text(&boards)];
    succeed(&small_tuning(&task, &out, &more, &store));
    for seed in [1, 2] {
        let member = format!("split/seed-{seed}");
        let events = boards.join("gaps").join(&member);
        assert!(events.join(FIRST).exists(), "{member}");
        if let Some(curves) = read_by_tensorboard(&events) {
            assert_curves(&curves, &out.join(&member));
        }
    }
}
