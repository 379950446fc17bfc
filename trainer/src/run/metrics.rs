//! Records of a run: JSON lines for each optimiser step and each epoch.
//!
//! A resumed run truncates the file to the records of its checkpoint. The records are then those of an uninterrupted
//! run, except for times and memory.

mod record;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use self::record::{Cost, EpochRecord, Losses, Record, StepRecord};
use super::error::RunError;

/// Beginning of every record.
pub(super) const BEGINNING: &[u8] = b"{\"kind\":";

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

#[cfg(test)]
mod tests;
