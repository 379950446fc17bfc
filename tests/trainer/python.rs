//! What a Python user does with the files, by a real Python where `make .venv/complete` has installed one.

use std::process::Command;

use crate::support::*;

#[test]
fn the_head_computed_by_hand_gives_the_predictions() {
    let root = root();
    let python = root.join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: Python is not here; `make .venv/complete` installs it");
        return;
    }
    let (tuned, store) = (tuned_on_gaps("1"), store());
    let weights = member_of(&tuned, 1);
    let path = |name: &str| tuned.path().join(name);
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
