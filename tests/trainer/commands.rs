//! `trainer config`, `trainer bench` and `trainer pretrain --dry-run`.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::*;

#[test]
fn the_default_configuration_is_the_papers() {
    let config = succeed(&["config"]);
    for line in [
        "seed = 123",
        "epochs = 50",
        "batch_crystals = 64",
        "learning_rate = 1e-5",
        "kind = \"adam\"",
        "select = \"train\"",
        "labels = \"centred\"",
    ] {
        assert!(config.lines().any(|it| it == line), "{line}: {config}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut program = Command::new(TRAINER);
    program.arg("config").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().expect("the program starts");
    drop(program.stdout.take());
    let output = program.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()));
}

#[test]
fn a_printed_configuration_reads_back() {
    let folder = folder();
    let path = folder.path().join("config.toml");
    let changed =
        ["config", "--set", "model.hidden=24", "--set", "run.early_stop=4", "--seed", "7", "--batch", "5"];
    for arguments in [&["config"][..], &changed] {
        let printed = succeed(arguments);
        std::fs::write(&path, &printed).expect("writable");
        assert_eq!(succeed(&["config", "--config", text(&path)]), printed);
    }
    let read = succeed(&["config", "--config", text(&path), "--set", "seed=8"]);
    assert!(
        read.contains("seed = 8") && read.contains("hidden = 24") && read.contains("early_stop = 4"),
        "{read}"
    );
    assert!(read.contains("batch_crystals = 5"), "{read}");
}

#[test]
fn a_short_file_is_filled_with_defaults_and_flags_win() {
    let folder = folder();
    let path = folder.path().join("short.toml");
    std::fs::write(&path, "seed = 3\n[optimiser]\nlearning_rate = 0.5\n").expect("writable");
    let printed = succeed(&["config", "--config", text(&path), "--seed", "4"]);
    let expected = succeed(&["config", "--set", "optimiser.learning_rate=0.5", "--set", "seed=4"]);
    assert_eq!(printed, expected);
}

#[test]
fn a_dry_run_shows_sizes_and_trains_nothing() {
    let (parent, store) = (folder(), store());
    let out = parent.path().join("run");
    let said = succeed(&small_run(&store, &out, &["--dry-run"]));
    for (name, needed) in [
        ("batch ", "8 crystals, "),
        ("parameters ", " MiB"),
        ("step ", " ms in the middle; "),
        ("data path ", " crystals/s with 1 building thread(s)"),
        ("memory ", " MiB resident"),
    ] {
        let line =
            said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {said}"));
        assert!(line.contains(needed), "{line}");
    }
    assert!(said.contains("hidden = 16"), "{said}");
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn a_benchmark_prints_json() {
    let store = store();
    let mut arguments = vec!["bench", "--json", "--steps", "3", "--batch", "64", "--batch-triplets", "6000"];
    arguments.extend(["--shards", text(&store), "--threads", "1"]);
    arguments.extend(SMALL);
    let report: Value = serde_json::from_str(&succeed(&arguments)).expect("JSON");
    let keys: Vec<_> = report.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = [
        "crystals_per_s_min_step",
        "data_path",
        "device",
        "estimated_batch_bytes",
        "loss",
        "parameters",
        "resident_bytes",
        "seconds",
        "size",
    ];
    assert_eq!(keys, expected);
    assert_eq!(report["device"], "cpu");
    let size = &report["size"];
    assert!(
        number(&size["triplets"]) <= 6000.0 && number(&size["triplets"]) > number(&size["edges"]),
        "{size}"
    );
    assert!(number(&size["edges"]) >= 12.0 * number(&size["atoms"]), "{size}");
    assert!(number(&size["atoms"]) >= number(&size["crystals"]), "{size}");
    for part in ["gradients", "optimizer", "step"] {
        let [min, median, max] = ["min", "median", "max"].map(|name| number(&report["seconds"][part][name]));
        assert!(0.0 < min && min <= median && median <= max, "{part}: {report}");
    }
    let rate = number(&size["crystals"]) / number(&report["seconds"]["step"]["min"]);
    assert!((number(&report["crystals_per_s_min_step"]) / rate - 1.0).abs() < 1e-9);
    assert!(number(&report["data_path"]["crystals_per_s"]) > 0.0);
    assert_eq!(report["data_path"]["workers"], 1);
    assert!(number(&report["loss"]).is_finite());
}

#[test]
fn help_is_printed() {
    let help = succeed(&["--help"]);
    for command in ["pretrain", "embed", "config", "bench", "verify"] {
        assert!(help.contains(command), "{command}: {help}");
        assert!(succeed(&[command, "--help"]).contains("Usage: trainer"), "{command}");
    }
}
