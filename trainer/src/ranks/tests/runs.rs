//! GlobalSizes runs of several ranks against runs of one process with batches as large.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::config::Config;
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::pretrain::{Request, Summary, pretrain};
use crate::ranks::threads::on_ranks;
use crate::ranks::{Ranks, alone};
use crate::run::folder::Existing;
use crate::run::interrupt::Interrupt;
use crate::run::metrics::{self, Record};
use crate::run::training_run::Ending;
use crate::weights;

/// 26 crystals in two shards: 19 for training, 4 for validation.
const STORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/trainer/store");
/// Greatest difference of weights, of the greatest weight of a tensor.
const TOLERANCE: f64 = 1e-5;
/// Epochs of three steps each, 21 steps.
const EPOCHS: u64 = 7;

/// SGD in the manner of the CGCNN.
const SGD: [&str; 6] = [
    "optimiser.kind=sgd",
    "optimiser.clip_norm=1",
    "schedule.kind=steps",
    "schedule.steps.epochs=[1, 3]",
    "data.drop_incomplete=true",
    "run.select=last",
];

/// A run of a small model; `batch` crystals a rank.
fn config(batch: usize, more: &[&str]) -> Config {
    let mut overrides: Vec<String> = [
        "model.mmpt.hidden=16",
        "model.mmpt.structure_width=16",
        "model.mmpt.interaction_blocks=1",
        "model.mmpt.interaction_width=16",
        "model.mmpt.output_width=16",
        "model.mmpt.output_layers=1",
        "pretrain.mmpt.decoder_width=16",
        "optimiser.learning_rate=1e-4",
        "data.validation=split",
    ]
    .map(str::to_owned)
    .into();
    overrides.push(format!("data.shards={:?}", [STORE]));
    overrides.push(format!("data.batch_crystals={batch}"));
    overrides.push(format!("run.epochs={EPOCHS}"));
    overrides.extend(more.iter().map(|&text| text.to_owned()));
    Config::resolve(None, &overrides).expect("a valid configuration")
}

/// One rank's part of a run.
fn run(
    config: Config,
    folder: &Path,
    existing: Existing,
    ranks: Arc<dyn Ranks>,
) -> Result<Summary, TrainError> {
    let folder = folder.to_owned();
    let device = DeviceName::Cpu;
    let request =
        Request { config, folder, existing, device, ranks, weights: None, tensorboard: None, quiet: true };
    pretrain(request, &Interrupt::default())
}

/// Runs so many ranks, with `batch` crystals each, in a folder of their own.
fn trained(count: usize, batch: usize, more: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for summary in on_ranks(count, |ranks| run(config(batch, more), folder.path(), Existing::Refuse, ranks)) {
        assert_eq!(summary.expect("it trains").ending, Ending::Finished);
    }
    folder
}

fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("last/checkpoint.safetensors")
}

/// Numbers by the name of a tensor.
fn tensors(path: &Path) -> BTreeMap<String, Vec<f64>> {
    let file = weights::read(path).expect("a whole file");
    let numbers = |values: weights::Values| match values {
        weights::Values::F32(values) => values.into_iter().map(f64::from).collect(),
        weights::Values::F64(values) => values,
    };
    file.tensors.into_iter().map(|(name, tensor)| (name, numbers(tensor.values))).collect()
}

/// The records of a run without what differs from run to run.
fn records(folder: &Path) -> Vec<Record> {
    let records = metrics::read(&folder.join("metrics.jsonl")).expect("records");
    records.map(|record| record.expect("a record").without_cost()).collect()
}

/// Greatest difference of the weights of two runs, relative to each tensor's greatest one.
fn difference(folder: &Path, other: &Path) -> f64 {
    let (found, expected) = (tensors(&checkpoint(folder)), tensors(&checkpoint(other)));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let weights = expected.iter().filter(|(name, _)| !name.starts_with("optimiser."));
    let differences = weights.map(|(name, expected)| {
        let greatest = expected.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
        let pairs = found[name].iter().zip(expected);
        let off = pairs.map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max);
        off / greatest
    });
    differences.fold(0.0, f64::max)
}

#[test]
fn ranks_train_as_one_process_with_the_whole_batch() {
    let loads: [&[&str]; 3] = [
        &[],
        &["pretrain.mmpt.loss.contrast.samples=crystals", "pretrain.mmpt.loss.contrast.centred=true"],
        &["optimiser.accumulate=2", "optimiser.clip_norm=1", "schedule.kind=onecycle"],
    ];
    for load in loads {
        let (whole, shared) = (trained(1, 8, load), trained(2, 4, load));
        let off = difference(shared.path(), whole.path());
        assert!(off <= TOLERANCE, "{off:e} with {load:?}");
        let losses = |folder: &TempDir| records(folder.path());
        assert_eq!(losses(&whole).len(), losses(&shared).len());
        for (whole, shared) in losses(&whole).into_iter().zip(losses(&shared)) {
            let (whole, shared) = match (whole, shared) {
                (Record::Step(whole), Record::Step(shared)) => {
                    assert_eq!(whole.crystals, shared.crystals);
                    (whole.losses, shared.losses)
                }
                (Record::Epoch(whole), Record::Epoch(shared)) => {
                    (whole.validation.expect("there is one"), shared.validation.expect("there is one"))
                }
                other => panic!("records of two kinds: {other:?}"),
            };
            for (name, whole) in whole {
                assert!((shared[&name] - whole).abs() <= 1e-4 * whole.abs().max(1.0), "{name}");
            }
        }
    }
}

#[test]
fn ranks_repeat_themselves_to_the_last_bit() {
    let (first, second) = (trained(3, 2, &[]), trained(3, 2, &[]));
    assert_eq!(records(first.path()), records(second.path()));
    assert_eq!(tensors(&checkpoint(first.path())), tensors(&checkpoint(second.path())));
}

#[test]
fn a_resumed_run_of_ranks_is_the_run_that_was_not_interrupted() {
    let cgcnn = ["model.kind=cgcnn", "model.cgcnn.atom_width=8", "model.cgcnn.crystal_width=8"];
    let twins = ["pretrain.method=crystal-twins", "pretrain.crystal_twins.perturb=0.05"];
    let constant = ["schedule.kind=constant"];
    for method in [&constant[..], &SGD, &twins, &["pretrain.method=infograph"]] {
        let model = if method[0].starts_with("pretrain.method") { &cgcnn[..] } else { &[] };
        let more = [method, model].concat();
        let whole = trained(2, 4, &more);
        let folder = trained(2, 4, &[&more[..], &["run.epochs=2"]].concat());
        let resumed = |ranks| run(config(4, &more), folder.path(), Existing::Resume, ranks);
        for summary in on_ranks(2, resumed) {
            assert_eq!(summary.expect("it goes on").state.epoch, EPOCHS);
        }
        assert_eq!(records(folder.path()), records(whole.path()));
        assert_eq!(tensors(&checkpoint(folder.path())), tensors(&checkpoint(whole.path())));
    }
}

#[test]
fn sgd_falls_by_steps_on_whole_batches_and_keeps_the_last_weights() {
    let folder = trained(1, 8, &SGD);
    let (mut rates, mut epochs) = (Vec::new(), 0);
    for record in records(folder.path()) {
        match record {
            Record::Step(step) => {
                assert_eq!(step.crystals, 8);
                rates.push(step.learning_rate);
            }
            Record::Epoch(epoch) => {
                assert_eq!(epoch.crystals, 16);
                epochs += 1;
            }
        }
    }
    assert_eq!(epochs, EPOCHS);
    // 19 crystals are two batches of eight in each of seven epochs.
    let expected: Vec<f64> =
        [1e-4, 1e-5, 1e-5, 1e-6, 1e-6, 1e-6, 1e-6].into_iter().flat_map(|rate| [rate; 2]).collect();
    assert_eq!(rates.len(), expected.len());
    assert!(
        rates.iter().zip(&expected).all(|(rate, expected)| (rate / expected - 1.0).abs() < 1e-12),
        "{rates:?}"
    );
    let last = tensors(&checkpoint(folder.path()));
    let (optimiser, weights): (BTreeMap<_, _>, BTreeMap<_, _>) =
        last.into_iter().partition(|(name, _)| name.starts_with("optimiser."));
    assert_eq!(tensors(&folder.path().join("best.safetensors")), weights);
    assert!(optimiser.keys().all(|name| name.starts_with("optimiser.m.")) && !optimiser.is_empty());
}

#[test]
fn crystals_that_fill_no_batch_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = run(config(20, &SGD), folder.path(), Existing::Refuse, alone()).expect_err("19 crystals");
    let message = refused.to_string();
    assert!(message.starts_with("19 crystals to train on cannot fill a batch of 20, and"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
}

#[test]
fn a_method_trains_its_own_kind_of_encoder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused =
        run(config(4, &["pretrain.method=crystal-twins"]), folder.path(), Existing::Refuse, alone());
    let message = refused.expect_err("MMPT's encoder").to_string();
    assert_eq!(message, "the pre-training \"crystal-twins\" trains the encoder \"cgcnn\", not \"mmpt\"");
}

#[test]
fn a_run_is_resumed_by_as_many_processes() {
    let more = ["schedule.kind=constant", "run.epochs=1"];
    let (two, one) = (trained(2, 4, &more), trained(1, 4, &more));
    let refused = run(config(4, &more), two.path(), Existing::Resume, alone()).expect_err("there were two");
    assert!(refused.to_string().contains("was started with processes = 2, not 1"), "{refused}");
    for refused in on_ranks(2, |ranks| run(config(4, &more), one.path(), Existing::Resume, ranks)) {
        let refused = refused.expect_err("there was one").to_string();
        assert!(refused.contains("was started with processes = 1, not 2"), "{refused}");
    }
}

#[test]
fn a_loss_that_is_no_number_on_one_rank_ends_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let more = ["optimiser.learning_rate=1e30"];
    let ended = on_ranks(2, |ranks| run(config(4, &more), folder.path(), Existing::Refuse, ranks));
    for error in ended {
        assert!(matches!(error, Err(TrainError::Diverged { .. })), "{error:?}");
    }
    let list = std::fs::read_to_string(folder.path().join("diverged.json")).expect("it is written");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let ids = list["material_ids"].as_array().expect("a list").len();
    assert!([8, 19 % 8].contains(&ids), "the crystals of all ranks: {ids}");
}

#[test]
fn fewer_crystals_than_ranks_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = on_ranks(5, |ranks| run(config(1, &[]), folder.path(), Existing::Refuse, ranks));
    for ended in ended {
        let error = ended.expect_err("four validate").to_string();
        assert_eq!(error, "4 crystals for validation cannot be shared among 5 processes");
    }
}
