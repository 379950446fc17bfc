//! A run from its first line to its last: what it writes, and what it says meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::support::*;

/// The loss terms (specification, section 6), and their weighted sum.
const TERMS: [&str; 8] = ["L_A", "L_BT", "L_Die", "L_Dis", "L_L", "L_Unit", "L_X", "loss"];
/// Default weights of the terms, in their order.
const WEIGHTS: [f64; 7] = [5.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0];
/// Relative agreement of sums of single-precision numbers.
const SINGLE: f64 = 1e-5;

/// Names of the files of a run, those of `last` included.
fn files(out: &std::path::Path) -> BTreeSet<String> {
    let names = |folder: &std::path::Path| -> Vec<String> {
        let entries =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        entries.map(|name| name.to_string_lossy().into_owned()).collect()
    };
    let last = names(&out.join("last")).into_iter().map(|name| format!("last/{name}"));
    names(out).into_iter().filter(|name| name != "last").chain(last).collect()
}

/// Mean loss of an epoch.
fn mean_loss(record: &Value) -> f64 {
    number(&record["train"]["loss"])
}

/// A run that reports its progress.
fn reporting(out: &std::path::Path, more: &[&str]) -> Output {
    let (store, mut more) = (store(), more.to_vec());
    more.extend(["--epochs", "3"]);
    let arguments = small_run(&store, out, &more);
    trainer(arguments.into_iter().filter(|argument| *argument != "--quiet"))
}

#[test]
fn a_run_leaves_its_whole_folder() {
    let out = trained(&["--epochs", "6"]);
    let expected = [
        ".lock",
        "best.safetensors",
        "card.md",
        "config.toml",
        "curves.svg",
        "last/checkpoint.safetensors",
        "metrics.jsonl",
    ];
    assert_eq!(files(out.path()), expected.map(str::to_owned).into_iter().collect());

    let config = fs::read_to_string(out.path().join("config.toml")).expect("a configuration");
    for line in ["hidden = 16", "epochs = 6", "learning_rate = 0.003", "seed = 123"] {
        assert!(config.lines().any(|it| it == line), "{line}: {config}");
    }
    let again = succeed(&["config", "--config", text(&out.path().join("config.toml"))]);
    assert_eq!(again, config, "the saved configuration is the resolved one");

    let curves = fs::read_to_string(out.path().join("curves.svg")).expect("curves");
    assert!(curves.starts_with("<svg") && curves.trim_end().ends_with("</svg>"));
    for term in TERMS {
        assert!(curves.contains(term), "{term} has a panel");
    }
}

#[test]
fn every_step_and_epoch_is_recorded() {
    let out = trained(&["--epochs", "6"]);
    let (steps, epochs) = (records_of(out.path(), "step"), records_of(out.path(), "epoch"));
    assert_eq!(records(out.path()).len(), steps.len() + epochs.len());
    assert_eq!((steps.len(), epochs.len()), (24, 6), "26 crystals are three batches of 8 and one of 2");
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], index as u64 + 1);
        assert_eq!(step["epoch"], index as u64 / 4 + 1);
        assert_eq!(step["crystals"], if index % 4 == 3 { 2 } else { 8 });
        assert_eq!(step["learning_rate"], 3e-3);
        assert!(number(&step["gradient_norm"]) > 0.0);
        assert!(number(&step["crystals_per_second"]) > 0.0);
        assert!(number(&step["seconds"]) > 0.0);
        assert!((0.0..=1.0).contains(&number(&step["wait_share"])));
        assert!(number(&step["resident_bytes"]) > f64::from(1 << 20));
        let losses = step["losses"].as_object().expect("terms");
        assert_eq!(losses.keys().collect::<Vec<_>>(), TERMS);
        let sum: f64 = TERMS.iter().zip(WEIGHTS).map(|(term, weight)| weight * number(&losses[*term])).sum();
        assert!((sum / number(&losses["loss"]) - 1.0).abs() < SINGLE, "{losses:?}");
    }
    for (index, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["epoch"], index as u64 + 1);
        assert_eq!(epoch["step"], 4 * (index as u64 + 1));
        assert_eq!(epoch["crystals"], CRYSTALS);
        for term in TERMS {
            let steps = &steps[4 * index..4 * index + 4];
            let mean = steps.iter().map(|step| number(&step["losses"][term])).sum::<f64>() / 4.0;
            assert!((number(&epoch["train"][term]) - mean).abs() <= SINGLE * mean.abs(), "{term} of {epoch}");
        }
        let lowest = epochs[..=index].iter().map(mean_loss).fold(f64::INFINITY, f64::min);
        assert_eq!(epoch["best"], mean_loss(epoch) == lowest);
    }
}

#[test]
fn the_loss_falls() {
    let out = trained(&["--epochs", "25"]);
    let epochs = records_of(out.path(), "epoch");
    let (first, last) = (&epochs[0], &epochs[24]);
    assert!(mean_loss(last) < 0.6 * mean_loss(first), "{first} {last}");
    for term in ["L_A", "L_Die", "L_Dis", "L_X"] {
        assert!(number(&last["train"][term]) < number(&first["train"][term]), "{term}: {first} {last}");
    }
}

#[test]
fn the_best_weights_are_those_of_the_lowest_loss() {
    // So large a rate that the loss rises after the first epoch.
    let out = trained(&["--epochs", "3", "--learning-rate", "0.1"]);
    let epochs = records_of(out.path(), "epoch");
    let best = epochs.iter().rposition(|epoch| epoch["best"] == true).expect("one is the best");
    assert!(best + 1 < epochs.len(), "the last epoch is not the best one");
    let epochs = (best + 1).to_string();
    let shorter = trained(&["--epochs", &epochs, "--learning-rate", "0.1"]);
    assert!(bytes(out.path(), BEST) == bytes(shorter.path(), BEST));
    assert!(bytes(out.path(), CHECKPOINT) != bytes(shorter.path(), CHECKPOINT));
}

#[test]
fn progress_is_plain_lines_where_there_is_no_terminal() {
    let out = folder();
    let output = reporting(out.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!lines.contains(['\x1b', '\r']), "{lines:?}");
    for epoch in 1..=3 {
        assert!(lines.contains(&format!("epoch {epoch}/3 loss ")), "{lines}");
        assert!(lines.contains(&format!("epoch {epoch}: loss ")), "{lines}");
    }
    assert!(lines.contains("26 of 26 crystals") && lines.contains("crystals/s"), "{lines}");
    assert!(lines.contains("L_Die ") && lines.contains("best so far"), "{lines}");
}

#[test]
fn the_summary_is_printed_even_if_quiet() {
    let (out, quiet) = (folder(), folder());
    let summary = |output: &Output, out: &std::path::Path| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.starts_with(&format!("3 epochs, 12 steps: {}\n", out.display())), "{text}");
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let output = reporting(out.path(), &[]);
    let lines = summary(&output, out.path());
    let last = records_of(out.path(), "epoch").pop().expect("an epoch");
    for term in TERMS {
        let value = format!("{:.4}", number(&last["train"][term]));
        let line = lines.iter().find(|line| line.split_whitespace().next() == Some(term)).expect("its line");
        assert_eq!(line.split_whitespace().nth(1), Some(value.as_str()), "{line}");
        let predicted = !["loss", "L_BT"].contains(&term);
        assert_eq!(line.contains("a constant predictor: "), predicted, "{line}");
    }
    let output = reporting(quiet.path(), &["-q"]);
    assert_eq!(summary(&output, quiet.path()), lines);
    assert!(output.stderr.is_empty(), "{}", said(&output));
}
