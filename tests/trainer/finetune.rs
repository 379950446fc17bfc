//! Fine-tuning and what its members say of crystals that they have not seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::support::*;

/// Small batches, and so many checkpoints that a kill falls between two.
const SETTINGS: [&str; 4] = ["--batch", "4", "--set", "run.checkpoint_steps=2"];
/// The member of the default seed.
const MEMBER: &str = "split/seed-123";

/// A folder with the file of a task: [`GAPS`] with one text replaced by another.
fn task(from: &str, to: &str) -> (Folder, PathBuf) {
    let folder = folder();
    let path = folder.path().join("task.toml");
    fs::write(&path, GAPS.replace(from, to)).expect("a writable folder");
    (folder, path)
}

/// Arguments of a fine-tuning of a small model by [`SETTINGS`], `more` at the end.
fn tuning<'a>(task: &'a Path, out: &'a Path, more: &[&'a str], shards: &'a Path) -> Vec<&'a str> {
    small_tuning(task, out, &[&SETTINGS, more].concat(), shards)
}

/// Fine-tunes in a folder of its own.
fn tuned(task: &Path, more: &[&str]) -> Folder {
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

/// A copy of the store in which the band gap is called a refractive index, which is a pure number.
fn pure_numbers() -> Folder {
    let folder = folder();
    for shard in shards(&store()) {
        let file = fs::File::open(&shard).expect("a shard");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let metadata = reader.metadata().file_metadata().key_value_metadata().cloned();
        let properties = WriterProperties::builder().set_key_value_metadata(metadata).build();
        let renamed = |batch: RecordBatch| {
            let schema = batch.schema();
            let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
                let field = Field::clone(field);
                let renamed = |mut field: Field| {
                    field.metadata_mut().insert("unit", "1");
                    field.with_name("refractive_index")
                };
                let is_gap = field.name() == "band_gap_ev";
                (if is_gap { renamed(field) } else { field }, column.clone())
            });
            let (fields, columns): (Vec<Field>, Vec<_>) = columns.unzip();
            RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("as before")
        };
        let out = fs::File::create(folder.path().join(shard.file_name().expect("a name"))).expect("writable");
        let mut writer = None;
        for batch in reader.build().expect("Parquet") {
            let batch = renamed(batch.expect("readable"));
            let writer = writer.get_or_insert_with(|| {
                let out = out.try_clone().expect("a handle");
                ArrowWriter::try_new(out, batch.schema(), Some(properties.clone())).expect("a writer")
            });
            writer.write(&batch).expect("written");
        }
        writer.expect("rows").close().expect("written");
    }
    folder
}

#[test]
fn errors_of_pure_numbers_have_no_unit() {
    let store = pure_numbers();
    let (_kept, task) =
        task("property = \"band_gap_ev\"\nunit = \"eV\"", "property = \"refractive_index\"\nunit = \"1\"");
    let out = folder();
    let shards = store.path().join("*.parquet");
    let said = succeed(&tuning(&task, out.path(), &["--epochs", "2"], &shards));
    let error = said.split("validation MAE ").nth(1).expect("an error").split(" in epoch ").next();
    assert!(error.expect("an epoch").parse::<f64>().is_ok(), "{said}");
    let said = succeed(&["evaluate", text(out.path()), "--threads", "1"]);
    let scores = said.lines().next().expect("scores");
    assert!(
        scores.split_whitespace().last().expect("the median").parse::<f64>().is_ok_and(|it| it != 1.0),
        "{said}"
    );
    let evaluation = out.path().join("evaluation");
    let page = fs::read_to_string(evaluation.join("report.html")).expect("a page");
    assert!(page.contains("mean absolute error<") && !page.contains(", 1<"), "{page}");
    let table = fs::read_to_string(evaluation.join("predictions.csv")).expect("a table");
    assert!(table.contains(",refractive_index,1,split,"), "{table}");
    let card = fs::read_to_string(out.path().join(MEMBER).join("card.md")).expect("a card");
    assert!(card.contains("Predicts `refractive_index` of a crystal. "), "{card}");
}

#[test]
fn a_unit_that_is_not_the_column_s_is_refused() {
    for (unit, transform) in [("meV", "none"), ("GPa", "none"), ("log10(eV)", "log10")] {
        let (_kept, task) = task(
            "unit = \"eV\"\ntransform = \"none\"",
            &format!("unit = \"{unit}\"\ntransform = \"{transform}\""),
        );
        let out = folder();
        let line = refused(&tuning(&task, &out.path().join("run"), &["--epochs", "1"], &store()));
        let expected = format!("task.toml:6:1: unit = '{unit}': the column band_gap_ev is in 'eV'");
        assert!(line.contains(&expected), "{line}");
        assert!(!out.path().join("run").exists());
    }
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

/// Arguments that fine-tune a small model on a property of a store, followed by `more`.
fn on_property<'a>(store: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments =
        vec!["finetune", "--property", "band_gap_ev", "--shards", text(store), "--out", text(out)];
    arguments.extend(["--quiet", "--threads", "1", "--from-scratch", "--epochs", "1"]);
    arguments.extend(small_encoder());
    arguments.extend(more);
    arguments
}

/// Number of remarks that the store's split is not used.
fn said_of_split(output: &std::process::Output) -> usize {
    let told =
        "the store has the split columns 'split', 'split_labels', which are not used; --split split divides";
    String::from_utf8_lossy(&output.stderr).matches(told).count()
}

#[test]
fn a_property_needs_no_task() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("gaps");
    let said = succeed(&on_property(&store, &out, &["--folds", "3"]));
    for fold in ["fold-0", "fold-1", "fold-2"] {
        assert!(said.contains(&format!("{fold}, seed 123: validation MAE ")), "{said}");
    }
    // Tested at once; `evaluate` says the same again.
    assert!(said.contains("fold-2 ") && said.contains("MAE ") && said.contains("report.html"), "{said}");
    let evaluated = succeed(&["evaluate", text(&out)]);
    assert!(said.ends_with(&evaluated), "{said} and {evaluated}");
    // A handful of validation crystals is too few for intervals.
    let validated = json(&out.join("fold-0/seed-123/validation.json"));
    assert_eq!(validated["weights_sha256"].as_str().map(str::len), Some(64), "{validated}");
    assert!(!evaluated.contains("intervals"), "{evaluated}");
    let record = fs::read_to_string(out.join("finetune.toml")).expect("a record");
    assert!(record.contains("rule = \"drawn\"") && record.contains("labels_sha256 = "), "{record}");
    let config = fs::read_to_string(out.join("fold-0/seed-123/config.toml")).expect("a configuration");
    assert!(config.contains("kind = \"cosine\"") && config.contains("batch_crystals = 32"), "{config}");

    let by_column = folder.path().join("column");
    let chosen = ["--split", "split", "--set", "finetune.select=\"validation\""];
    let said = succeed(&on_property(&store, &by_column, &chosen));
    assert!(said.contains("split, seed 123: "), "{said}");
    let member = by_column.join("split/seed-123");
    assert!(member.join(BEST).exists() && !member.join("validation.json").exists(), "it chose the epoch");
    for (more, message) in [
        (&["--folds", "1"][..], "1 is not in 2..=100"),
        (
            &["--split", "nowhere.csv"],
            "neither a file nor a split column of the name 'nowhere.csv'; split columns of the store: split, \
             split_labels; --split hash divides by the identifiers",
        ),
        (&["--task", "matbench_jdft2d"], "cannot be used with"),
    ] {
        let other = folder.path().join("other");
        let output = trainer(on_property(&store, &other, more));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(message) && !other.exists(), "{said}");
    }
    // The store's split is not passed over in silence.
    let default = folder.path().join("default");
    let output = trainer(on_property(&store, &default, &["--fold", "0"]));
    let told = said_of_split(&output);
    assert_eq!(told, 1, "{}", self::said(&output));
    let named = trainer(on_property(&store, &folder.path().join("folds"), &["--folds", "3", "--fold", "0"]));
    assert_eq!(said_of_split(&named), 0, "{}", self::said(&named));
    let longer: Vec<&str> = on_property(&store, &default, &["--fold", "0", "--resume"])
        .into_iter()
        .map(|argument| if argument == "1" { "2" } else { argument })
        .collect();
    let output = trainer(longer);
    assert_eq!(output.status.code(), Some(2), "{}", self::said(&output));
    let why = "run.epochs = 1, not 2: its learning rates depend on it, by schedule.kind";
    assert!(self::said(&output).contains(why), "{}", self::said(&output));
    // The folder of a fine-tuning in the place of its weights.
    let from_folder =
        ["finetune", "--property", "band_gap_ev", "--shards", text(&store), "--weights", text(&default)];
    let line = refused(&from_folder);
    let best = default.join("fold-0/seed-123").join(BEST);
    assert!(line.trim_end().ends_with(&format!("; it is a folder: give {}", best.display())), "{line}");

    let unknown = ["finetune", "--property", "band_gap", "--shards", text(&store), "--from-scratch"];
    let said = refused(&unknown);
    assert!(said.contains("band_gap_ev"), "{said}");
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
