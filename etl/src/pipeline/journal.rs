//! Notes of an unfinished run: what is safely on disk, and where to go on.
//!
//! The journal is replaced whole after every finished file, and it only ever names files that are
//! complete. A block of the input is either wholly in those files and in the rejects noted so far, or
//! not at all, so a resumed run reads on at a block's beginning and ends in the same bytes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use schemas::bounded;
use schemas::count::counted;
use schemas::hash::HashingWriter;
use schemas::manifest::{Counts, ShardEntry};
use schemas::part::Part;
use schemas::seal;
use schemas::settings::FeatureSettings;
use serde::{Deserialize, Serialize};

use super::error::BuildError;
use super::inputs::InputIdentity;
use crate::no_follow;
use crate::reject::Reject;
use crate::shard::write_atomically;

/// The journal in the staging folder.
pub(super) const JOURNAL_FILE: &str = "journal.json";
/// The rejects so far in the staging folder, one JSON object a line.
pub(super) const REJECTS_FILE: &str = "rejects.jsonl";

/// Option with the SHA-256 of the CIFs that tables name.
pub(super) const NAMED_CIFS: &str = "named_cifs";

/// What a run must have in common with the one it resumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunIdentity {
    /// Layout of the shards.
    pub format_version: u32,
    /// Version of the software.
    pub software_version: String,
    /// Name of the source.
    pub source: String,
    /// Which part of the entries it builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Everything else that decides about the rows and their order.
    pub options: BTreeMap<String, String>,
}

impl RunIdentity {
    /// The first difference from `other`, as `what it is there`.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.format_version != other.format_version {
            return Some(format!("format version {}", other.format_version));
        }
        if self.software_version != other.software_version {
            return Some(format!("software version {}", other.software_version));
        }
        if self.source != other.source {
            return Some(format!("source = {}", other.source));
        }
        if self.part != other.part {
            let part = other.part.map_or_else(|| "not set".to_owned(), |part| part.to_string());
            return Some(format!("part = {part}"));
        }
        if let Err(error) = self.settings.require(&other.settings) {
            return Some(error.to_string().replace("the store has ", ""));
        }
        let keys: std::collections::BTreeSet<_> = self.options.keys().chain(other.options.keys()).collect();
        keys.into_iter().find(|key| self.options.get(*key) != other.options.get(*key)).map(|key| match other
            .options
            .get(key)
        {
            Some(_) if key == NAMED_CIFS => "an earlier state of the CIFs that its tables name".to_owned(),
            value => format!("{key} = {}", value.map_or("not set", String::as_str)),
        })
    }
}

/// Where an unfinished run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// What the run is.
    pub run: RunIdentity,
    /// What it reads.
    pub inputs: Vec<InputIdentity>,
    /// Blocks of the input that are wholly dealt with.
    pub blocks: u64,
    /// What became of their entries.
    pub counts: Counts,
    /// Length of the notes about rejects.
    pub rejects_bytes: u64,
    /// SHA-256 of the notes about rejects in hexadecimal.
    pub rejects_sha256: String,
    /// Whether the input was read to its end.
    pub input_ended: bool,
    /// Sorted runs in the staging folder, where the rows are to be sorted.
    pub runs: Vec<ShardEntry>,
    /// Merged batches of the runs that are wholly in finished shards.
    pub merged_blocks: u64,
    /// Finished shards.
    pub shards: Vec<ShardEntry>,
}

impl Journal {
    /// The journal of a run that begins.
    pub(super) fn new(run: RunIdentity, inputs: Vec<InputIdentity>) -> Self {
        Self {
            run,
            inputs,
            blocks: 0,
            counts: Counts::default(),
            rejects_bytes: 0,
            rejects_sha256: HashingWriter::new(io::sink()).so_far().0,
            input_ended: false,
            runs: Vec::new(),
            merged_blocks: 0,
            shards: Vec::new(),
        }
    }

    /// Whether the run has written nothing that could be gone on with.
    pub(super) fn is_blank(&self) -> bool {
        self.blocks == 0 && self.runs.is_empty() && self.shards.is_empty() && !self.input_ended
    }

    /// Path of a staging folder's journal.
    pub(super) fn path(staging: &Path) -> PathBuf {
        staging.join(JOURNAL_FILE)
    }

    /// Reads the journal of an interrupted run, if there is one.
    ///
    /// # Errors
    /// [`BuildError::Io`] and [`BuildError::Journal`].
    pub(super) fn read(staging: &Path) -> Result<Option<Self>, BuildError> {
        let path = Self::path(staging);
        let text = match bounded::read(&path, schemas::manifest::MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BuildError::Io { path, source }),
        };
        let read = || {
            let text = String::from_utf8(text).map_err(|error| error.to_string())?;
            let text = seal::open(&text).map_err(|error| error.to_string())?;
            serde_json::from_str(&text).map_err(|error| error.to_string())
        };
        read().map(Some).map_err(|message| BuildError::Journal { path, message })
    }

    /// Replaces the journal on disk.
    ///
    /// # Errors
    /// [`BuildError::Shard`] if it cannot be written.
    pub(super) fn write(&self, staging: &Path) -> Result<(), BuildError> {
        let path = Self::path(staging);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| BuildError::Journal { path: path.clone(), message: error.to_string() })?;
        Ok(write_atomically(staging, &path, seal::seal(text).as_bytes())?)
    }

    /// Whether a run with this identity and these inputs may go on from here.
    ///
    /// # Errors
    /// [`BuildError::ResumeMismatch`] with the first difference.
    pub(super) fn check(
        &self,
        store: &Path,
        run: &RunIdentity,
        inputs: &[InputIdentity],
    ) -> Result<(), BuildError> {
        let difference = run.difference(&self.run).or_else(|| {
            if self.inputs.len() != inputs.len() {
                return Some(counted(self.inputs.len(), "input"));
            }
            let changed = self.inputs.iter().zip(inputs).find(|(before, now)| before != now)?;
            let (before, now) = changed;
            Some(if before.path != now.path {
                format!("input {}", before.path)
            } else {
                format!(
                    "another state of {} ({} then, {} now, or another time)",
                    now.path,
                    counted(before.bytes, "byte"),
                    now.bytes
                )
            })
        });
        match difference {
            None => Ok(()),
            Some(difference) => Err(BuildError::ResumeMismatch { store: store.to_owned(), difference }),
        }
    }
}

/// A reject as a line of the notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectLine {
    /// Identifier of the entry, where it could be read.
    pub id: Option<String>,
    /// Input file.
    pub file: String,
    /// Position in the input, counted from 1.
    pub record: u64,
    /// Line of the fault, where there is one.
    pub line: Option<u32>,
    /// Reason code.
    pub reason: String,
    /// What is wrong.
    pub message: String,
}

impl RejectLine {
    /// Bytes of its texts.
    pub(super) fn text_bytes(&self) -> usize {
        let Self { id, file, reason, message, .. } = self;
        id.as_ref().map_or(0, String::len) + file.len() + reason.len() + message.len()
    }
}

/// Appends rejects to the notes; they count once the journal names their length.
pub(super) struct RejectLog {
    path: PathBuf,
    file: BufWriter<File>,
    /// Length and hash of the notes.
    noted: HashingWriter<io::Sink>,
}

impl RejectLog {
    /// Opens the notes of a journal and cuts off what is beyond them.
    ///
    /// # Errors
    /// [`BuildError::Io`], and [`BuildError::Journal`] if the notes are not those that the journal names.
    pub(super) fn open(staging: &Path, journal: &Journal) -> Result<Self, BuildError> {
        let path = staging.join(REJECTS_FILE);
        let mut noted = HashingWriter::new(io::sink());
        let mut read = || {
            let mut options = OpenOptions::new();
            let mut file =
                no_follow::open(options.create(true).truncate(false).read(true).write(true), &path)?;
            io::copy(&mut (&mut file).take(journal.rejects_bytes), &mut noted)?;
            Ok(file)
        };
        let mut file = read().map_err(BuildError::io(&path))?;
        let (found, bytes) = noted.so_far();
        if bytes != journal.rejects_bytes || found != journal.rejects_sha256 {
            let message = format!(
                "{bytes} of {} bytes are there, with SHA-256 {found} instead of {}",
                journal.rejects_bytes, journal.rejects_sha256
            );
            return Err(BuildError::Journal { path, message });
        }
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(BuildError::io(&path))?;
        Ok(Self { path, file: BufWriter::new(file), noted })
    }

    /// Appends a reject.
    ///
    /// # Errors
    /// [`BuildError::Io`].
    pub(super) fn push(&mut self, reject: &Reject) -> Result<(), BuildError> {
        let line = RejectLine {
            id: reject.material_id.clone(),
            file: reject.origin.file.to_string(),
            record: reject.origin.record,
            line: reject.origin.line,
            reason: reject.reason.to_owned(),
            message: reject.message.clone(),
        };
        let mut text =
            serde_json::to_vec(&line).map_err(std::io::Error::from).map_err(BuildError::io(&self.path))?;
        text.push(b'\n');
        self.file
            .write_all(&text)
            .and_then(|()| self.noted.write_all(&text))
            .map_err(BuildError::io(&self.path))
    }

    /// Makes everything so far durable; its SHA-256 in hexadecimal and its length.
    ///
    /// # Errors
    /// [`BuildError::Io`].
    pub(super) fn sync(&mut self) -> Result<(String, u64), BuildError> {
        let sync = |file: &mut BufWriter<File>| {
            file.flush()?;
            file.get_ref().sync_data()
        };
        sync(&mut self.file).map_err(BuildError::io(&self.path))?;
        Ok(self.noted.so_far())
    }
}

/// Reads the notes back, reject by reject.
///
/// # Errors
/// [`BuildError::Io`] and [`BuildError::Journal`].
pub(super) fn read_rejects(
    staging: &Path,
) -> Result<impl Iterator<Item = Result<RejectLine, BuildError>>, BuildError> {
    let path = staging.join(REJECTS_FILE);
    let file = File::open(&path).map_err(BuildError::io(&path))?;
    Ok(BufReader::new(file).lines().map(move |line| {
        let line = line.map_err(BuildError::io(&path))?;
        serde_json::from_str(&line)
            .map_err(|error| BuildError::Journal { path: path.clone(), message: error.to_string() })
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::reject::Origin;

    fn journal() -> Journal {
        let run = RunIdentity {
            format_version: 1,
            software_version: "0.1.0".to_owned(),
            source: "x".to_owned(),
            part: None,
            settings: FeatureSettings::default(),
            options: BTreeMap::new(),
        };
        Journal::new(run, Vec::new())
    }

    fn reject(record: u64) -> Reject {
        let origin = Origin { file: Arc::from("x.cif"), record, line: None };
        Reject::new(None, origin, "cif_no_cell", "no cell".to_owned())
    }

    #[test]
    fn a_changed_journal_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(Journal::read(folder.path()).expect("nothing there"), None);
        let journal = Journal { blocks: 12, ..journal() };
        journal.write(folder.path()).expect("writable");
        assert_eq!(Journal::read(folder.path()).expect("as it was written"), Some(journal));
        let path = Journal::path(folder.path());
        let text = std::fs::read_to_string(&path).expect("it is there");
        std::fs::write(&path, text.replace("\"blocks\": 12", "\"blocks\": 13")).expect("writable");
        let line = Journal::read(folder.path()).expect_err("another block").to_string();
        assert!(line.contains("journal.json") && line.contains("damaged"), "{line}");
    }

    #[test]
    fn notes_go_on_where_the_journal_stands_and_are_refused_if_changed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut journal = journal();
        let mut log = RejectLog::open(folder.path(), &journal).expect("nothing there");
        log.push(&reject(1)).expect("writable");
        (journal.rejects_sha256, journal.rejects_bytes) = log.sync().expect("writable");
        log.push(&reject(2)).expect("writable");
        log.sync().expect("writable");
        drop(log);
        // What came after the journal is cut off and comes again.
        let mut log = RejectLog::open(folder.path(), &journal).expect("as it was written");
        log.push(&reject(3)).expect("writable");
        log.sync().expect("writable");
        drop(log);
        let records = read_rejects(folder.path()).expect("there").map(|line| line.expect("whole").record);
        assert_eq!(records.collect::<Vec<_>>(), [1, 3]);

        let path = folder.path().join(REJECTS_FILE);
        let text = std::fs::read_to_string(&path).expect("it is there");
        for damaged in [text.replace("\"record\":1", "\"record\":7"), text[..20].to_owned()] {
            std::fs::write(&path, damaged).expect("writable");
            let refused = RejectLog::open(folder.path(), &journal).err().expect("changed").to_string();
            assert!(refused.contains("rejects.jsonl: not a journal of this software"), "{refused}");
        }
    }
}
