//! The store's folder: what is in it before a run, and what a run may do about it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use schemas::manifest::{FileEntry, Manifest, STAGING_FOLDER};
use schemas::name::REJECTS_FOLDER;
use schemas::reader::Shard;
use schemas::{StoreError, lock, name};

use super::arrange::SeenIds;
use super::display_name;
use super::error::BuildError;
use super::inputs::{InputIdentity, change};
use super::journal::{Journal, RunIdentity, read_rejects};
use super::leftovers::{Leftovers, Ownership, remove, remove_notes, remove_staging, remove_temporary};
use super::process::material_ids;
use super::sorted::open_run;
use crate::labels::{Fate, LabelTable};

/// How a run begins.
pub(crate) enum Begin {
    /// The store is finished: nothing to do.
    Finished(Box<Manifest>),
    /// From the start.
    Fresh,
    /// After what an interrupted run left.
    Resumed(Box<Journal>),
}

/// What to do with a run that was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// Leave it alone and refuse.
    Refuse,
    /// Go on with it.
    Resume,
    /// Replace it: its input cannot be read again.
    Replace,
}

/// From what a store is made.
#[derive(Clone, Copy)]
pub(crate) enum Inputs<'a> {
    /// From these files and folders, which are in these states.
    Read {
        /// What tells a resumed run that they are still the same.
        identities: &'a [InputIdentity],
        /// Where they are.
        paths: &'a [PathBuf],
    },
    /// From what other manifests name.
    Known(&'a [FileEntry]),
}

impl<'a> Inputs<'a> {
    fn identities(self) -> &'a [InputIdentity] {
        match self {
            Self::Read { identities, .. } => identities,
            Self::Known(_) => &[],
        }
    }
}

/// A store's folder, locked.
pub(crate) struct StoreFolder {
    path: PathBuf,
    _lock: File,
}

impl StoreFolder {
    /// Creates the folder if need be and locks it.
    ///
    /// # Errors
    /// [`BuildError::Io`] and [`BuildError::Locked`].
    pub(crate) fn open(path: &Path) -> Result<Self, BuildError> {
        fs::create_dir_all(path).map_err(BuildError::io(path))?;
        let held = lock::take(path).map_err(BuildError::io(path))?;
        let lock = held.ok_or_else(|| BuildError::Locked { store: path.to_owned() })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Folder of the unfinished run.
    pub(crate) fn staging(&self) -> PathBuf {
        self.path.join(STAGING_FOLDER)
    }

    /// Decides how a run begins, clears away what it replaces and notes in a journal that it has begun.
    ///
    /// # Errors
    /// [`BuildError::Option`] for a source's name that no file may have, [`BuildError::Finished`],
    /// [`BuildError::Interrupted`], [`BuildError::ResumeMismatch`], [`BuildError::Foreign`]: what is there is
    /// not touched without being asked to. [`BuildError::Io`] where a folder of the store is a link.
    pub(crate) fn begin(
        &self,
        run: &RunIdentity,
        inputs: Inputs<'_>,
        interrupted: Interrupted,
        force: bool,
    ) -> Result<Begin, BuildError> {
        name::require_source(&run.source).map_err(|error| BuildError::Option {
            option: "name",
            value: format!("{:?}", error.name),
            problem: error.problem.to_owned(),
        })?;
        for folder in [self.staging(), self.path.join(REJECTS_FOLDER)] {
            lock::require_within(&folder).map_err(BuildError::io(&folder))?;
        }
        let finished = match Manifest::read(&self.path) {
            Ok(manifest) => Some(manifest),
            Err(StoreError::Unfinished { .. } | StoreError::NotAStore { .. }) => None,
            Err(error) if !force => return Err(error.into()),
            Err(_) => None,
        };
        if let Some(manifest) = finished.as_ref().filter(|_| !force) {
            return match self.difference(manifest, run, inputs)? {
                None => {
                    // A run that was killed after its manifest may have left a part of its notes.
                    remove_staging(&self.staging())?;
                    Ok(Begin::Finished(Box::new(manifest.clone())))
                }
                Some(difference) => Err(BuildError::Finished { store: self.path.clone(), difference }),
            };
        }
        let staging = self.staging();
        let journal = if force { None } else { Journal::read(&staging)? };
        // One that has written nothing is as good as none.
        let resumed = journal.as_ref().filter(|journal| !journal.is_blank());
        let resumed = resumed.filter(|_| interrupted != Interrupted::Replace);
        if let Some(journal) = resumed {
            if interrupted == Interrupted::Refuse {
                return Err(BuildError::Interrupted { store: self.path.clone() });
            }
            journal.check(&self.path, run, inputs.identities())?;
        }
        let owned = Ownership {
            source: &run.source,
            finished: finished.as_ref(),
            journal: journal.as_ref(),
            resumed: resumed.is_some(),
            force,
        };
        let leftovers = Leftovers::find(&self.path, &owned)?;
        if let Some(journal) = resumed {
            leftovers.remove(&self.path)?;
            remove_temporary(&staging)?;
            return Ok(Begin::Resumed(Box::new(journal.clone())));
        }
        lock::create_within(&staging).map_err(BuildError::io(&staging))?;
        // From here on a journal says that what is left by a kill is ours, first what is replaced.
        let begun = |source: &str| {
            let run = RunIdentity { source: source.to_owned(), ..run.clone() };
            Journal::new(run, inputs.identities().to_vec()).write(&staging)
        };
        begun(owned.replaced_source())?;
        leftovers.remove(&self.path)?;
        remove_notes(&staging)?;
        if owned.replaced_source() != run.source {
            begun(&run.source)?;
        }
        Ok(Begin::Fresh)
    }

    /// The first difference between a finished store and what is asked for. Inputs are the same if they
    /// have the same bytes: times tell nothing of a store or input that was copied.
    fn difference(
        &self,
        manifest: &Manifest,
        run: &RunIdentity,
        inputs: Inputs<'_>,
    ) -> Result<Option<String>, BuildError> {
        let found = RunIdentity {
            format_version: manifest.format_version,
            software_version: manifest.software_version.clone(),
            source: manifest.source.clone(),
            part: manifest.part,
            settings: manifest.settings.clone(),
            options: manifest.options.clone(),
        };
        if let Some(difference) = run.difference(&found) {
            return Ok(Some(difference));
        }
        let (count, paths) = match inputs {
            Inputs::Read { paths, .. } => (paths.len(), paths),
            Inputs::Known(known) => (known.len(), [].as_slice()),
        };
        let found = &manifest.inputs;
        if found.len() != count {
            return Ok(Some(format!("{} inputs", found.len())));
        }
        let is_other = |at: usize, found: &FileEntry| match inputs {
            Inputs::Read { paths, .. } => paths.get(at).is_some_and(|path| display_name(path) != found.file),
            Inputs::Known(known) => known.get(at) != Some(found),
        };
        if let Some((_, other)) = found.iter().enumerate().find(|(at, found)| is_other(*at, found)) {
            return Ok(Some(format!("input {} of {} bytes", other.file, other.bytes)));
        }
        let built = fs::metadata(Manifest::path(&self.path)).and_then(|metadata| metadata.modified()).ok();
        for (found, path) in found.iter().zip(paths) {
            if let Some(change) = change(path, found, built)? {
                return Ok(Some(change));
            }
        }
        Ok(None)
    }

    /// Identifiers of all rows that the journal's files hold; each also counts as met by its label, as
    /// do those of the entries left out. The files are checked on the way: a resumed run does not build
    /// on damage.
    ///
    /// # Errors
    /// [`BuildError`] if a file cannot be read back or is not the one that was written.
    pub(super) fn seen_ids(&self, journal: &Journal, labels: &LabelTable) -> Result<SeenIds, BuildError> {
        let mut seen = SeenIds::default();
        journal.shards.iter().try_for_each(|shard| shard.verify(&self.path))?;
        let staging = self.staging();
        journal.runs.iter().try_for_each(|run| run.verify(&staging))?;
        self.each_id(journal, |id| {
            labels.mark(id, Fate::Kept);
            seen.insert(id);
            true
        })?;
        if !labels.is_empty() {
            for line in read_rejects(&staging)? {
                if let Some(id) = line?.id {
                    labels.mark(&id, Fate::LeftOut);
                }
            }
        }
        Ok(seen)
    }

    /// The first identifiers of the rows that the journal's files hold.
    ///
    /// # Errors
    /// [`BuildError`] if a file cannot be read back.
    pub(super) fn first_ids(&self, journal: &Journal, count: usize) -> Result<Vec<String>, BuildError> {
        let mut ids = Vec::new();
        self.each_id(journal, |id| {
            ids.push(id.to_owned());
            ids.len() < count
        })?;
        ids.truncate(count);
        Ok(ids)
    }

    /// Hands over the identifiers of the journal's files, batch by batch, until one is not `wanted`.
    fn each_id(&self, journal: &Journal, mut wanted: impl FnMut(&str) -> bool) -> Result<(), BuildError> {
        let mut take =
            |batch: &RecordBatch| material_ids(batch).into_iter().flatten().flatten().all(&mut wanted);
        for run in &journal.runs {
            for batch in open_run(&self.staging(), run)? {
                if !take(&batch?) {
                    return Ok(());
                }
            }
        }
        for entry in if journal.runs.is_empty() { journal.shards.as_slice() } else { &[] } {
            let path = self.path.join(&entry.file);
            let batches =
                Shard::open(&path, Some(&journal.run.settings))?.batches(None, Some(&["material_id"]))?;
            for batch in batches {
                if !take(&batch?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Removes all that the run in the staging folder has made.
    ///
    /// # Errors
    /// As [`StoreFolder::discard`], and [`BuildError::Journal`].
    pub(super) fn discard_unfinished(&self) -> Result<(), BuildError> {
        match Journal::read(&self.staging())? {
            Some(journal) => self.discard(&journal),
            None => remove_staging(&self.staging()),
        }
    }

    /// Removes all that an unfinished run has made: a store that is refused leaves nothing behind.
    ///
    /// # Errors
    /// [`BuildError`] if a file cannot be removed, or the journal not be replaced.
    pub(super) fn discard(&self, journal: &Journal) -> Result<(), BuildError> {
        let staging = self.staging();
        // With a journal that names no shard they are leftovers, which any later run clears away.
        Journal::new(journal.run.clone(), journal.inputs.clone()).write(&staging)?;
        journal.shards.iter().try_for_each(|shard| remove(&self.path.join(&shard.file)))?;
        remove_staging(&staging)
    }
}
