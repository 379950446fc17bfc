//! The journal `jobs.jsonl`: events of all jobs, a record per line, oldest first.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::CompareError;

/// Name of the file in the folder of a comparison.
pub const FILE: &str = "jobs.jsonl";

/// An event of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase", deny_unknown_fields)]
pub enum Event {
    /// The process was started.
    Started {
        /// Name of the device.
        device: String,
        /// Arguments, without those of the machine and `--resume`.
        arguments: Vec<String>,
    },
    /// The job is finished.
    Finished {
        /// See [`Job::fingerprint`](super::job::Job::fingerprint).
        fingerprint: String,
        /// SHA-256 of the SHA-256 of all shards of a job that reads some; none in journals of
        /// earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shards_sha256: Option<String>,
        /// Duration of this process in seconds.
        seconds: f64,
    },
    /// The job failed.
    Failed {
        /// The last line of its output.
        reason: String,
    },
    /// The job was stopped by Ctrl-C and has saved its state.
    Interrupted,
    /// The job was skipped, because a job that it needs failed or was skipped.
    Skipped {
        /// Name of the job that it needs.
        after: String,
    },
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the job.
    pub job: String,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// The last record of a finished job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedJob {
    /// See [`Job::fingerprint`](super::job::Job::fingerprint).
    pub fingerprint: String,
    /// That of the shards, if one is recorded.
    pub shards_sha256: Option<String>,
    /// Index of the record. A job that was done again has a later one than what was made from it before.
    pub line: usize,
}

/// The jobs whose last record says that they are finished, by name.
pub type Finished = BTreeMap<String, FinishedJob>;

/// The journal, open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Reads the records and opens the file for appending. An incomplete last line of a killed process is removed.
    ///
    /// # Errors
    /// [`CompareError::Io`] or [`CompareError::Record`].
    pub fn open(path: &Path) -> Result<(Self, Vec<Record>), CompareError> {
        let (records, length) = read_lines(path)?;
        let failed = |source| CompareError::Io { action: "write", path: path.to_owned(), source };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        file.set_len(length).map_err(failed)?;
        Ok((Self { path: path.to_owned(), file }, records))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// [`CompareError::Io`].
    pub fn append(&mut self, record: &Record) -> Result<(), CompareError> {
        let mut line = serde_json::to_vec(record).expect("texts and numbers are JSON");
        line.push(b'\n');
        self.file.write_all(&line).map_err(CompareError::io("write", &self.path))
    }
}

/// Reads the records; none if the file does not exist.
///
/// # Errors
/// [`CompareError::Io`] or [`CompareError::Record`].
pub fn read(path: &Path) -> Result<Vec<Record>, CompareError> {
    read_lines(path).map(|(records, _)| records)
}

/// Returns the records of all complete lines, and the number of bytes of these lines.
fn read_lines(path: &Path) -> Result<(Vec<Record>, u64), CompareError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(CompareError::io("read", path)(error)),
    };
    let mut records = Vec::new();
    let mut length = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let record = serde_json::from_slice(line).map_err(|error| CompareError::Record {
            path: path.to_owned(),
            line: records.len() + 1,
            reason: error.to_string(),
        })?;
        records.push(record);
        length += line.len() as u64;
    }
    Ok((records, length))
}

/// Returns the finished jobs.
pub fn finished(records: &[Record]) -> Finished {
    let mut finished = Finished::new();
    for (line, Record { job, event }) in records.iter().enumerate() {
        match event {
            Event::Finished { fingerprint, shards_sha256, .. } => {
                let (fingerprint, shards_sha256) = (fingerprint.clone(), shards_sha256.clone());
                finished.insert(job.clone(), FinishedJob { fingerprint, shards_sha256, line })
            }
            _ => finished.remove(job),
        };
    }
    finished
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(job: &str, event: Event) -> Record {
        Record { job: job.to_owned(), event }
    }

    fn end(fingerprint: &str) -> Event {
        Event::Finished { fingerprint: fingerprint.to_owned(), shards_sha256: None, seconds: 1.5 }
    }

    #[test]
    fn records_come_back_and_a_torn_line_goes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        assert_eq!(read(&path).expect("no file is no record"), []);
        let written = [
            record("a", Event::Started { device: "cpu".to_owned(), arguments: vec!["x".to_owned()] }),
            record("a", end("f")),
            record("b", Event::Failed { reason: "no \"shards\"".to_owned() }),
            record("c", Event::Skipped { after: "b".to_owned() }),
            record("d", Event::Interrupted),
        ];
        let (mut journal, _) = Journal::open(&path).expect("it is writable");
        for record in &written {
            journal.append(record).expect("it is writable");
        }
        let mut file = OpenOptions::new().append(true).open(&path).expect("it is there");
        file.write_all(b"{\"job\": \"e\", \"ev").expect("it is writable");
        let (mut journal, records) = Journal::open(&path).expect("a torn line does no harm");
        assert_eq!(records, written);
        journal.append(&record("e", end("g"))).expect("it is writable");
        assert_eq!(read(&path).expect("whole lines").len(), written.len() + 1);
    }

    #[test]
    fn another_file_is_refused_with_its_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        std::fs::write(&path, "{\"job\":\"a\",\"event\":\"interrupted\"}\nnonsense\n")
            .expect("it is writable");
        let error = read(&path).expect_err("it is no record").to_string();
        assert!(error.contains("jobs.jsonl:2: not a record of a job: "), "{error}");
    }

    #[test]
    fn the_last_record_counts() {
        let started = || Event::Started { device: "cpu".to_owned(), arguments: Vec::new() };
        let records = [
            record("a", end("old")),
            record("b", end("b")),
            record("a", started()),
            record("c", started()),
            record("a", end("new")),
            record("b", Event::Failed { reason: String::new() }),
        ];
        let last = FinishedJob { fingerprint: "new".to_owned(), shards_sha256: None, line: 4 };
        assert_eq!(finished(&records), Finished::from([("a".to_owned(), last)]));
    }
}
