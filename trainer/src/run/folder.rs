//! The folder of a run and its lock.
//!
//! | name | content |
//! |---|---|
//! | `config.toml` | the resolved configuration |
//! | `metrics.jsonl` | a record per step and per epoch |
//! | `curves.svg` | the loss curves |
//! | `best.safetensors` | the best weights: those with the lowest loss, or the last ones |
//! | `card.md` | the model card of these weights |
//! | `validation.json` | of a fine-tuning, the predictions of these weights for the validation part |
//! | `domain.safetensors` | of a fine-tuning, embeddings, compositions and elements of the training crystals |
//! | `diverged.json` | the crystals of a batch with a loss that is not finite |
//! | `last/checkpoint.safetensors` | the last checkpoint: weights, optimiser and state of the run |
//! | `.lock` | empty; locked by the process that writes |

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use schemas::lock::{self, LOCK_FILE};

use super::card;
use super::error::RunError;
use super::own::{self, Mark};
use crate::atomic;
use crate::config::Config;

/// Name of the resolved configuration in the folder of a run.
pub const CONFIG_FILE: &str = "config.toml";
/// Name of the file with a record per step and per epoch.
pub const METRICS_FILE: &str = "metrics.jsonl";
const CURVES_FILE: &str = "curves.svg";
/// Name of the best weights in the folder of a run.
pub const BEST_FILE: &str = "best.safetensors";
/// Name of the predictions for the validation part of a fine-tuning.
pub const VALIDATION_FILE: &str = "validation.json";
/// Name of the embeddings and elements of the training crystals of a fine-tuning.
pub const DOMAIN_FILE: &str = "domain.safetensors";
/// Name of the list of the crystals on which a run has diverged.
pub(super) const DIVERGED_FILE: &str = "diverged.json";
const LAST_FOLDER: &str = "last";
const CHECKPOINT_FILE: &str = "checkpoint.safetensors";

/// Whether the run in a folder has ended because a number was not finite.
pub(crate) fn has_diverged(folder: &Path) -> bool {
    folder.join(DIVERGED_FILE).exists()
}

/// How to treat an existing run in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it and change nothing.
    Refuse,
    /// Continue the run.
    Resume,
    /// Remove the files of the run and begin a new one. Other files in the folder are kept. Files with the names of a
    /// run's files that no run has written are refused.
    Overwrite,
}

impl Existing {
    /// Returns what two switches ask for, of which one can be set.
    pub fn of(resume: bool, overwrite: bool) -> Self {
        match (resume, overwrite) {
            (true, _) => Self::Resume,
            (false, true) => Self::Overwrite,
            (false, false) => Self::Refuse,
        }
    }
}

/// The folder of a run, locked for this process until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The lock; `None` if another process of the run holds it.
    _lock: Option<File>,
}

impl RunFolder {
    /// Creates, continues or replaces the folder of a run and locks it.
    ///
    /// The system releases the lock of a killed process. Its incomplete files are removed.
    ///
    /// # Errors
    /// [`RunError::NotEmpty`], [`RunError::NoRun`], [`RunError::NotAFolder`], [`RunError::Foreign`],
    /// [`RunError::Locked`] or [`RunError::Io`].
    pub fn open(path: &Path, existing: Existing) -> Result<Self, RunError> {
        if path.is_file() {
            return Err(RunError::NotAFolder { path: path.to_owned() });
        }
        if existing == Existing::Resume && !path.is_dir() {
            return Err(RunError::NoRun { path: path.to_owned() });
        }
        let last = path.join(LAST_FOLDER);
        lock::require_within(&last).map_err(RunError::io("use", &last))?;
        // A stranger's folder gets not even a lock file.
        let there = Self::of_another(path);
        let own =
            if there.files_there().next().is_none() { path.join(LOCK_FILE).exists() } else { there.is_run() };
        if !own && !is_empty(path)? {
            match existing {
                Existing::Refuse => return Err(RunError::NotEmpty { path: path.to_owned() }),
                Existing::Resume => return Err(RunError::NoRun { path: path.to_owned() }),
                Existing::Overwrite => {}
            }
        }
        there.require_own(existing)?;
        std::fs::create_dir_all(path).map_err(RunError::io("create", path))?;
        let folder = Self { path: path.to_owned(), _lock: Some(run_lock(path)?) };
        match existing {
            Existing::Refuse if !is_empty(path)? => return Err(RunError::NotEmpty { path: path.to_owned() }),
            Existing::Refuse | Existing::Resume => {}
            Existing::Overwrite => folder.clear()?,
        }
        lock::create_within(&last).map_err(RunError::io("create", &last))?;
        for folder in [path, &last] {
            atomic::remove_partial(folder).map_err(RunError::io("clean", folder))?;
        }
        Ok(folder)
    }

    /// Returns the folder that another process of the same run has opened, for reading.
    pub fn of_another(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the resolved configuration.
    pub fn config(&self) -> PathBuf {
        self.path.join(CONFIG_FILE)
    }

    /// Returns the path of the records.
    pub fn metrics(&self) -> PathBuf {
        self.path.join(METRICS_FILE)
    }

    /// Returns the path of the loss curves.
    pub fn curves(&self) -> PathBuf {
        self.path.join(CURVES_FILE)
    }

    /// Returns the path of the best weights.
    pub fn best(&self) -> PathBuf {
        self.path.join(BEST_FILE)
    }

    /// Returns the path of the model card.
    pub fn card(&self) -> PathBuf {
        self.path.join(card::FILE)
    }

    /// Returns the path of the last checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(LAST_FOLDER).join(CHECKPOINT_FILE)
    }

    /// Writes the resolved configuration.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write_config(&self, config: &Config) -> Result<(), RunError> {
        let path = self.config();
        atomic::write(&path, |out| out.write_all(config.to_toml().as_bytes()))
            .map_err(RunError::io("write", &path))
    }

    /// Returns the files of a run and the checks that recognise them. The checkpoint is removed first, so that a kill
    /// in between leaves nothing to continue, and the configuration last, so that the rest is still recognised as a
    /// run.
    fn files(&self) -> [(PathBuf, Mark); 9] {
        [
            (self.checkpoint(), own::is_weights),
            (self.path.join(DIVERGED_FILE), own::is_divergence),
            (self.path.join(VALIDATION_FILE), own::is_validation),
            (self.path.join(DOMAIN_FILE), own::is_domain),
            (self.curves(), own::is_curves),
            (self.card(), own::is_card),
            (self.best(), own::is_weights),
            (self.metrics(), own::may_be_metrics),
            (self.config(), own::is_config),
        ]
    }

    /// Returns the existing files of a run. Empty files are not counted: a run on a full disk leaves them.
    fn files_there(&self) -> impl Iterator<Item = (PathBuf, Mark)> {
        let holds = |path: &PathBuf| path.symlink_metadata().is_ok_and(|metadata| metadata.len() > 0);
        self.files().into_iter().filter(move |(path, _)| holds(path))
    }

    /// Whether the folder has a run, as far as its files are complete.
    fn is_run(&self) -> bool {
        own::is_config(&self.config())
            || own::is_metrics(&self.metrics())
            || own::is_weights(&self.best())
            || own::is_weights(&self.checkpoint())
    }

    /// Refuses files of others that would be replaced. A run that continues reads its other files first and reports
    /// their faults itself.
    fn require_own(&self, existing: Existing) -> Result<(), RunError> {
        let read = [self.checkpoint(), self.best(), self.metrics(), self.config()];
        let replaced = |path: &PathBuf| match existing {
            Existing::Refuse => false,
            Existing::Resume => !read.contains(path),
            Existing::Overwrite => true,
        };
        let foreign = self.files_there().filter(|(path, is_own)| replaced(path) && !is_own(path));
        let files: Vec<PathBuf> = foreign.map(|(path, _)| path).collect();
        if files.is_empty() { Ok(()) } else { Err(RunError::Foreign { path: self.path.clone(), files }) }
    }

    /// Removes the files of an earlier run.
    fn clear(&self) -> Result<(), RunError> {
        for (path, _) in self.files() {
            atomic::remove_if_there(&path).map_err(RunError::io("remove", &path))?;
        }
        Ok(())
    }
}

/// Whether a folder is absent or empty. The lock file and an empty `last` do not count, since a run that was killed
/// at its very start leaves them.
fn is_empty(path: &Path) -> Result<bool, RunError> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(RunError::io("read", path)(error)),
    };
    for entry in entries {
        let name = entry.map_err(RunError::io("read", path))?.file_name();
        let last = name == LAST_FOLDER && is_empty(&path.join(LAST_FOLDER))?;
        if name != LOCK_FILE && !last {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Locks a folder.
fn run_lock(path: &Path) -> Result<File, RunError> {
    let held = lock::take(path).map_err(RunError::io("lock", path))?;
    held.ok_or_else(|| RunError::Locked { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::ModelKind;

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(path)
            .expect("it is a folder")
            .map(|entry| entry.expect("it is readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_run_needs_an_empty_folder() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("runs/first");
        let folder = RunFolder::open(&path, Existing::Refuse).expect("it is new");
        folder.write_config(&Config::default()).expect("it is writable");
        assert_eq!(names(&path), [".lock", "config.toml", "last"]);
        assert_eq!(Config::load(&folder.config()).expect("it is valid"), Config::default());
        drop(folder);
        let error = RunFolder::open(&path, Existing::Refuse).expect_err("it is in use");
        assert!(matches!(error, RunError::NotEmpty { .. }), "{error}");
        RunFolder::open(&path, Existing::Resume).expect("there is a run");
    }

    #[test]
    fn a_run_killed_before_its_first_file_can_be_begun_or_resumed() {
        for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            drop(RunFolder::open(folder.path(), Existing::Refuse).expect("it is empty"));
            RunFolder::open(folder.path(), existing).expect("nothing is lost");
        }
    }

    #[test]
    fn two_runs_cannot_share_a_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = RunFolder::open(folder.path(), Existing::Refuse).expect("it is empty");
        for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
            let error = RunFolder::open(folder.path(), existing).expect_err("it is locked");
            assert!(matches!(error, RunError::Locked { .. }), "{error}");
        }
        drop(first);
        RunFolder::open(folder.path(), Existing::Resume).expect("it is free");
    }

    #[test]
    fn nothing_to_resume_is_said() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let missing = parent.path().join("typo");
        let error = RunFolder::open(&missing, Existing::Resume).expect_err("it is not there");
        assert!(error.to_string().ends_with("typo holds no run to resume"), "{error}");
        assert!(!missing.exists());
        std::fs::write(parent.path().join("thesis.tex"), "...").expect("it is writable");
        let error = RunFolder::open(parent.path(), Existing::Resume).expect_err("it is no run");
        assert!(matches!(error, RunError::NoRun { .. }), "{error}");
        let error = RunFolder::open(parent.path(), Existing::Refuse).expect_err("it is in use");
        assert!(matches!(error, RunError::NotEmpty { .. }), "{error}");
        assert_eq!(names(parent.path()), ["thesis.tex"]);
        let error =
            RunFolder::open(&parent.path().join("thesis.tex"), Existing::Overwrite).expect_err("a file");
        assert!(matches!(error, RunError::NotAFolder { .. }), "{error}");
    }

    #[test]
    fn overwriting_removes_the_run_and_nothing_else() {
        let path = tempfile::tempdir().expect("a temporary folder");
        let folder = RunFolder::open(path.path(), Existing::Refuse).expect("it is empty");
        folder.write_config(&Config::default()).expect("it is writable");
        std::fs::write(folder.metrics(), super::super::metrics::BEGINNING).expect("it is writable");
        std::fs::write(folder.curves(), super::super::curves::BEGINNING).expect("it is writable");
        std::fs::write(folder.card(), card::beginnings(ModelKind::Mmpt)[0].as_bytes())
            .expect("it is writable");
        for file in ["notes.txt", ".partial-mine", ".mmpt-partial-abcdef", "last/.mmpt-partial-012345"] {
            std::fs::write(path.path().join(file), "").expect("it is writable");
        }
        drop(folder);
        RunFolder::open(path.path(), Existing::Overwrite).expect("it may be replaced");
        assert_eq!(names(path.path()), [".lock", ".partial-mine", "last", "notes.txt"]);
        assert!(names(&path.path().join("last")).is_empty());
    }

    #[test]
    fn files_of_others_that_have_a_runs_names_are_refused() {
        for name in ["config.toml", "metrics.jsonl", "card.md", "best.safetensors", "diverged.json"] {
            let path = tempfile::tempdir().expect("a temporary folder");
            for file in [name, "notes.txt", ".partial-mine"] {
                std::fs::write(path.path().join(file), "of others").expect("it is writable");
            }
            let error = RunFolder::open(path.path(), Existing::Overwrite).expect_err("it is a stranger's");
            let line = error.to_string();
            assert!(line.contains(name) && !line.contains("notes.txt"), "{line}");
            let mut expected = vec![".partial-mine", name, "notes.txt"];
            expected.sort_unstable();
            assert_eq!(names(path.path()), expected, "not even a lock file");
        }
        let path = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(path.path().join("notes.txt"), "of others").expect("it is writable");
        RunFolder::open(path.path(), Existing::Overwrite).expect("nothing is replaced");
    }

    #[test]
    fn one_file_of_a_run_does_not_vouch_for_others() {
        let path = tempfile::tempdir().expect("a temporary folder");
        let folder = RunFolder::of_another(path.path());
        folder.write_config(&Config::default()).expect("it is writable");
        for (name, resumed) in
            [("metrics.jsonl", true), ("best.safetensors", true), ("card.md", false), ("curves.svg", false)]
        {
            let file = path.path().join(name);
            std::fs::write(&file, "of others").expect("it is writable");
            for existing in [Existing::Overwrite, Existing::Resume] {
                match RunFolder::open(path.path(), existing) {
                    // Read before it is written to.
                    Ok(_) => assert!(resumed && existing == Existing::Resume, "{name}"),
                    Err(error) => assert!(error.to_string().ends_with(name), "{error}"),
                }
                assert_eq!(std::fs::read(&file).expect("it is there"), b"of others");
            }
            std::fs::remove_file(file).expect("it is there");
        }
        RunFolder::open(path.path(), Existing::Overwrite).expect("the rest is ours");
    }
}
