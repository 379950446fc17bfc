//! Fine-tuning of a small model on a store with a split: 19 crystals for training, 3 for validation, 3 for the test.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::member::Encoders;
use super::predictions::{PredictedCrystal, predict_selection};
use super::{Predictor, Request, Summary, finetune};
use crate::config::{Config, DataConfig};
use crate::data::{Selection, Sources, Subset};
use crate::device::DeviceName;
use crate::ranks::alone;
use crate::run::cycle_ends::CycleEnds;
use crate::run::folder::{Existing, RunFolder};
use crate::run::interrupt::Interrupt;
use crate::run::metrics::{self, EpochRecord, Record};
use crate::run::step::{MSE, TOTAL};
use crate::task::Task;
use crate::weights;

/// The store.
const STORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/trainer/store");
/// Band gaps of the store.
const TASK: &str = r#"
name = "gaps"
description = "Band gaps."
store = "the store of the tests"
property = "band_gap_ev"
unit = "eV"
transform = "none"
metric = "mae"
group = "matbench"

[split]
rule = "column"
column = "split"
"#;
/// Epochs of a run.
const EPOCHS: u64 = 3;

/// A fine-tuning of a small model from fresh weights in a folder.
fn request(folder: &TempDir, existing: Existing, more: &[&str]) -> Request {
    let task = folder.path().join("task.toml");
    std::fs::write(&task, TASK).expect("a writable folder");
    let mut overrides: Vec<String> = [
        "model.mmpt.hidden=16",
        "model.mmpt.structure_width=16",
        "model.mmpt.interaction_blocks=1",
        "model.mmpt.interaction_width=16",
        "model.mmpt.output_width=16",
        "model.mmpt.output_layers=1",
        "data.batch_crystals=8",
        "optimiser.learning_rate=1e-3",
    ]
    .map(str::to_owned)
    .into();
    overrides.push(format!("data.shards={:?}", [STORE]));
    overrides.push(format!("run.epochs={EPOCHS}"));
    overrides.extend(more.iter().map(|&text| text.to_owned()));
    Request {
        task: Task::load(&task.display().to_string()).expect("a task"),
        config: Config::resolve(None, &overrides).expect("a valid configuration"),
        weights: None,
        seeds: vec![1],
        folds: None,
        split_file: None,
        allow_partial: false,
        folder: folder.path().join("run"),
        existing,
        remove_results: |_, _| Ok(()),
        device: DeviceName::Cpu,
        ranks: alone(),
        tensorboard: None,
        quiet: true,
    }
}

/// Fine-tunes a small model from fresh weights in a folder.
fn tuned(folder: &TempDir, existing: Existing, more: &[&str]) -> Summary {
    finetune(&request(folder, existing, more), &Interrupt::default()).expect("it trains")
}

/// The records of the epochs of a run.
fn epochs(folder: &Path) -> Vec<EpochRecord> {
    let records = metrics::read(&folder.join("metrics.jsonl")).expect("records");
    let epochs = records.filter_map(|record| match record.expect("a record") {
        Record::Epoch(epoch) => Some(epoch),
        Record::Step(_) => None,
    });
    epochs.collect()
}

#[test]
fn a_recipe_without_a_validation_part_keeps_the_last_weights() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recipe = [
        "finetune.loss=mse",
        "finetune.standardise=none",
        "finetune.select=last",
        "finetune.train_on_validation=true",
        "optimiser.kind=adamw",
        "optimiser.weight_decay=1e-5",
        "optimiser.decay_exempt=[\"bias\", \"bn\", \"norm\"]",
        "schedule.kind=onecycle",
    ];
    let member = tuned(&folder, Existing::Refuse, &recipe).members.remove(0);
    let records = epochs(&member.folder);
    let last = records.last().expect("three epochs");
    assert_eq!((member.train, last.crystals, member.best_epoch), (22, 22, Some(EPOCHS)));
    let validation = last.validation.as_ref().expect("there is a validation part");
    assert_eq!(member.validation_error, Some(validation[TOTAL]));
    // Of the same errors without standardisation: the mean of the squares is at least the square of the mean.
    assert!(validation[MSE] >= validation[TOTAL].powi(2) && last.train.contains_key(MSE), "{last:?}");
    let run = RunFolder::of_another(&member.folder);
    let best = weights::read(&run.best()).expect("weights");
    let target = best.description().expect("a description").and_then(|description| description.target);
    let target = target.expect("a target");
    assert_eq!((target.mean, target.std), (0.0, 1.0));
    let checkpoint = weights::read(&run.checkpoint()).expect("a checkpoint").tensors;
    assert!(best.tensors.iter().all(|(name, tensor)| checkpoint[name] == *tensor));
    let card = std::fs::read_to_string(run.card()).expect("a card");
    assert!(card.contains("epoch 3 of 3") && card.contains("`mse` is the mean squared error"), "{card}");
    let again = tuned(&folder, Existing::Resume, &recipe);
    assert_eq!(again.members, [member], "it was finished");
}

#[test]
fn the_default_selects_by_the_absolute_error_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let member = tuned(&folder, Existing::Refuse, &[]).members.remove(0);
    let records = epochs(&member.folder);
    let errors: Vec<f64> =
        records.iter().map(|epoch| epoch.validation.as_ref().expect("there is one")[TOTAL]).collect();
    let lowest = errors.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!((member.train, member.validation_error), (19, Some(lowest)));
    assert!(records.iter().all(|epoch| !epoch.train.contains_key(MSE)));
}

#[test]
fn noise_is_for_training_alone() {
    // The weights stand still, so that noise alone makes a difference.
    let losses = |more: &[&str]| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = [&["optimiser.learning_rate=1e-30"], more].concat();
        let member = tuned(&folder, Existing::Refuse, &settings).members.remove(0);
        let of_epoch =
            |epoch: EpochRecord| (epoch.train[TOTAL], epoch.validation.expect("there is one")[TOTAL]);
        epochs(&member.folder).into_iter().map(of_epoch).collect::<Vec<_>>()
    };
    let plain = losses(&[]);
    for setting in ["noise.strain=0.05", "noise.weights=0.1"] {
        let noisy = losses(&[setting]);
        let first = noisy[0];
        for ((train, validation), (plain_train, plain_validation)) in noisy.iter().zip(&plain) {
            assert!((train - plain_train).abs() > 1e-6, "{setting}: {train} and {plain_train}");
            assert!((validation - plain_validation).abs() < 1e-9, "{setting}: {validation}");
        }
        assert!(noisy[1..].iter().all(|epoch| (epoch.0 - first.0).abs() > 1e-6), "{setting}: drawn once");
    }
}

#[test]
fn noise_is_learnt_beside_the_property() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = ["noise.displacement=0.05", "finetune.noise_weight=0.5"];
    let member = tuned(&folder, Existing::Refuse, &settings).members.remove(0);
    for epoch in epochs(&member.folder) {
        assert!(epoch.train["L_noise"] > 0.0 && !epoch.train.contains_key("L_strain"), "{epoch:?}");
        let validation = epoch.validation.expect("there is one");
        assert_eq!(validation.keys().collect::<Vec<_>>(), [TOTAL], "there is no noise");
    }
    let run = RunFolder::of_another(&member.folder);
    let [best, checkpoint] =
        [run.best(), run.checkpoint()].map(|path| weights::read(&path).expect("weights"));
    let of_noise = |name: &String| name.starts_with("noise.");
    assert!(!best.tensors.keys().any(of_noise) && checkpoint.tensors.keys().any(of_noise));
    // Both can be begun with.
    for path in [run.best(), run.checkpoint()] {
        Encoders::read(&path).expect("encoders");
    }
    let again = tuned(&folder, Existing::Resume, &settings);
    assert_eq!(again.members, [member], "it was finished");
}

#[test]
fn noise_that_is_not_there_is_not_learnt() {
    let line = Config::resolve(None, &["finetune.noise_weight=1"]).expect_err("nothing to learn").to_string();
    assert!(line.contains("finetune.noise_weight = 1: must be 0 without a noise.displacement"), "{line}");
    let learns = |settings: &[&str]| {
        let settings = [&["finetune.noise_weight=1", "noise.strain=0.01"], settings].concat();
        Config::resolve(None, &settings).expect("known settings").learns_noise()
    };
    assert!(learns(&[]) && !learns(&["finetune.freeze_encoder=true"]) && !learns(&["model.kind=cgcnn"]));
}

#[test]
fn the_weights_at_the_ends_of_cycles_predict_together() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cycles = ["schedule.kind=cosine", "schedule.cosine.cycles=3", "finetune.select=last"];
    let snapshots = [&cycles[..], &["finetune.snapshots=true"]].concat();
    let member = tuned(&folder, Existing::Refuse, &snapshots).members.remove(0);
    let run = RunFolder::of_another(&member.folder);
    let device = DeviceName::Cpu.open().expect("a device");
    let shards = [format!("{STORE}/*.parquet")];
    let sources = Arc::new(Sources::resolve(&shards, None).expect("shards"));
    let crystals = Selection::new(&sources, Subset::All).expect("crystals");
    let predictions = |weights: &Path| {
        let predictor = Predictor::load(weights, &device).expect("a model");
        let number = |crystal: PredictedCrystal<'_>| (crystal.targets[0], crystal.embedding.to_vec());
        predict_selection(&predictor, &crystals, &DataConfig::default(), &device, number)
            .expect("predictions")
    };
    let card = std::fs::read_to_string(run.card()).expect("a card");
    assert!(card.contains("at the ends of 3 cycles; the losses are those of the last"), "{card}");
    let file = weights::read(&run.best()).expect("weights");
    let (last, cycle_ends) = CycleEnds::split(file.tensors);
    let mut alone = Vec::new();
    for (index, tensors) in std::iter::once(last.clone()).chain(cycle_ends).enumerate() {
        let path = folder.path().join(format!("{index}.safetensors"));
        weights::write(&path, &file.metadata, tensors).expect("a writable folder");
        alone.push(predictions(&path));
    }
    assert_eq!(alone.len(), 3, "one for every cycle");
    for (crystal, (number, embedding)) in predictions(&run.best()).iter().enumerate() {
        let of_cycles: Vec<f64> = alone.iter().map(|numbers| numbers[crystal].0).collect();
        assert_eq!(*number, of_cycles.iter().sum::<f64>() / 3.0, "{of_cycles:?}");
        assert!(of_cycles[1] != of_cycles[0] && of_cycles[2] != of_cycles[1], "{of_cycles:?}");
        assert_eq!(*embedding, alone[0][crystal].1);
    }
    // The last weights are those of a run that keeps them alone, and others begin with them.
    let plain = tempfile::tempdir().expect("a temporary folder");
    let member = tuned(&plain, Existing::Refuse, &cycles).members.remove(0);
    let kept = weights::read(&RunFolder::of_another(&member.folder).best()).expect("weights");
    assert!(kept.tensors == last);
    Encoders::read(&run.best()).expect("weights to begin with");
}

#[test]
fn a_configuration_that_was_changed_in_code_is_checked() {
    let folder = TempDir::new().expect("a temporary folder");
    let refused = |request: &Request| {
        let error = finetune(request, &Interrupt::default()).expect_err("out of range");
        assert!(!request.folder.exists());
        error.to_string()
    };
    let mut changed = request(&folder, Existing::Refuse, &[]);
    changed.config.optimiser.beta1 = 1.0;
    assert!(refused(&changed).starts_with("configuration: optimiser.beta1 = 1: must be"));
    let seeds = vec![1, u64::MAX];
    let changed = Request { seeds, ..request(&folder, Existing::Refuse, &[]) };
    assert_eq!(refused(&changed), format!("configuration: seed = {}: must be at most 2^63 - 1", u64::MAX));
}
