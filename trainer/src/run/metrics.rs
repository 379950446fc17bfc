//! Records of a run: JSON lines for each optimiser step and each epoch.
//!
//! A resumed run truncates the file to the records of its checkpoint. The records are then those of an uninterrupted
//! run, except for times and memory.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize};

use super::error::RunError;
use super::seconds::HostSeconds;

/// Beginning of every record.
pub(super) const BEGINNING: &[u8] = b"{\"kind\":";

/// Loss terms by name, including the weighted sum `loss`.
pub type Losses = BTreeMap<String, f64>;

/// Cost of a part of the run. It differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Duration in seconds.
    pub seconds: f64,
    /// Number of crystals per second.
    pub crystals_per_second: f64,
    /// Share of the time in which the model waited for data, 0 to 1.
    pub wait_share: f64,
    /// Resident memory of the process at the end, at most a second old, in bytes; 0 if the system does not report it.
    pub resident_bytes: u64,
}

impl Cost {
    /// Returns the cost of a part that took some seconds, of which the model waited `waited`.
    pub fn of(seconds: f64, crystals: u64, waited: f64) -> Self {
        let divisor = seconds.max(f64::MIN_POSITIVE);
        Self {
            seconds,
            crystals_per_second: crystals as f64 / divisor,
            wait_share: waited / divisor,
            resident_bytes: 0,
        }
    }
}

/// Record of an optimiser step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Number of steps done, including this one.
    pub step: u64,
    /// Epoch, from 1.
    pub epoch: u64,
    /// Number of crystals in the step's batches.
    pub crystals: u64,
    /// Mean losses of the step's batches. NaN and infinities are null in JSON, which is read as NaN.
    #[serde(deserialize_with = "losses")]
    pub losses: Losses,
    /// Learning rate.
    pub learning_rate: f64,
    /// Norm of all gradients together, before clipping.
    #[serde(deserialize_with = "number")]
    pub gradient_norm: f64,
    /// Cost of the step. On a device with its own memory, it is a mean over some steps.
    #[serde(flatten)]
    pub cost: Cost,
    /// The host's time in the parts of the step; zero in the records of earlier versions.
    #[serde(default)]
    pub host_seconds: HostSeconds,
    /// Number of bytes of the step's batches that were copied to the device; 0 on the host.
    #[serde(default)]
    pub uploaded_bytes: u64,
    /// Share of the time in which the GPU was at work, 0 to 1, over the last sixth of a second to second; absent
    /// without a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_busy: Option<f64>,
}

/// Record of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of steps done at the end of the epoch.
    pub step: u64,
    /// Epoch, from 1.
    pub epoch: u64,
    /// Number of crystals of the epoch.
    pub crystals: u64,
    /// Mean training losses.
    #[serde(deserialize_with = "losses")]
    pub train: Losses,
    /// Mean validation losses, if there is a validation set.
    #[serde(default, deserialize_with = "optional_losses", skip_serializing_if = "Option::is_none")]
    pub validation: Option<Losses>,
    /// Whether the loss that decides is the lowest so far.
    pub best: bool,
    /// Cost of the epoch, including validation.
    #[serde(flatten)]
    pub cost: Cost,
}

/// A line of the file. The key `kind` tells the variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// An optimiser step.
    Step(StepRecord),
    /// An epoch.
    Epoch(EpochRecord),
}

impl Record {
    /// Removes the cost, which differs from run to run.
    pub fn without_cost(mut self) -> Self {
        match &mut self {
            Record::Step(record) => {
                record.cost = Cost::default();
                record.host_seconds = HostSeconds::default();
                record.gpu_busy = None;
            }
            Record::Epoch(record) => record.cost = Cost::default(),
        }
        self
    }
}

/// Deserialises a number; null is NaN.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Deserialises losses; null is NaN.
fn losses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Losses, D::Error> {
    let losses = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
    Ok(losses.into_iter().map(|(name, loss)| (name, loss.unwrap_or(f64::NAN))).collect())
}

/// Deserialises optional losses.
fn optional_losses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Losses>, D::Error> {
    losses(deserializer).map(Some)
}

/// Writer of the records.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    path: PathBuf,
    records: u64,
}

impl MetricsLog {
    /// Opens the file and truncates it to its first `records` lines; 0 for a new run.
    ///
    /// If a power failure took the last lines, so that the file has fewer complete ones, all of them are kept.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn open(path: &Path, records: u64) -> Result<Self, RunError> {
        let (records, length) = match File::open(path) {
            Ok(file) => kept(BufReader::new(file), records).map_err(RunError::io("read", path))?,
            Err(error) if error.kind() == ErrorKind::NotFound => (0, 0),
            Err(error) => return Err(RunError::io("read", path)(error)),
        };
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

    /// Appends a record, which is written as one complete line.
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

    /// Returns the number of records in the file. A checkpoint keeps it for [`MetricsLog::open`].
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Flushes the records to disk. Call it before a checkpoint that counts them is written.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn sync(&self) -> Result<(), RunError> {
        self.file.sync_data().map_err(RunError::io("write", &self.path))
    }
}

/// Returns how many of the first `records` lines are complete, and their length in bytes.
fn kept(mut lines: impl BufRead, records: u64) -> std::io::Result<(u64, u64)> {
    let (mut count, mut length, mut line) = (0, 0, Vec::new());
    while count < records {
        line.clear();
        lines.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            break;
        }
        (count, length) = (count + 1, length + line.len() as u64);
    }
    Ok((count, length))
}

/// Reads the records of a run, finished or not, one after another: there may be millions. An incomplete last line is
/// skipped.
///
/// # Errors
/// [`RunError::Io`]. The items are [`RunError::Record`] for a complete line that is not a record.
pub fn read(path: &Path) -> Result<Records, RunError> {
    let file = File::open(path).map_err(RunError::io("read", path))?;
    Ok(Records { lines: BufReader::new(file), path: path.to_owned(), number: 0, line: Vec::new() })
}

/// The records of a file.
#[derive(Debug)]
pub struct Records {
    lines: BufReader<File>,
    path: PathBuf,
    /// Number of lines so far.
    number: usize,
    line: Vec<u8>,
}

impl Iterator for Records {
    type Item = Result<Record, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line.clear();
        match self.lines.read_until(b'\n', &mut self.line) {
            Err(error) => return Some(Err(RunError::io("read", &self.path)(error))),
            Ok(_) if self.line.last() != Some(&b'\n') => return None,
            Ok(_) => self.number += 1,
        }
        Some(serde_json::from_slice(&self.line).map_err(|error| RunError::Record {
            path: self.path.clone(),
            line: self.number,
            reason: error.to_string(),
        }))
    }
}

/// Time for which a [`MemoryGauge`] keeps a value.
const GAUGE_INTERVAL: Duration = Duration::from_secs(1);

/// Resident memory of this process. Values are kept for a second, because asking the system can take longer than a
/// step.
#[derive(Debug, Default)]
pub struct MemoryGauge {
    last: Option<(Instant, u64)>,
}

impl MemoryGauge {
    /// Returns the resident memory in bytes, at most a second old; 0 if the system does not report it.
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

/// Returns the resident memory of this process in bytes; 0 if the system does not report it.
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
