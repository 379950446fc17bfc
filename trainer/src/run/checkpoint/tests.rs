use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use schemas::settings::FeatureSettings;

use super::*;
use crate::config::{ModelConfig, PretrainConfig};
use crate::data::LatticeStatistics;

/// A checkpoint whose every number follows from `step`.
fn sample(step: u64, width: usize) -> Checkpoint {
    let tensors = |offset: f32| {
        let values =
            |count: usize| (0..count).map(|index| step as f32 + offset + index as f32 * 0.5).collect();
        BTreeMap::from([
            ("layer.weight".to_owned(), Tensor::f32([width, 8], values(width * 8))),
            ("layer.bias".to_owned(), Tensor::f32([width], values(width))),
        ])
    };
    let mut cycle_ends = CycleEnds::default();
    (0..step.min(2)).for_each(|cycle| cycle_ends.push(tensors(cycle as f32)));
    Checkpoint {
        state: State {
            epoch: step / 10,
            batch: step % 10,
            step,
            crystals: 64 * step,
            skipped: 0,
            missed: 0,
            sums: BTreeMap::from([("loss".to_owned(), 0.1 * step as f64)]),
            best_loss: (step > 10).then_some(1.0 / 3.0),
            best_epoch: (step > 10).then_some(1),
            last_loss: (step > 20).then_some(0.7),
            records: step,
            config_hash: "abc".to_owned(),
            shards_sha256: Some("def".to_owned()),
            processes: Some(4),
            plateau: Plateau::default(),
        },
        description: Description {
            model: ModelConfig::default(),
            pretrain: PretrainConfig::default(),
            features: FeatureSettings::default(),
            lattice: LatticeStatistics { mean: [5.0; 6], std: [1.5; 6] },
            target: None,
        },
        weights: tensors(0.0),
        first_moments: tensors(0.25),
        second_moments: tensors(0.125),
        averages: tensors(0.0625),
        cycle_ends,
    }
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("checkpoint.safetensors");
    assert_eq!(Checkpoint::read(&path).expect("nothing is wrong"), None);
    for step in [0, 25] {
        sample(step, 3).write(&path).expect("it is writable");
        assert_eq!(Checkpoint::read(&path).expect("it is whole"), Some(sample(step, 3)));
    }
}

#[test]
fn a_checkpoint_is_a_weights_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("checkpoint.safetensors");
    sample(3, 2).write(&path).expect("it is writable");
    let file = weights::read(&path).expect("it is whole");
    let model: [(&str, &[usize]); 2] = [("layer.weight", &[2, 8]), ("layer.bias", &[2])];
    assert_eq!(weights::check(model, &file.tensors, &BESIDES_PROPERTY), Ok(()));
    let description = Description::from_metadata(&file.metadata).expect("it is whole");
    assert_eq!(description, Some(sample(3, 2).description));
}

#[test]
fn weights_alone_are_no_checkpoint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("best.safetensors");
    let Checkpoint { description, weights: tensors, .. } = sample(1, 2);
    let mut metadata = description.to_metadata();
    weights::write(&path, &metadata, tensors.clone()).expect("it is writable");
    let message = Checkpoint::read(&path).expect_err("no state").to_string();
    assert!(message.ends_with("best.safetensors: the metadata lack 'mmpt.state'"), "{message}");
    metadata.insert(STATE_KEY.to_owned(), r#"{"epoch": "one"}"#.to_owned());
    weights::write(&path, &metadata, tensors).expect("it is writable");
    let message = Checkpoint::read(&path).expect_err("unreadable").to_string();
    assert!(message.contains("mmpt.state: invalid type"), "{message}");
}

proptest! {
    #[test]
    fn sums_survive_bit_for_bit(sum in any::<f64>(), best in proptest::option::of(any::<f64>())) {
        let state = State { sums: BTreeMap::from([("x".to_owned(), sum)]), best_loss: best, ..State::default() };
        let text = serde_json::to_string(&state).expect("it serialises");
        let read: State = serde_json::from_str(&text).expect("it reads back");
        let same = |left: f64, right: f64| left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan());
        prop_assert!(same(read.sums["x"], sum), "{text}");
        prop_assert_eq!(read.best_loss.is_some(), best.is_some());
        prop_assert!(same(read.best_loss.unwrap_or(0.0), best.unwrap_or(0.0)), "{text}");
    }
}

/// Tells the test below that it is the process to be killed, and where to write.
const VICTIM: &str = "MMPT_TEST_CHECKPOINT_VICTIM";
/// Rows of the victim's weights: enough that most kills hit the middle of a write.
const VICTIM_WIDTH: usize = 20_000;
/// Processes killed.
const KILLS: u64 = 12;

/// Starts this test again as a process that writes one checkpoint after another.
fn start_victim(path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("it is running"))
        .args(["--exact", &format!("{}::a_killed_process_leaves_a_whole_checkpoint", test_module())])
        .env(VICTIM, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it can be started")
}

/// The name of this module as the test runner spells it: without the crate's.
fn test_module() -> &'static str {
    module_path!().split_once("::").map_or(module_path!(), |(_, module)| module)
}

#[test]
fn a_killed_process_leaves_a_whole_checkpoint() {
    if let Some(path) = std::env::var_os(VICTIM) {
        let path = Path::new(&path);
        let done = Checkpoint::read(path).expect("it is whole").map_or(0, |checkpoint| checkpoint.state.step);
        for step in done + 1.. {
            sample(step, VICTIM_WIDTH).write(path).expect("it is writable");
        }
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("checkpoint.safetensors");
    let mut last = 0;
    for kill in 0..KILLS {
        let written = || std::fs::metadata(&path).and_then(|file| file.modified()).ok();
        let before = written();
        let mut victim = start_victim(&path);
        // Each is given the time to write one; then they die at moments spread over a write.
        let deadline = Instant::now() + Duration::from_secs(60);
        while written() == before && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(17 * kill));
        victim.kill().expect("it was running");
        victim.wait().expect("it has ended");
        let found = Checkpoint::read(&path).expect("it is whole").expect("it is there");
        let step = found.state.step;
        assert!(step > last, "step {step} after {last}: it was killed before it wrote anything");
        assert_eq!(found, sample(step, VICTIM_WIDTH));
        last = step;
    }
}
