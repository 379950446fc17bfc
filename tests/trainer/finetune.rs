//! Fine-tuning and what its members say of crystals that they have not seen.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::*;

/// Small batches, and so many checkpoints that a kill falls between two.
pub(crate) const SETTINGS: [&str; 4] = ["--batch", "4", "--set", "run.checkpoint_steps=2"];
/// The member of the default seed.
pub(crate) const MEMBER: &str = "split/seed-123";

/// A folder with the file of a task: [`GAPS`] with one text replaced by another.
pub(crate) fn task(from: &str, to: &str) -> (Folder, PathBuf) {
    let folder = folder();
    let path = folder.path().join("task.toml");
    fs::write(&path, GAPS.replace(from, to)).expect("a writable folder");
    (folder, path)
}

/// Arguments of a fine-tuning of a small model by [`SETTINGS`], `more` at the end.
pub(crate) fn tuning<'a>(task: &'a Path, out: &'a Path, more: &[&'a str], shards: &'a Path) -> Vec<&'a str> {
    small_tuning(task, out, &[&SETTINGS, more].concat(), shards)
}

/// Fine-tunes in a folder of its own.
pub(crate) fn tuned(task: &Path, more: &[&str]) -> Folder {
    let out = folder();
    succeed(&tuning(task, out.path(), more, &store()));
    out
}

#[test]
fn members_learn_and_are_tested() {
    let (_kept, task) = task("", "");
    let out = tuned(&task, &["--epochs", "30", "--seeds", "1,2"]);
    for seed in [1, 2] {
        let member = out.path().join(format!("split/seed-{seed}"));
        let epochs = records_of(&member, "epoch");
        let error = |record: &Value| number(&record["train"]["loss"]);
        let (first, last) = (error(&epochs[0]), error(&epochs[29]));
        assert!(last < 0.8 * first, "{last} of {first}");
        for file in ["curves.svg", "config.toml", "card.md"] {
            assert!(member.join(file).exists(), "{file}");
        }
        assert!(tensors(&member.join(BEST)).contains_key("head.6.weight"));
    }
    let said = succeed(&["evaluate", text(out.path()), "--threads", "1"]);
    assert!(said.contains("3 crystals") && said.contains("MAE"), "{said}");
    let evaluation = out.path().join("evaluation");
    let record = json(&evaluation.join("evaluation.json"));
    let fold = &record["folds"][0];
    assert_eq!((&fold["train"], &fold["test"]), (&19.into(), &3.into()), "{record}");
    assert_eq!(record["seeds"], serde_json::json!([1, 2]));
    assert_eq!(record["unit"], "eV");
    assert!(record["std"]["mae"].is_null() && record["mean"]["mae"] == fold["mae"], "{record}");
    let table = fs::read_to_string(evaluation.join("predictions.csv")).expect("a table");
    assert_eq!(table.lines().count(), 4, "{table}");
    let header = "material_id,formula,property,unit,fold,target,prediction,deviation,lower_90,upper_90,domain_distance\n";
    assert!(table.starts_with(header) && table.matches(",band_gap_ev,eV,split,").count() == 3, "{table}");
    let field = |line: &str, index: usize| line.split(',').nth(index).expect("a field").parse::<f64>();
    let errors: Vec<f64> = table
        .lines()
        .skip(1)
        .map(|line| (field(line, 6).expect("a number") - field(line, 5).expect("a number")).abs())
        .collect();
    let error = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!((error - number(&fold["mae"])).abs() < 1e-9, "{error} {record}");
    let page = fs::read_to_string(evaluation.join("report.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("gaps"));
    for section in ["Errors against", "Error by element", "Crystals in space", "Learning curves"] {
        assert!(page.contains(&format!("<h2>{section}</h2>")), "{section}");
    }
    let interval = &record["mae_interval"];
    assert!(number(&interval["low"]) <= error && error <= number(&interval["high"]), "{record}");
    assert!(
        said.contains("\nMAE within ") && said.contains(" eV (95 % confidence, 1000 resamples)\n"),
        "{said}"
    );

    // The second picture is that of the crystal asked for, which must be a tested one.
    let tested = table.lines().nth(1).and_then(|line| line.split(',').next()).expect("a crystal");
    succeed(&["evaluate", text(out.path()), "--threads", "1", "--show", tested]);
    let shown = fs::read_to_string(evaluation.join("report.html")).expect("a page");
    let captions: Vec<&str> = shown.split("data-crystal=").skip(1).collect();
    assert!(captions.iter().any(|caption| caption.contains(&format!(" {tested}</figcaption>"))), "{shown}");
    let line = refused(&["evaluate", text(out.path()), "--threads", "1", "--show", "nothing"]);
    assert!(line.contains("nothing is not among the test crystals"), "{line}");
    // That is found before anything is predicted, which needs the weights.
    fs::remove_file(out.path().join("split/seed-1").join(BEST)).expect("a file");
    let arguments = ["evaluate", text(out.path()), "--threads", "1", "--show", "nothing"];
    assert_eq!(refused(&arguments), line);
}

#[test]
fn progress_names_the_member_and_the_unit() {
    let (_kept, task) = task("", "");
    let out = folder();
    let store = store();
    let mut arguments = tuning(&task, out.path(), &["--epochs", "2", "--seeds", "1,2"], &store);
    arguments.retain(|argument| *argument != "--quiet");
    let output = trainer(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!lines.contains(['\x1b', '\r']), "{lines:?}");
    for member in 1..=2 {
        assert!(
            lines.contains(&format!("member {member} of 2: split, seed {member}: 19 crystals to train on\n"))
        );
        let progress =
            lines.lines().find(|line| line.starts_with(&format!("member {member} of 2 epoch 1/2 loss ")));
        let progress = progress.unwrap_or_else(|| panic!("no line of member {member}: {lines}"));
        assert!(progress.contains(" eV ") && progress.ends_with(" left for all members"), "{progress}");
    }
    let epochs: Vec<&str> = lines.lines().filter(|line| line.starts_with("epoch ")).collect();
    assert_eq!(epochs.len(), 4, "{lines}");
    assert!(epochs.iter().all(|line| line.matches(" eV").count() == 2), "training and validation: {lines}");
    assert!(epochs[0].ends_with(", best so far"), "{lines}");

    // A single member has no number.
    let alone = folder();
    let arguments: Vec<&str> = tuning(&task, alone.path(), &["--epochs", "1"], &store)
        .into_iter()
        .filter(|argument| *argument != "--quiet")
        .collect();
    let output = trainer(&arguments);
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(lines.starts_with("split, seed 123: 19 crystals to train on\nepoch 1/1 loss "), "{lines}");
    assert!(!lines.contains("member"), "{lines}");
    // No epoch is chosen where the last weights are kept.
    let last = folder();
    let arguments: Vec<&str> =
        tuning(&task, last.path(), &["--epochs", "1", "--set", "finetune.select=last"], &store)
            .into_iter()
            .filter(|argument| *argument != "--quiet")
            .collect();
    let output = trainer(&arguments);
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(lines.contains("\nepoch 1: loss ") && !lines.contains("best so far"), "{lines}");
    let curves = fs::read_to_string(alone.path().join(MEMBER).join("curves.svg")).expect("a picture");
    assert!(curves.contains(">Mean absolute error, eV<") && curves.contains(">training "), "{curves}");
}

#[test]
fn predictions_do_not_depend_on_threads() {
    let (_kept, task) = task("", "");
    let out = tuned(&task, &["--epochs", "2"]);
    let table = |threads: &str| {
        let results = folder();
        succeed(&["evaluate", text(out.path()), "--threads", threads, "--out", text(results.path())]);
        bytes(results.path(), "predictions.csv")
    };
    assert_eq!(table("1"), table("3"));
}

#[test]
fn an_average_leaves_frozen_encoders_as_they_are() {
    let (_kept, task) = task("", "");
    let pretrained = trained(&["--epochs", "1"]);
    let weights = pretrained.path().join(BEST);
    let mut more = vec!["--weights", text(&weights), "--epochs", "6", "--freeze", "encoder"];
    more.extend(["--set", "average.kind=ema", "--set", "finetune.select=last"]);
    let out = tuned(&task, &more);
    let (before, after) = (tensors(&weights), tensors(&out.path().join(MEMBER).join(BEST)));
    let encoder: Vec<&String> =
        after.keys().filter(|name| name.starts_with("structure.") || name.starts_with("lattice.")).collect();
    assert!(encoder.len() > 20);
    for name in encoder {
        assert!(before[name] == after[name], "{name} has changed");
    }
}

#[test]
fn a_model_of_a_quantile_says_so() {
    let (_kept, task) = task("", "");
    let out = folder();
    let sets = ["--set", "finetune.loss=quantile", "--set", "finetune.quantile=0.9"];
    let said = succeed(&tuning(&task, out.path(), &[&["--epochs", "2"], &sets[..]].concat(), &store()));
    assert!(said.contains("validation pinball loss "), "{said}");
    let card = fs::read_to_string(out.path().join(MEMBER).join("card.md")).expect("a card");
    assert!(card.contains("`loss` is the pinball loss of the quantile 0.9 in eV; "), "{card}");
    assert!(card.contains("the training set's quantile 0.9, scored"), "{card}");
    succeed(&["evaluate", text(out.path()), "--threads", "1"]);
    let page = fs::read_to_string(out.path().join("evaluation/report.html")).expect("a page");
    assert!(
        page.contains("finetune.quantile") && page.contains("pinball loss, eV"),
        "the settings and curves"
    );
}

#[test]
fn folds_may_validate_on_others_and_splits_may_not() {
    let (kept, store) = (folder(), store());
    let out = kept.path().join("folds");
    let mut arguments =
        vec!["finetune", "--property", "band_gap_ev", "--folds", "3", "--shards", text(&store)];
    arguments.extend(["--out", text(&out), "--quiet", "--threads", "1", "--epochs", "1", "--from-scratch"]);
    arguments.extend(small_encoder());
    succeed(&[&arguments[..], &["--set", "finetune.validation=per-fold"]].concat());
    let line = refused(&[&arguments[..], &["--resume"]].concat());
    assert!(line.contains("finetune.validation = per-fold, not same"), "{line}");

    let (_kept, task) = task("", "");
    let set = ["--set", "finetune.validation=per-fold"];
    let line = refused(&tuning(&task, &kept.path().join("split"), &set, &store));
    assert!(line.contains("finetune.validation = per-fold: has no effect: the task has no folds"), "{line}");
}

#[test]
fn pre_trained_encoders_are_taken_over_and_may_stay() {
    let (_kept, task) = task("", "");
    let pretrained = trained(&["--epochs", "1"]);
    let weights = pretrained.path().join(BEST);
    let out = tuned(&task, &["--weights", text(&weights), "--epochs", "3", "--freeze", "encoder"]);
    let (before, after) = (tensors(&weights), tensors(&out.path().join(MEMBER).join(BEST)));
    let encoder = |name: &&String| name.starts_with("structure.") || name.starts_with("lattice.");
    assert!(after.keys().filter(encoder).count() > 20);
    for name in after.keys().filter(encoder) {
        assert!(before[name] == after[name], "{name} has changed");
    }
    let free = tuned(&task, &["--weights", text(&weights), "--epochs", "3"]);
    let free = tensors(&free.path().join(MEMBER).join(BEST));
    assert!(free["structure.emb_lin.weight"] != before["structure.emb_lin.weight"]);
    assert_eq!(free["lattice.mean"], before["lattice.mean"]);

    let other = trained(&["--epochs", "1", "--seed", "7"]);
    let other = other.path().join(BEST);
    let more = ["--weights", text(&other), "--epochs", "3", "--freeze", "encoder", "--resume"];
    let line = refused(&tuning(&task, out.path(), &more, &store()));
    assert!(line.contains("weights (SHA-256)"), "{line}");
}

#[test]
fn a_smaller_share_of_the_crystals_is_trained_on() {
    let (_kept, task) = task("", "");
    let out = folder();
    let said = succeed(&tuning(&task, out.path(), &["--epochs", "1", "--fraction", "0.5"], &store()));
    assert!(said.contains("; 10 crystals trained on"), "{said}");
    let steps = records_of(&out.path().join(MEMBER), "step").len();
    assert_eq!(steps, 3, "ten crystals, four at a time");
}

#[test]
fn members_of_other_settings_never_lie_side_by_side() {
    let (_kept, task) = task("", "");
    let out = tuned(&task, &["--epochs", "1", "--seeds", "1,2"]);
    let other = ["--epochs", "1", "--seeds", "1,3", "--fraction", "0.5"];
    let line = refused(&tuning(&task, out.path(), &[&other[..], &["--resume"]].concat(), &store()));
    assert!(line.contains("finetune.fraction = 1, not 0.5"), "{line}");
    succeed(&tuning(&task, out.path(), &[&other[..], &["--overwrite"]].concat(), &store()));
    let best = |seed: u64| out.path().join(format!("split/seed-{seed}")).join(BEST).exists();
    assert!(best(1) && !best(2) && best(3));
    let longer = ["--epochs", "2", "--fraction", "0.5", "--seeds", "1", "--resume"];
    let config = out.path().join("split/seed-1/config.toml");
    succeed(&tuning(&task, out.path(), &longer, &store()));
    let settings = fs::read(&config).expect("settings");
    let shorter = ["--epochs", "1", "--fraction", "0.5", "--seeds", "1", "--resume"];
    let line = refused(&tuning(&task, out.path(), &shorter, &store()));
    assert!(line.contains("run.epochs = 2, not 1"), "{line}");
    assert_eq!(fs::read(&config).expect("settings"), settings);
    // The record of a fine-tuning that is continued names the seeds asked for alone: both commands take these.
    let fewer = ["--epochs", "2", "--fraction", "0.5", "--seeds", "1", "--resume"];
    succeed(&tuning(&task, out.path(), &fewer, &store()));
    let predictions = out.path().join("p.csv");
    let structure = root().join("data/sample/Cu-fcc.cif");
    succeed(&[
        "predict",
        text(&structure),
        "--weights",
        text(out.path()),
        "--out",
        text(&predictions),
        "--threads",
        "1",
    ]);
    let rows = csv(&predictions);
    let deviation = rows[0].iter().position(|name| name == "deviation").expect("a column");
    assert_eq!(rows[1].get(deviation), Some(""), "of one model: {rows:?}");
    fs::remove_file(&predictions).expect("it is there");
    succeed(&tuning(&task, out.path(), &["--epochs", "1", "--seeds", "2", "--overwrite"], &store()));
    assert!(!best(1) && best(2) && !best(3));
    let has_domain = |seed: u64| out.path().join(format!("split/seed-{seed}/domain.safetensors")).exists();
    assert!(!has_domain(1) && has_domain(2));
}

#[test]
fn members_are_not_tested_on_crystals_of_another_division() {
    let (_kept, task) = task("", "");
    let (stored, out) = (folder(), folder());
    for shard in shards(&store()) {
        fs::copy(&shard, stored.path().join(shard.file_name().expect("a name"))).expect("writable");
    }
    let pattern = stored.path().join("*.parquet");
    succeed(&tuning(&task, out.path(), &["--epochs", "1"], &pattern));
    let evaluate = ["evaluate", text(out.path()), "--threads", "1"];
    succeed(&evaluate);
    fs::remove_file(&shards(stored.path())[1]).expect("it is there");
    let changed = format!("the training or validation crystals of {}", out.path().join(MEMBER).display());
    for command in [evaluate.to_vec(), tuning(&task, out.path(), &["--epochs", "1", "--resume"], &pattern)] {
        let line = refused(&command);
        assert!(line.contains(&changed), "{line}");
    }
}

#[test]
fn crystals_that_a_logarithm_refuses_are_named() {
    let (_kept, task) = task("transform = \"none\"", "transform = \"log10\"");
    let out = folder();
    let output = trainer(tuning(&task, out.path(), &["--epochs", "1"], &store()));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("left out: Cu-fcc (0)") && said.contains("log10(eV)"), "{said}");
}

#[test]
fn what_cannot_be_fine_tuned_is_refused_in_one_line() {
    let (_kept, good) = task("", "");
    let out = folder();
    let refusal =
        |task: &Path, more: &[&str]| refused(&tuning(task, &out.path().join("new"), more, &store()));
    let line = refusal(Path::new("matbench_jdft3d"), &[]);
    assert!(line.contains("matbench_jdft2d"), "{line}");
    let line = refusal(Path::new("matbench_jdft2d"), &[]);
    assert!(line.contains("exfoliation_energy_mev_per_atom"), "{line}");
    let line = refusal(&good, &["--set", "finetune.fraction=2"]);
    assert!(line.contains("finetune.fraction"), "{line}");
    let pretrained = trained(&["--epochs", "1"]);
    let weights = pretrained.path().join(BEST);
    let line = refused(&tuning(&good, &out.path().join("new"), &["--weights", text(&weights)], &cut_store()));
    assert!(line.contains("ties"), "{line}");
    assert!(!out.path().join("new").exists(), "nothing is left behind");
    let line = refused(&["evaluate", text(out.path())]);
    assert!(line.contains(text(out.path())), "{line}");
    let line = refusal(&good, &["--seeds", "1,2", "--set", "seed=3"]);
    assert!(line.contains("--set: seed = 3: has no effect on fine-tuning with a list of seeds"), "{line}");
    let line = refusal(&good, &["--set", "finetune.train_on_validation=true"]);
    assert!(line.contains("finetune.train_on_validation = true: must be false unless"), "{line}");
    let line = refusal(&good, &["--set", "optimiser.momentum=0.5"]);
    assert!(
        line.contains("optimiser.momentum = 0.5: has no effect with optimiser.kind = \"adamw\""),
        "{line}"
    );
}

#[test]
fn tasks_are_listed_and_told() {
    let listed = succeed(&["tasks"]);
    assert!(listed.contains("matbench_jdft2d") && listed.contains("38.2133"), "{listed}");
    let told = succeed(&["tasks", "mp_gap"]);
    for part in ["69239", "etl build table", "MMPT 0.204", "band_gap_ev in eV"] {
        assert!(told.contains(part), "{told}");
    }
    let said = refused(&["tasks", "mp_gaps"]);
    assert!(said.contains("mp_gap"), "{said}");
}
