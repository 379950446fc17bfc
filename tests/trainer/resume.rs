//! Killed and interrupted runs end, once resumed, in the bytes of a run that was left alone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::*;

/// A run long enough to be killed in, with a checkpoint after every second step.
const LONG: [&str; 4] = ["--epochs", "16", "--set", "run.checkpoint_steps=2"];
/// Records of such a run: 16 epochs of 4 steps, and one of each epoch.
const RECORDS: usize = 80;
/// After so many new records comes the next kill.
const STRIDES: [usize; 6] = [0, 3, 14, 1, 20, 6];
/// And so many milliseconds later, so that it hits other moments than the writing of a record.
const DELAYS: [u64; 6] = [3, 0, 1, 2, 5, 0];

/// Goes on with a run and waits for its end.
fn finish(out: &Path, options: &[&str]) {
    succeed(&small_run(&store(), out, &[options, &["--resume"]].concat()));
}

/// Kills a run and its successors, then lets the last one finish; how many were killed on their way.
fn kill_and_finish(out: &Path, options: &[&str]) -> usize {
    let mut killed = 0;
    for (stride, delay) in STRIDES.into_iter().zip(DELAYS) {
        let resumed = [options, if killed == 0 { &[] } else { &["--resume"] }].concat();
        let before = lines_of(out);
        let mut run = spawn(out, &resumed);
        let ready = || match stride {
            0 => out.join(".lock").exists(),
            // The records behind the last checkpoint are cut off first.
            stride => lines_of(out) >= before + stride,
        };
        let alive = wait_for(&mut run, ready);
        sleep(Duration::from_millis(delay));
        kill(&mut run);
        if !alive {
            break;
        }
        killed += 1;
    }
    finish(out, options);
    killed
}

#[test]
fn a_killed_run_resumes_to_the_same_bytes() {
    let loads: [&[&str]; 4] = [
        &[],
        &[
            "--set",
            "optimiser.accumulate=3",
            "--set",
            "schedule.kind=onecycle",
            "--set",
            "optimiser.clip_norm=5",
        ],
        &[
            "--batch-triplets",
            "4000",
            "--set",
            "data.validation=hash",
            "--set",
            "data.validation_fraction=0.3",
            "--set",
            "data.shuffle_buffer=7",
            "--set",
            "run.select=validation",
        ],
        &[
            "--set",
            "optimiser.kind=sgd",
            "--set",
            "optimiser.clip_norm=1",
            "--set",
            "schedule.kind=steps",
            "--set",
            "schedule.steps.epochs=[3, 9]",
            "--set",
            "data.drop_incomplete=true",
            "--set",
            "run.select=last",
        ],
    ];
    for load in loads {
        let options = [&LONG[..], load].concat();
        let whole = trained(&options);
        let out = folder();
        let killed = kill_and_finish(out.path(), &options);
        assert!(killed >= 3, "killed {killed} times: {load:?}");
        assert_same_run(whole.path(), out.path(), &format!("{load:?}"));
        assert!(out.path().join("curves.svg").exists());
        let partial = std::fs::read_dir(out.path()).expect("a folder").filter(|entry| {
            let name = entry.as_ref().expect("an entry").file_name();
            name.to_string_lossy().contains("partial")
        });
        assert_eq!(partial.count(), 0, "what killed runs left is removed");
    }
}

#[test]
fn a_run_that_began_with_given_weights_resumes_with_them() {
    let earlier = trained(&["--epochs", "5", "--seed", "9"]);
    let weights = earlier.path().join(BEST);
    // No checkpoint but the first one before the kill.
    let options = ["--epochs", "12"];
    let whole = folder();
    let first = [&options[..], &["--weights", text(&weights)]].concat();
    succeed(&small_run(&store(), whole.path(), &first));
    let out = folder();
    let mut run = spawn(out.path(), &first);
    assert!(wait_for(&mut run, || lines_of(out.path()) >= 1), "it ended too early");
    kill(&mut run);
    finish(out.path(), &options);
    assert_same_run(whole.path(), out.path(), "--weights");
}

#[test]
fn ctrl_c_saves_and_a_resumed_run_goes_on() {
    // Without checkpoints in the middle of an epoch: what is there was saved by Ctrl-C.
    let options = ["--epochs", "10", "--batch", "1"];
    let whole = trained(&options);
    let out = folder();
    let mut interrupted = 0;
    for wanted in [3, 41, 120] {
        let resumed = [&options[..], if interrupted == 0 { &[] } else { &["--resume"] }].concat();
        let mut run = spawn(out.path(), &resumed);
        if !wait_for(&mut run, || lines_of(out.path()) >= wanted) {
            break;
        }
        interrupt(&run);
        let output = run.wait_with_output().expect("it ends");
        if output.status.code() == Some(0) {
            break;
        }
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        let steps = records_of(out.path(), "step").len() as u64;
        let epoch = steps.div_ceil(CRYSTALS);
        let line = format!("interrupted in epoch {epoch}; --resume goes on from {}\n", out.path().display());
        assert_eq!(String::from_utf8_lossy(&output.stdout), line);
        interrupted += 1;
        let kept = lasting_records(out.path());
        assert_eq!(kept[..], lasting_records(whole.path())[..kept.len()], "no step is lost");
    }
    assert!(interrupted >= 1, "no run was interrupted on its way");
    finish(out.path(), &options);
    assert_same_run(whole.path(), out.path(), "after Ctrl-C");
}

#[test]
fn a_job_that_ignores_ctrl_c_starts() {
    let out = folder();
    let status = Command::new("sh")
        .args(["-c", "trap '' INT; exec \"$0\" \"$@\"", TRAINER])
        .args(small_run(&store(), out.path(), &["--epochs", "1"]))
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("sh starts").success());
    assert_eq!(records_of(out.path(), "epoch").len(), 1);
}

#[test]
fn a_finished_run_can_be_resumed_and_made_longer() {
    let (out, whole) = (trained(&["--epochs", "4"]), trained(&["--epochs", "7"]));
    let before = (records(out.path()), bytes(out.path(), CHECKPOINT));
    finish(out.path(), &["--epochs", "4"]);
    assert_eq!((records(out.path()), bytes(out.path(), CHECKPOINT)), before, "there was nothing to do");
    finish(out.path(), &["--epochs", "7"]);
    assert_same_run(whole.path(), out.path(), "made longer");
    assert!(bytes(whole.path(), "config.toml") == bytes(out.path(), "config.toml"));
}

#[test]
fn a_run_does_not_go_on_with_other_shards() {
    let (stored, out) = (folder(), folder());
    for shard in shards(&store()) {
        std::fs::copy(&shard, stored.path().join(shard.file_name().expect("a name"))).expect("writable");
    }
    let pattern = stored.path().join("*.parquet");
    succeed(&small_run(&pattern, out.path(), &["--epochs", "1"]));
    let go_on = ["--epochs", "2", "--resume"];
    succeed(&small_run(&pattern, out.path(), &go_on));
    std::fs::remove_file(&shards(stored.path())[1]).expect("it is there");
    let before = (records(out.path()), bytes(out.path(), CHECKPOINT));
    let line = refused(&small_run(&pattern, out.path(), &["--epochs", "3", "--resume"]));
    assert!(line.contains("the shards have changed since the run in"), "{line}");
    assert_eq!((records(out.path()), bytes(out.path(), CHECKPOINT)), before);
}

#[test]
fn records_are_whole_lines_whenever_a_run_is_killed() {
    let out = folder();
    let mut run = spawn(out.path(), &LONG);
    assert!(wait_for(&mut run, || lines_of(out.path()) >= RECORDS / 5), "it ended too early");
    kill(&mut run);
    let text = std::fs::read_to_string(out.path().join("metrics.jsonl")).expect("records");
    assert!(text.ends_with('\n'));
    assert!(records(out.path()).len() < RECORDS);
    // A record of which a power failure left a part.
    std::fs::write(out.path().join("metrics.jsonl"), format!("{text}{{\"kind\":\"st")).expect("writable");
    finish(out.path(), &LONG);
    assert_same_run(trained(&LONG).path(), out.path(), "after a torn record");
}
