//! `trainer config`, and options that all commands share.

use std::process::{Command, Stdio};

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
    let changed = [
        "config",
        "--set",
        "model.mmpt.hidden=24",
        "--set",
        "run.early_stop=4",
        "--seed",
        "7",
        "--batch",
        "5",
    ];
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
    // Of two ways on the command line none is above the other.
    let line = refused(&["config", "--seed", "4", "--set", "seed=5"]);
    assert!(line.contains("--seed: seed = 4: --set says 5"), "{line}");
    succeed(&["config", "--seed", "4", "--set", "seed=4"]);
}

#[test]
fn help_is_printed() {
    let help = succeed(&["--help"]);
    for command in ["pretrain", "embed", "config", "bench", "verify"] {
        assert!(help.contains(command), "{command}: {help}");
        assert!(succeed(&[command, "--help"]).contains("Usage: trainer"), "{command}");
    }
}
