//! The records of a run: one JSON object a line, for each optimiser step and each epoch.
//!
//! A resumed run cuts the file back to what its checkpoint had recorded, so that its records are those
//! of a run that was never interrupted, but for times and memory.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize};

use super::error::RunError;

/// What every record begins with.
pub(super) const BEGINNING: &[u8] = b"{\"kind\":";

/// Loss terms, weighted sum (`loss`) included, by name.
pub type Losses = BTreeMap<String, f64>;

/// What a stretch of the run took; differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds.
    pub seconds: f64,
    /// Crystals a second.
    pub crystals_per_second: f64,
    /// Share of the time in which the model waited for data, 0 to 1.
    pub wait_share: f64,
    /// Resident memory of the process at the end of the stretch, or up to a second earlier, in bytes; 0 where
    /// the system does not report it.
    pub resident_bytes: u64,
}

/// One optimiser step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Steps done, this one included.
    pub step: u64,
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Crystals of the step's batches.
    pub crystals: u64,
    /// Mean losses of the step's batches. JSON has no NaN and no infinity: they are null, read as NaN.
    #[serde(deserialize_with = "losses")]
    pub losses: Losses,
    /// Learning rate.
    pub learning_rate: f64,
    /// Norm of all gradients together, before clipping.
    #[serde(deserialize_with = "number")]
    pub gradient_norm: f64,
    /// What the step took.
    #[serde(flatten)]
    pub cost: Cost,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Steps done at its end.
    pub step: u64,
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Crystals of the epoch.
    pub crystals: u64,
    /// Mean training losses.
    #[serde(deserialize_with = "losses")]
    pub train: Losses,
    /// Mean validation losses, where there is a validation set.
    #[serde(default, deserialize_with = "optional_losses", skip_serializing_if = "Option::is_none")]
    pub validation: Option<Losses>,
    /// Whether its weights are the best so far.
    pub best: bool,
    /// What the epoch took, validation included.
    #[serde(flatten)]
    pub cost: Cost,
}

/// A line of the file; `kind` tells which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// An optimiser step.
    Step(StepRecord),
    /// An epoch.
    Epoch(EpochRecord),
}

impl Record {
    /// The record without what differs from run to run.
    pub fn without_cost(mut self) -> Self {
        match &mut self {
            Record::Step(record) => record.cost = Cost::default(),
            Record::Epoch(record) => record.cost = Cost::default(),
        }
        self
    }
}

/// A number, or null for one that JSON does not have.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Losses, null among them.
fn losses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Losses, D::Error> {
    let losses = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
    Ok(losses.into_iter().map(|(name, loss)| (name, loss.unwrap_or(f64::NAN))).collect())
}

/// Losses that are there.
fn optional_losses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Losses>, D::Error> {
    losses(deserializer).map(Some)
}

/// The file being written.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    path: PathBuf,
    records: u64,
}

impl MetricsLog {
    /// Opens the file after its first `records` lines and forgets the others; 0 for a new run.
    ///
    /// The file may hold fewer whole lines than that, when a power failure took the last ones: then all of
    /// them stay.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn open(path: &Path, records: u64) -> Result<Self, RunError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(RunError::io("read", path)(error)),
        };
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1);
        let kept = usize::try_from(records).unwrap_or(usize::MAX);
        let (records, length) = ends.take(kept).fold((0, 0), |(count, _), end| (count + 1, end as u64));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(RunError::io("write", path))?;
        file.set_len(length).map_err(RunError::io("shorten", path))?;
        file.seek(SeekFrom::Start(length)).map_err(RunError::io("write", path))?;
        Ok(Self { file, path: path.to_owned(), records })
    }

    /// Appends a record, handed to the system as one whole line.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn append(&mut self, record: &Record) -> Result<(), RunError> {
        let mut line = serde_json::to_vec(record).expect("JSON holds every type of a record");
        line.push(b'\n');
        self.file.write_all(&line).map_err(RunError::io("write", &self.path))?;
        self.records += 1;
        Ok(())
    }

    /// How many records the file holds; a checkpoint keeps the number for [`MetricsLog::open`].
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Makes the records durable; to be called before a checkpoint that counts them is written.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn sync(&self) -> Result<(), RunError> {
        self.file.sync_data().map_err(RunError::io("write", &self.path))
    }
}

/// Reads the records of a run, finished or not. A last line without its end is one that is being
/// written, or was when the process was killed: it is left out.
///
/// # Errors
/// [`RunError::Io`], or [`RunError::Record`] with the number of a whole line that is no record.
pub fn read(path: &Path) -> Result<Vec<Record>, RunError> {
    let text = std::fs::read(path).map_err(RunError::io("read", path))?;
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let lines = text[..whole].split_inclusive(|&byte| byte == b'\n').enumerate();
    lines
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| RunError::Record {
                path: path.to_owned(),
                line: index + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

/// Time for which a [`MemoryGauge`] keeps a value.
const GAUGE_INTERVAL: Duration = Duration::from_secs(1);

/// Resident memory of this process, for its records. The value is kept for a second, because asking the
/// system can take longer than a step.
#[derive(Debug, Default)]
pub struct MemoryGauge {
    last: Option<(Instant, u64)>,
}

impl MemoryGauge {
    /// Bytes, at most a second old; 0 where the system does not report them.
    pub fn resident_bytes(&mut self) -> u64 {
        match self.last {
            Some((asked, bytes)) if asked.elapsed() < GAUGE_INTERVAL => bytes,
            _ => {
                let bytes = resident_bytes();
                self.last = Some((Instant::now(), bytes));
                bytes
            }
        }
    }
}

/// Resident memory of this process in bytes; 0 where the system does not tell.
pub fn resident_bytes() -> u64 {
    memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            cost: Cost {
                seconds: 0.5,
                crystals_per_second: 128.0,
                wait_share: 0.25,
                resident_bytes: 1 << 30,
            },
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
        assert_eq!(read(&path).expect("they are whole"), records);
        let text = std::fs::read_to_string(&path).expect("it is text");
        let first = concat!(
            r#"{"kind":"step","step":1,"epoch":1,"crystals":64,"losses":{"atom":0.125,"loss":1.0},"#,
            r#""learning_rate":0.00001,"gradient_norm":2.5,"seconds":0.5,"crystals_per_second":128.0,"#,
            r#""wait_share":0.25,"resident_bytes":1073741824}"#
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
        let read = read(&path).expect("it is whole");
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
            let kept = read(&path).expect("whole lines are left").len();
            assert_eq!(kept, whole[..length].iter().filter(|&&byte| byte == b'\n').count());
            let mut log = MetricsLog::open(&path, 2).expect("it is writable");
            assert_eq!(log.records(), kept as u64);
            log.append(&step(3)).expect("it is writable");
            assert_eq!(read(&path).expect("they are whole").len(), kept + 1);
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
        let message = read(&path).expect_err("fields are missing").to_string();
        assert!(message.contains("metrics.jsonl:2: not a record"), "{message}");
        assert!(matches!(read(Path::new("nowhere")), Err(RunError::Io { action: "read", .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_has_memory() {
        assert!(resident_bytes() > 1 << 20);
        assert!(MemoryGauge::default().resident_bytes() > 1 << 20);
    }

    #[test]
    fn a_gauge_asks_once_a_second() {
        let mut gauge = MemoryGauge { last: Some((Instant::now(), 7)) };
        assert_eq!(gauge.resident_bytes(), 7);
        if let Some(before) = Instant::now().checked_sub(2 * GAUGE_INTERVAL) {
            gauge.last = Some((before, 7));
            assert_ne!(gauge.resident_bytes(), 7);
        }
    }
}
