//! The path of a CUDA device, taken by libtorch on the CPU: batches are uploaded by a thread, parameters are joined, and
//! the losses of several steps are read together.

use std::path::Path;

use serde_json::Value;

use crate::support::*;

/// libtorch on the path of a CUDA device.
const AS_CUDA: [&str; 4] = ["--device", "libtorch-as-cuda", "--threads", "1"];
/// Relative difference of losses and norms, after some steps, between two orders of summation in single precision, and
/// between bases of vectors in double and in single precision.
const TOLERANCE: f64 = 5e-4;

/// Trains on a device and returns the records without what differs from run to run.
fn records_on(device: &[&str], more: &[&str]) -> Vec<Value> {
    lasting_records(trained(&[device, more].concat()).path())
}

/// Checks that two values are equal but for the rounding of numbers.
fn assert_close(found: &Value, expected: &Value, place: &str) {
    match (found, expected) {
        (Value::Number(_), Value::Number(_)) => {
            let (found, expected) = (number(found), number(expected));
            let limit = TOLERANCE * expected.abs().max(TOLERANCE);
            assert!((found - expected).abs() <= limit, "{place}: {found} is not {expected}");
        }
        (Value::Object(found), Value::Object(expected)) => {
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{place}");
            for (key, found) in found {
                assert_close(found, &expected[key], &format!("{place}.{key}"));
            }
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

fn assert_all_close(found: &[Value], expected: &[Value]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_close(found, expected, &format!("record {index}"));
    }
}

#[test]
fn a_device_takes_the_steps_of_the_host() {
    for more in [
        &["--epochs", "4"][..],
        // Clipped at every step, several batches a step, and checkpoints between two readings.
        &["--epochs", "3", "--set", "optimiser.clip_norm=0.5", "--set", "run.checkpoint_steps=3"],
        &["--epochs", "3", "--set", "optimiser.accumulate=3", "--set", "data.validation=split"],
    ] {
        assert_all_close(&records_on(&AS_CUDA, more), &records_on(&["--device", "libtorch"], more));
    }
}

#[test]
fn the_host_s_time_is_recorded_by_parts() {
    let out = trained(&[&AS_CUDA[..], &["--epochs", "2"]].concat());
    for step in records_of(out.path(), "step") {
        let seconds = step["host_seconds"].as_object().expect("parts");
        let parts = ["backward", "forward", "norm", "optimiser", "read", "record", "upload", "wait"];
        assert_eq!(seconds.keys().collect::<Vec<_>>(), parts);
        assert!(["forward", "backward", "optimiser"].iter().all(|part| number(&seconds[*part]) > 0.0));
        assert_eq!(number(&seconds["upload"]), 0.0, "a thread of its own does that");
    }
}

#[test]
fn a_device_gets_ends_vectors_and_labels_alone() {
    let size = |device: &[&str]| {
        let store = store();
        let mut arguments = vec!["bench", "--shards", text(&store), "--json", "--steps", "1"];
        arguments.extend(device);
        let report: Value = serde_json::from_str(&succeed(&arguments)).expect("JSON");
        report["size"].clone()
    };
    assert_eq!(size(&["--device", "libtorch"])["uploaded_bytes"], 0);
    let size = size(&AS_CUDA);
    // Source, reverse and direction, and a vector of three, of every edge; less than as much again of the atoms.
    let [bytes, edges] = ["uploaded_bytes", "edges"].map(|key| number(&size[key]));
    assert!((24.0 * edges..32.0 * edges).contains(&bytes), "{size}");
    for step in records_of(trained(&[&AS_CUDA[..], &["--epochs", "1"]].concat()).path(), "step") {
        assert!(number(&step["uploaded_bytes"]) > 0.0 && step.get("gpu_busy").is_none(), "{step}");
    }
}

#[test]
fn a_killed_run_on_a_device_goes_on_where_it_stopped() {
    let options = [&AS_CUDA[..], &["--epochs", "6", "--set", "run.checkpoint_steps=2"]].concat();
    let whole = trained(&options);
    let out = folder();
    let store = store();
    kill_and_resume(&small_run(&store, out.path(), &options), out.path(), 9);
    assert_all_close(&lasting_records(out.path()), &lasting_records(whole.path()));
}

#[test]
fn a_divergence_on_a_device_is_that_of_its_batch() {
    let list = |device: &[&str], out: &Path| -> (Value, Vec<Value>) {
        let options = [device, &["--learning-rate", "1e30", "--epochs", "2"]].concat();
        refused(&small_run(&store(), out, &options));
        let list = std::fs::read_to_string(out.join("diverged.json")).expect("a list");
        (serde_json::from_str(&list).expect("JSON"), lasting_records(out))
    };
    let (here, there) = (folder(), folder());
    let (on_host, records) = list(&["--device", "libtorch"], here.path());
    let (on_device, recorded) = list(&AS_CUDA, there.path());
    assert_eq!(on_device["material_ids"], on_host["material_ids"]);
    assert_eq!(on_device["batch"], on_host["batch"]);
    assert_all_close(&recorded, &records);
}

#[test]
fn the_fixture_agrees_on_the_path_of_a_device() {
    for fixture in ["tests/golden", "tests/golden/systems"] {
        let table = succeed(&["verify", text(&root().join(fixture)), "--device", "libtorch-as-cuda"]);
        assert!(!table.contains("beyond"), "{fixture}: {table}");
    }
}
