//! Fine-tunings that were killed, interrupted, continued or replaced.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::finetune::{MEMBER, task, tuned, tuning};
use crate::support::*;

#[test]
fn a_killed_fine_tuning_resumes_to_the_same_bytes() {
    resume_to_the_same_bytes(&["--set", "optimiser.clip_norm=1"]);
}

#[test]
fn averages_noise_and_lowered_rates_survive_a_kill() {
    let sets = [
        "average.kind=ema",
        "average.decay=0.9",
        "schedule.kind=plateau",
        "schedule.plateau.factor=0.7",
        "schedule.plateau.patience=0",
        "finetune.layer_decay=0.7",
        "finetune.loss=huber",
        "noise.displacement=0.02",
        "noise.strain=0.01",
        "noise.weights=0.01",
        "noise.gradient=0.1",
        "finetune.noise_weight=0.1",
    ];
    let sets: Vec<&str> = sets.into_iter().flat_map(|setting| ["--set", setting]).collect();
    resume_to_the_same_bytes(&["--set", "average.kind=swa", "--set", "average.first_epoch=4"]);
    let cycles = [
        "schedule.kind=cosine",
        "schedule.cosine.cycles=4",
        "finetune.select=last",
        "finetune.snapshots=true",
    ];
    resume_to_the_same_bytes(&cycles.into_iter().flat_map(|setting| ["--set", setting]).collect::<Vec<_>>());
    let whole = resume_to_the_same_bytes(&sets);
    let member = whole.path().join("split/seed-3");
    let rates: Vec<f64> =
        records_of(&member, "step").iter().map(|step| number(&step["learning_rate"])).collect();
    assert!(rates.windows(2).all(|pair| pair[1] <= pair[0]) && rates.last() < rates.first(), "{rates:?}");
    let checkpoint = tensors(&member.join(CHECKPOINT));
    let best = tensors(&member.join(BEST));
    let is_like = |name: &str, prefix: &str| checkpoint[&format!("{prefix}{name}")].len() == best[name].len();
    assert!(best.keys().all(|name| is_like(name, "") && is_like(name, "optimiser.average.")));
}

/// Kills and resumes a fine-tuning. Returns the folder of an unbroken one with the same settings.
fn resume_to_the_same_bytes(more: &[&str]) -> Folder {
    let (_kept, task) = task("", "");
    let options = [&["--epochs", "24", "--seeds", "3,4"], more].concat();
    let whole = tuned(&task, &options);
    let out = folder();
    let members = ["split/seed-3", "split/seed-4"].map(|member| out.path().join(member));
    let mut killed = 0;
    for records in [3, 20, 60, 90, 130] {
        let resumed = [&options[..], if killed == 0 { &[] } else { &["--resume"] }].concat();
        let mut run = Command::new(TRAINER)
            .args(tuning(&task, out.path(), &resumed, &store()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let alive =
            wait_for(&mut run, || members.iter().map(|member| lines_of(member)).sum::<usize>() > records);
        kill(&mut run);
        killed += usize::from(alive);
    }
    assert!(killed >= 3, "killed {killed} times");
    succeed(&tuning(&task, out.path(), &[&options[..], &["--resume"]].concat(), &store()));
    for member in ["split/seed-3", "split/seed-4"] {
        assert_same_run(&whole.path().join(member), &out.path().join(member), member);
    }
    whole
}

#[test]
fn members_that_have_not_come_to_their_end_are_named() {
    let (_kept, task) = task("", "");
    let out = tuned(&task, &["--epochs", "2", "--seeds", "1,2,1"]);
    // As if it had been stopped after the second epoch of three.
    let config = out.path().join("split/seed-2/config.toml");
    let settings = fs::read_to_string(&config).expect("settings");
    let longer = settings.replace("\nepochs = 2\n", "\nepochs = 3\n");
    assert_ne!(longer, settings);
    fs::write(&config, longer).expect("it is writable");
    let predictions = out.path().join("p.csv");
    let structures = root().join("data/sample/Cu-fcc.cif");
    for command in [
        vec!["evaluate", text(out.path()), "--threads", "1"],
        vec!["predict", text(&structures), "--weights", text(out.path()), "--out", text(&predictions)],
    ] {
        let output = trainer(&command);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("split/seed-2 has done 2 of 3 epochs: --resume"), "{said}");
        assert!(!said.contains("split/seed-1 has done"), "{said}");
    }
    // As if it had been stopped before.
    let weights = out.path().join("split/seed-2").join(BEST);
    fs::remove_file(&weights).expect("a file");
    let mut predict = vec!["predict", text(&structures), "--weights", text(out.path())];
    predict.extend(["--out", text(&predictions), "--overwrite"]);
    let output = trainer(predict);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("split/seed-2 has no weights yet and predicts nothing: --resume"), "{said}");
    assert!(!said.contains("split/seed-1 has no weights"), "{said}");
    let line = refused(&["evaluate", text(out.path()), "--threads", "1"]);
    assert!(line.contains(&format!("{} is missing: ", weights.display())), "{line}");
    assert!(line.trim_end().ends_with("; trainer finetune --resume goes on"), "{line}");
}

#[test]
fn an_interrupted_fine_tuning_says_how_long_it_is() {
    let (_kept, task) = task("", "");
    let (out, store) = (folder(), store());
    let mut run = Command::new(TRAINER)
        .args(tuning(&task, out.path(), &["--epochs", "100000"], &store))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let member = out.path().join(MEMBER);
    // Some epochs of five steps each.
    assert!(wait_for(&mut run, || lines_of(&member) >= 20), "it ended too early");
    interrupt(&run);
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(line.starts_with("split, seed 123: validation MAE "), "{line}");
    assert!(line.contains(" of 100000; 19 crystals trained on\ninterrupted; --resume goes on"), "{line}");
}

#[test]
fn scores_of_earlier_weights_are_told() {
    let (_kept, task) = task("", "");
    let last = ["--set", "finetune.select=last", "--epochs"];
    let out = tuned(&task, &[&last[..], &["1"]].concat());
    succeed(&["evaluate", text(out.path()), "--threads", "1"]);
    let again = trainer(tuning(&task, out.path(), &[&last[..], &["2", "--resume"]].concat(), &store()));
    assert!(said(&again).contains("evaluation has the scores of earlier weights"), "{}", said(&again));
}

#[test]
fn scores_go_with_the_members_that_they_are_of() {
    let (_kept, task) = task("", "");
    let out = tuned(&task, &["--epochs", "1"]);
    let scores = out.path().join("evaluation");
    for part in ["test", "validation"] {
        succeed(&["evaluate", text(out.path()), "--on", part, "--threads", "1"]);
    }
    let notes = scores.join("notes.txt");
    fs::write(&notes, "of others").expect("it is writable");
    let anew = ["--epochs", "1", "--overwrite"];
    let output = trainer(tuning(&task, out.path(), &anew, &store()));
    assert!(!said(&output).contains("earlier weights"), "{}", said(&output));
    let left: Vec<PathBuf> =
        fs::read_dir(&scores).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(left, std::slice::from_ref(&notes));
    fs::remove_file(&notes).expect("it is there");
    // What is refused removes nothing.
    succeed(&["evaluate", text(out.path()), "--threads", "1"]);
    refused(&tuning(&task, out.path(), &["--epochs", "1"], &store()));
    assert!(scores.join("evaluation.json").exists());
    succeed(&tuning(&task, out.path(), &anew, &store()));
    assert!(!scores.exists());
}
