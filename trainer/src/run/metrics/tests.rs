//! Records that are written, cut off and read back.

use std::collections::BTreeMap;

use super::*;
use crate::run::seconds::HostSeconds;

fn losses(loss: f64) -> Losses {
    BTreeMap::from([("loss".to_owned(), loss), ("atom".to_owned(), loss / 8.0)])
}

fn step(step: u64) -> Record {
    Record::Step(StepRecord {
        step,
        epoch: 1,
        crystals: 64,
        losses: losses(1.0 / step as f64),
        learning_rate: 1e-5,
        gradient_norm: 2.5,
        cost: Cost { seconds: 0.5, crystals_per_second: 128.0, wait_share: 0.25, resident_bytes: 1 << 30 },
        host_seconds: HostSeconds { backward: 0.25, ..HostSeconds::default() },
        uploaded_bytes: 1 << 20,
        gpu_busy: Some(0.75),
    })
}

fn epoch(step: u64, validation: Option<Losses>) -> Record {
    let cost = Cost { seconds: 9.0, ..Cost::default() };
    Record::Epoch(EpochRecord {
        step,
        epoch: 1,
        crystals: 640,
        train: losses(0.5),
        validation,
        best: true,
        cost,
    })
}

/// Returns all records of a file.
fn all(path: &Path) -> Result<Vec<Record>, RunError> {
    read(path)?.collect()
}

fn written(records: &[Record]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::open(&path, 0).expect("it is writable");
    for record in records {
        log.append(record).expect("it is writable");
    }
    (folder, path)
}

#[test]
fn records_are_lines_that_read_back() {
    let records = [step(1), step(2), epoch(2, None), epoch(2, Some(losses(0.75)))];
    let (_folder, path) = written(&records);
    assert_eq!(all(&path).expect("they are whole"), records);
    let text = std::fs::read_to_string(&path).expect("it is text");
    let first = concat!(
        r#"{"kind":"step","step":1,"epoch":1,"crystals":64,"losses":{"atom":0.125,"loss":1.0},"#,
        r#""learning_rate":0.00001,"gradient_norm":2.5,"seconds":0.5,"crystals_per_second":128.0,"#,
        r#""wait_share":0.25,"resident_bytes":1073741824,"host_seconds":{"wait":0.0,"upload":0.0,"forward":0.0,"#,
        r#""backward":0.25,"norm":0.0,"optimiser":0.0,"read":0.0,"record":0.0},"uploaded_bytes":1048576,"#,
        r#""gpu_busy":0.75}"#
    );
    assert_eq!(text.lines().next(), Some(first));
    assert_eq!(text.lines().count(), records.len());
}

#[test]
fn a_loss_that_is_no_number_is_recorded() {
    let mut record = step(1);
    if let Record::Step(step) = &mut record {
        step.losses.insert("loss".to_owned(), f64::NAN);
        step.gradient_norm = f64::INFINITY;
    }
    let (_folder, path) = written(&[record]);
    let read = all(&path).expect("it is whole");
    let [Record::Step(step)] = &read[..] else { panic!("one step: {read:?}") };
    assert!(step.losses["loss"].is_nan() && step.gradient_norm.is_nan());
    assert_eq!(step.losses["atom"], 0.125);
}

#[test]
fn a_torn_last_line_is_left_out_and_cut_off() {
    let (_folder, path) = written(&[step(1), step(2)]);
    let whole = std::fs::read(&path).expect("it is there");
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).expect("it is writable");
        let kept = all(&path).expect("whole lines are left").len();
        assert_eq!(kept, whole[..length].iter().filter(|&&byte| byte == b'\n').count());
        let mut log = MetricsLog::open(&path, 2).expect("it is writable");
        assert_eq!(log.records(), kept as u64);
        log.append(&step(3)).expect("it is writable");
        assert_eq!(all(&path).expect("they are whole").len(), kept + 1);
    }
}

#[test]
fn a_resumed_file_equals_one_that_was_never_interrupted() {
    let all: Vec<Record> = (1..=6).map(step).collect();
    let (_whole, uninterrupted) = written(&all);
    let (_cut, path) = written(&all[..5]);
    let mut log = MetricsLog::open(&path, 3).expect("the checkpoint had three records");
    for record in &all[3..] {
        log.append(record).expect("it is writable");
    }
    log.sync().expect("it is writable");
    assert_eq!(log.records(), 6);
    let content = |path: &Path| std::fs::read(path).expect("it is there");
    assert_eq!(content(&path), content(&uninterrupted));
}

#[test]
fn costs_can_be_left_out_of_a_comparison() {
    let mut other = step(1);
    if let Record::Step(step) = &mut other {
        step.cost.seconds = 77.0;
    }
    assert_ne!(other, step(1));
    assert_eq!(other.without_cost(), step(1).without_cost());
}

#[test]
fn a_line_that_is_no_record_is_named() {
    let (_folder, path) = written(&[step(1)]);
    let mut text = std::fs::read_to_string(&path).expect("it is text");
    text.push_str("{\"kind\":\"step\"}\n");
    std::fs::write(&path, text).expect("it is writable");
    let message = all(&path).expect_err("fields are missing").to_string();
    assert!(message.contains("metrics.jsonl:2: not a record"), "{message}");
    assert!(matches!(read(Path::new("nowhere")), Err(RunError::Io { action: "read", .. })));
}
