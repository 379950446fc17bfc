//! What a Python user does with the files, by a real Python where `make .venv/complete` has installed one.

use std::path::Path;
use std::process::Command;

use crate::support::*;

/// A task on the test store.
const TASK: &str = r#"
name = "gaps"
description = "Band gaps of textbook crystals."
store = "the store of these tests"
property = "band_gap_ev"
unit = "eV"
transform = "none"
metric = "mae"
regime = "matbench"

[split]
rule = "column"
column = "split"
"#;

#[test]
fn the_head_computed_by_hand_gives_the_predictions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = root.join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: Python is not here; `make .venv/complete` installs it");
        return;
    }
    let (folder, store) = (folder(), store());
    let path = |name: &str| folder.path().join(name);
    let (task, out) = (path("task.toml"), path("gaps"));
    std::fs::write(&task, TASK).expect("a writable folder");
    let mut arguments =
        vec!["finetune", "--task", text(&task), "--shards", text(&store), "--out", text(&out)];
    arguments.extend(["--from-scratch", "--epochs", "3", "--threads", "1", "--quiet"]);
    arguments.extend(SMALL);
    succeed(&arguments);
    let weights = out.join("split/seed-123").join(BEST);
    let (embeddings, predictions) = (path("embeddings.parquet"), path("predictions.parquet"));
    let files = ["--weights", text(&weights), "--out"];
    succeed(&[&["embed", "--shards", text(&store)], &files[..], &[text(&embeddings)]].concat());
    succeed(&[&["predict", text(&store)], &files[..], &[text(&predictions)]].concat());
    let script = root.join("tests/python/head_by_hand.py");
    let output = Command::new(python)
        .arg(script)
        .args([&weights, &embeddings, &predictions])
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains(&format!("gaps: {CRYSTALS} of {CRYSTALS} crystals")), "{}", said(&output));
}
