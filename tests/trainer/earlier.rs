//! What version 0.1.0 wrote, under its names of the settings: its runs go on and are evaluated, its weights are
//! read and predict what they did.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Folder, GAPS, TRAINER, complaint, copy_folder, folder, root, said, text};

/// Settings of the pre-training in `earlier`, under today's names, in whole.
const SETTINGS: [&str; 11] = [
    "model.mmpt.hidden=4",
    "model.mmpt.structure_width=4",
    "model.mmpt.interaction_blocks=1",
    "model.mmpt.interaction_width=4",
    "model.mmpt.output_width=4",
    "model.mmpt.output_layers=1",
    "model.mmpt.lattice_width=2",
    "model.mmpt.lattice_heads=1",
    "model.mmpt.lattice_feed_forward=2",
    "pretrain.mmpt.decoder_width=4",
    "pretrain.mmpt.masking=independent",
];
/// The most by which a number may differ on another processor.
const TOLERANCE: f64 = 1e-3;

/// The folder from which the runs in `earlier` name their files.
fn tests() -> PathBuf {
    root().join("tests/trainer")
}

/// Runs the program there.
fn trainer(arguments: &[&str]) -> Output {
    Command::new(TRAINER).args(arguments).current_dir(tests()).output().expect("the program starts")
}

/// Runs the program there to its end; what it printed.
fn succeed(arguments: &[&str]) -> String {
    let output = trainer(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A copy of a folder in `earlier`.
fn copied(name: &str) -> Folder {
    let out = folder();
    copy_folder(&tests().join("earlier").join(name), out.path());
    out
}

/// Arguments that go on with the pre-training.
fn pretraining<'a>(out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["pretrain", "--shards", "store", "--out", text(out), "--quiet", "--resume"];
    arguments.extend(["--learning-rate", "1e-3", "--batch", "8", "--threads", "1", "--labels", "cell"]);
    arguments.extend(["--set", "pretrain.mmpt.loss.contrast.weight=0.1"]);
    arguments.extend(SETTINGS.iter().flat_map(|setting| ["--set", *setting]));
    arguments.extend(more);
    arguments
}

/// Predictions in a table, by identifier.
fn predictions(path: &Path) -> BTreeMap<String, f64> {
    let table = fs::read_to_string(path).expect("a table");
    let rows = table.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0].to_owned(), cells[4].parse().expect("a number"))
    });
    rows.collect()
}

#[test]
fn a_pre_training_goes_on_and_its_weights_are_read() {
    let out = copied("pretrain");
    let line = complaint(&trainer(&pretraining(out.path(), &["--set", "model.mmpt.hidden=5"])));
    assert!(line.contains("model.mmpt.hidden = 4, not 5"), "{line}");
    let printed = succeed(&pretraining(out.path(), &["--epochs", "2"]));
    assert!(printed.starts_with("2 epochs, 8 steps"), "{printed}");
    let table = out.path().join("table.parquet");
    let weights = "earlier/pretrain/best.safetensors";
    succeed(&["embed", "--weights", weights, "--shards", "store", "--out", text(&table)]);
    let again = folder();
    let begun = pretraining(again.path(), &["--weights", weights, "--epochs", "1"]);
    let begun: Vec<&str> = begun.into_iter().filter(|argument| *argument != "--resume").collect();
    succeed(&begun);
}

#[test]
fn a_fine_tuning_is_evaluated_and_goes_on() {
    let (out, of_task) = (copied("gaps"), folder());
    let printed = succeed(&["evaluate", text(out.path()), "--out", text(&of_task.path().join("evaluation"))]);
    assert!(printed.contains("MAE    3.48"), "{printed}");
    let task = of_task.path().join("task.toml");
    // The task in `earlier`, in today's form.
    fs::write(&task, GAPS.replace(" of textbook crystals", "").replace("these tests", "the tests"))
        .expect("writable");
    let arguments =
        ["finetune", "--task", text(&task), "--shards", "store", "--out", text(out.path()), "--quiet"];
    let more =
        ["--weights", "earlier/pretrain/best.safetensors", "--set", "finetune.head_width=4", "--resume"];
    let settings = ["--set", "optimiser.clip_norm=1.0", "--threads", "1", "--epochs", "2"];
    let printed = succeed(&[&arguments[..], &more, &settings].concat());
    assert!(printed.contains("of 2;"), "{printed}");
}

#[test]
fn weights_predict_what_they_did() {
    let out = folder();
    let table = out.path().join("predictions.csv");
    succeed(&["predict", "store", "--weights", "earlier/gaps", "--out", text(&table)]);
    let (found, expected) = (predictions(&table), predictions(&tests().join("earlier/predictions.csv")));
    assert!(!expected.is_empty() && found.keys().eq(expected.keys()));
    for (name, expected) in expected {
        assert!((found[&name] - expected).abs() < TOLERANCE, "{name}: {} and {expected}", found[&name]);
    }
}
