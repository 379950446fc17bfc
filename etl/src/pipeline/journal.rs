//! The journal of an unfinished run: which files are complete, and where to resume.
//!
//! The journal is replaced atomically after every finished file and names only complete files. An input block is
//! either completely in those files and in the recorded rejects, or not at all. A resumed run therefore continues at
//! the beginning of a block, and its result has the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use schemas::bounded;
use schemas::count::counted;
use schemas::hash::HashingWriter;
use schemas::manifest::{Counts, FileEntry, Manifest, ShardEntry};
use schemas::part::Part;
use schemas::seal;
use schemas::settings::FeatureSettings;
use serde::{Deserialize, Serialize};

use super::error::BuildError;
use super::inputs::InputIdentity;
use crate::atomic;
use crate::no_follow;
use crate::reject::Reject;
use crate::shard::ShardError;

/// Name of the journal in the staging folder.
pub(super) const JOURNAL_FILE: &str = "journal.json";
/// Name of the file of rejects in the staging folder, with one JSON object per line.
pub(super) const REJECTS_FILE: &str = "rejects.jsonl";

/// Name of the option with the SHA-256 of CIFs that tables refer to.
pub(super) const NAMED_CIFS: &str = "named_cifs";

/// The properties that a run must share with the run it resumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunIdentity {
    /// Version of the shard format.
    pub format_version: u32,
    /// Version of the software.
    pub software_version: String,
    /// Name of the source.
    pub source: String,
    /// The part of the store that is built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// All other options that determine the rows and their order.
    pub options: BTreeMap<String, String>,
}

impl RunIdentity {
    /// Returns the first difference from `other`, with the value in `other`.
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
        let (option, _, found) = other_option(&self.options, &other.options)?;
        Some(match found {
            Some(_) if option == NAMED_CIFS => "an earlier state of the CIFs that its tables name".to_owned(),
            found => format!("{option} = {}", found.unwrap_or("not set")),
        })
    }

    /// Returns the identity of the run that wrote a store.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self {
            format_version: manifest.format_version,
            software_version: manifest.software_version.clone(),
            source: manifest.source.clone(),
            part: manifest.part,
            settings: manifest.settings.clone(),
            options: manifest.options.clone(),
        }
    }

    /// Returns the manifest of the store that the run has written.
    pub(crate) fn manifest(
        self,
        inputs: Vec<FileEntry>,
        counts: Counts,
        shards: Vec<ShardEntry>,
        rejects: ShardEntry,
    ) -> Manifest {
        let Self { format_version, software_version, source, part, settings, options } = self;
        Manifest {
            format_version,
            software_version,
            source,
            part,
            settings,
            options,
            inputs,
            counts,
            shards,
            rejects,
        }
    }
}

/// An option and its value in each of two sets of options, `None` where it is not set.
pub(crate) type OtherOption<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// Returns the first option, in the order of names, that differs between two sets of options.
pub(crate) fn other_option<'a>(
    one: &'a BTreeMap<String, String>,
    other: &'a BTreeMap<String, String>,
) -> Option<OtherOption<'a>> {
    let options: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let mut values = options.into_iter().map(|option| {
        let value = |options: &'a BTreeMap<String, String>| options.get(option).map(String::as_str);
        (option.as_str(), value(one), value(other))
    });
    values.find(|(_, one, other)| one != other)
}

/// The state of an unfinished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// Identity of the run.
    pub run: RunIdentity,
    /// Identity of its inputs.
    pub inputs: Vec<InputIdentity>,
    /// Number of input blocks that are completely processed.
    pub blocks: u64,
    /// Numbers of their entries by outcome.
    pub counts: Counts,
    /// Size in bytes of the recorded rejects.
    pub rejects_bytes: u64,
    /// SHA-256 of the recorded rejects in hexadecimal.
    pub rejects_sha256: String,
    /// Whether the input was read to its end.
    pub input_ended: bool,
    /// Sorted runs in the staging folder, if the rows are to be sorted.
    pub runs: Vec<ShardEntry>,
    /// Number of merged batches that are completely in finished shards.
    pub merged_blocks: u64,
    /// Finished shards.
    pub shards: Vec<ShardEntry>,
}

impl Journal {
    /// Creates the journal of a new run.
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

    /// Whether the run has written nothing that could be resumed.
    pub(super) fn is_blank(&self) -> bool {
        self.blocks == 0 && self.runs.is_empty() && self.shards.is_empty() && !self.input_ended
    }

    /// Returns the path of the journal in a staging folder.
    pub(super) fn path(staging: &Path) -> PathBuf {
        staging.join(JOURNAL_FILE)
    }

    /// Reads the journal of an interrupted run, if there is one.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`] or [`BuildError::Journal`].
    pub(super) fn read(staging: &Path) -> Result<Option<Self>, BuildError> {
        let path = Self::path(staging);
        let text = match bounded::read(&path, schemas::layout::MAX_MANIFEST_BYTES) {
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
    /// Returns [`BuildError::Shard`] if it cannot be written.
    pub(super) fn write(&self, staging: &Path) -> Result<(), BuildError> {
        let path = Self::path(staging);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| BuildError::Journal { path: path.clone(), message: error.to_string() })?;
        Ok(atomic::write(staging, &path, seal::seal(text).as_bytes()).map_err(ShardError::io(&path))?)
    }

    /// Checks that a run with this identity and these inputs may be resumed from the journal.
    ///
    /// # Errors
    /// Returns [`BuildError::ResumeMismatch`] with the first difference.
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

/// A reject as a line of the file of rejects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectLine {
    /// Identifier of the entry, if it could be read.
    pub id: Option<String>,
    /// Input file.
    pub file: String,
    /// Position in the input, counted from 1.
    pub record: u64,
    /// Line of the error, if it has one.
    pub line: Option<u32>,
    /// Reason code.
    pub reason: String,
    /// What is wrong.
    pub message: String,
}

impl RejectLine {
    /// Returns the size of its texts in bytes.
    pub(super) fn text_bytes(&self) -> usize {
        let Self { id, file, reason, message, .. } = self;
        id.as_ref().map_or(0, String::len) + file.len() + reason.len() + message.len()
    }
}

/// Appends rejects to the file of rejects. They become valid when the journal states the new size.
pub(super) struct RejectLog {
    path: PathBuf,
    file: BufWriter<File>,
    /// Size and hash of the recorded rejects.
    noted: HashingWriter<io::Sink>,
}

impl RejectLog {
    /// Opens the file of rejects and truncates it to the size in the journal.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`], or [`BuildError::Journal`] if the content differs from what the journal states.
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
    /// Returns [`BuildError::Io`] if it cannot be written.
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

    /// Syncs the rejects to disk. Returns their SHA-256 in hexadecimal and their size.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`] if they cannot be written.
    pub(super) fn sync(&mut self) -> Result<(String, u64), BuildError> {
        let sync = |file: &mut BufWriter<File>| {
            file.flush()?;
            file.get_ref().sync_data()
        };
        sync(&mut self.file).map_err(BuildError::io(&self.path))?;
        Ok(self.noted.so_far())
    }
}

/// Reads the recorded rejects one by one.
///
/// # Errors
/// Returns [`BuildError::Io`] or [`BuildError::Journal`].
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
    fn the_first_other_option_is_found() {
        let options = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(option, value)| ((*option).to_owned(), (*value).to_owned())).collect()
        };
        let one = options(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(other_option(&one, &one), None);
        let other = options(&[("a", "1"), ("b", "5"), ("c", "4")]);
        assert_eq!(other_option(&one, &other), Some(("b", Some("2"), Some("5"))));
        let more = options(&[("a", "1"), ("aa", "0"), ("b", "2"), ("c", "3")]);
        assert_eq!(other_option(&one, &more), Some(("aa", None, Some("0"))));
        assert_eq!(other_option(&more, &one), Some(("aa", Some("0"), None)));
    }

    #[test]
    fn a_manifest_has_the_identity_of_its_run() {
        let Journal { run, counts, .. } = journal();
        let run = RunIdentity { part: Part::new(1, 2), ..run };
        let rejects = ShardEntry { file: "r".into(), rows: 0, bytes: 0, sha256: String::new() };
        let manifest = run.clone().manifest(Vec::new(), counts, Vec::new(), rejects);
        assert_eq!(RunIdentity::of(&manifest), run);
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
