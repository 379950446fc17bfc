//! Killed runs: what is there is whole, and a resumed run ends in the same bytes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use schemas::layout::StorePaths;

use crate::support::*;

/// Kills of a run, at moments spread over its length.
const KILLS: u64 = 12;

fn spawn(input: &Path, out: &Path, more: &[&str]) -> std::process::Child {
    Command::new(ETL)
        .args([
            "build",
            "cif",
            "--input",
            text(input),
            "--out",
            text(out),
            "--threads",
            "2",
            "--quiet",
            "--allow-rejects",
        ])
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

#[test]
fn a_killed_run_resumes_to_the_same_bytes() {
    let raw = folder();
    many_cifs(raw.path(), 5);
    for order in ["source", "shuffle:3"] {
        let options = ["--shard-rows", "150", "--row-group-rows", "40", "--order", order];
        let whole = folder();
        let start = std::time::Instant::now();
        let status = spawn(raw.path(), whole.path(), &options).wait().expect("it ends");
        assert!(status.success());
        let length = start.elapsed();

        let out = folder();
        let mut unfinished = 0;
        for kill in 0..KILLS {
            let mut run = spawn(raw.path(), out.path(), &[&options[..], &["--resume"]].concat());
            sleep(length * u32::try_from(kill + 1).expect("small") / u32::try_from(KILLS).expect("small"));
            run.kill().expect("SIGKILL is sent");
            run.wait().expect("it ended");
            for (name, bytes) in tree(out.path()) {
                if name.ends_with(".parquet") && !name.starts_with(".build") {
                    assert_eq!(&bytes[bytes.len() - 4..], b"PAR1", "{name} is whole");
                }
            }
            if StorePaths::new(out.path()).is_finished() {
                break;
            }
            unfinished += 1;
        }
        assert!(unfinished > 0, "no run was killed on its way");
        let status =
            spawn(raw.path(), out.path(), &[&options[..], &["--resume"]].concat()).wait().expect("it ends");
        assert!(status.success());
        assert_same(whole.path(), out.path(), order);
    }
}

#[test]
fn an_interrupted_run_is_not_overwritten_unasked() {
    let raw = folder();
    many_cifs(raw.path(), 2);
    let out = folder();
    let options = ["--shard-rows", "20", "--row-group-rows", "20"];
    let mut run = spawn(raw.path(), out.path(), &options);
    // The journal is there from the beginning; it names a shard as soon as there is one.
    let journal = out.path().join(".build/journal.json");
    while !std::fs::read_to_string(&journal).is_ok_and(|journal| journal.contains(".parquet")) {
        assert!(run.try_wait().expect("its state").is_none(), "the run ended before its first shard");
        sleep(Duration::from_millis(1));
    }
    run.kill().expect("SIGKILL is sent");
    run.wait().expect("it ended");
    assert!(!StorePaths::new(out.path()).is_finished());

    let refused = build("cif", raw.path(), out.path(), &options, 2);
    assert!(complaint(&refused).contains("--resume goes on with it, --force starts anew"));
    let other = ["--shard-rows", "30", "--row-group-rows", "20", "--resume"];
    let refused = build("cif", raw.path(), out.path(), &other, 2);
    assert!(complaint(&refused).contains("the interrupted build has shard_rows = 20"), "{}", said(&refused));

    let removed = raw.path().join("K-bad-00.cif");
    std::fs::remove_file(&removed).expect("removed");
    let refused = build("cif", raw.path(), out.path(), &[&options[..], &["--resume"]].concat(), 2);
    assert!(complaint(&refused).contains("another state of"), "{}", said(&refused));
    build("cif", raw.path(), out.path(), &[&options[..], &["--force"]].concat(), 1);
    assert_eq!(manifest(out.path()).counts.rejected, 39);
}

#[test]
fn ctrl_c_leaves_a_run_that_resumes() {
    let raw = folder();
    many_cifs(raw.path(), 4);
    let (whole, out) = (folder(), folder());
    let options = ["--shard-rows", "60", "--row-group-rows", "20"];
    assert!(spawn(raw.path(), whole.path(), &options).wait().expect("it ends").success());
    let mut run = spawn(raw.path(), out.path(), &options);
    while !out.path().join(".build/journal.json").exists() {
        sleep(Duration::from_millis(1));
    }
    let interrupt = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill runs");
    assert!(interrupt.success());
    let status = run.wait().expect("it ends");
    if !StorePaths::new(out.path()).is_finished() {
        assert_eq!(status.code(), Some(130));
    }
    let status =
        spawn(raw.path(), out.path(), &[&options[..], &["--resume"]].concat()).wait().expect("it ends");
    assert!(status.success());
    assert_same(whole.path(), out.path(), "after Ctrl-C");
}
