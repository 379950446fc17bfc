//! The folders of a store: their state before a run, and what a run may replace.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use schemas::layout::{self, FORMER_REJECTS_FOLDER, StorePaths};
use schemas::manifest::{FileEntry, Manifest};
use schemas::reader::Shard;
use schemas::{StoreError, lock, name};

use super::arrange::SeenIds;
use super::error::BuildError;
use super::inputs::display_name;
use super::inputs::{InputIdentity, change};
use super::journal::{Journal, RunIdentity, read_rejects};
use super::leftovers::{Leftovers, Ownership, remove, remove_run_files, remove_staging, remove_temporary};
use super::rows::material_ids;
use super::sorted::open_run;
use crate::labels::{Fate, LabelTable};

/// How a run begins.
pub(crate) enum Begin {
    /// The store is finished. Nothing has to be done.
    Finished(Box<Manifest>),
    /// The run begins from the start.
    Fresh,
    /// The run continues an interrupted one.
    Resumed(Box<Journal>),
}

/// How to deal with an interrupted run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// Return an error and leave it unchanged.
    Refuse,
    /// Go on with it.
    Resume,
    /// Replace it, because its input cannot be read again.
    Replace,
}

/// The inputs of a store.
#[derive(Clone, Copy)]
pub(crate) enum Inputs<'a> {
    /// Files and folders, with their present state.
    Read {
        /// The identities by which a resumed run recognises unchanged inputs.
        identities: &'a [InputIdentity],
        /// Their paths.
        paths: &'a [PathBuf],
    },
    /// The inputs named by other manifests.
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

/// The locked folders of a store.
pub(crate) struct StoreFolder {
    paths: StorePaths,
    _lock: File,
}

impl StoreFolder {
    /// Creates the folder of the shards and the sidecar if they do not exist, and locks the store.
    ///
    /// # Errors
    /// Returns [`BuildError::Locked`], [`StoreError::Sidecar`] for the sidecar of another store,
    /// [`BuildError::MountPoint`], [`BuildError::SidecarTaken`] or [`BuildError::Sidecar`] if manifest and rejects
    /// cannot be beside the folder, and [`BuildError::Io`].
    pub(crate) fn open(path: &Path) -> Result<Self, BuildError> {
        if let Some(store) = layout::store_of_sidecar(path) {
            return Err(StoreError::Sidecar { path: path.to_owned(), store }.into());
        }
        let (store, sidecar) = (path.to_owned(), StorePaths::new(path).records().to_owned());
        if layout::is_mount_point(path) {
            return Err(BuildError::MountPoint { store, sidecar });
        }
        if layout::is_begun(&sidecar) && layout::store_of_sidecar(&sidecar).is_none() {
            return Err(BuildError::SidecarTaken { store, sidecar });
        }
        fs::create_dir_all(path).map_err(BuildError::io(path))?;
        // A path through a folder that did not exist can be resolved now.
        let paths = StorePaths::new(path);
        if let Err(source) = lock::create_within(paths.records()) {
            let sidecar = paths.records().to_owned();
            return Err(BuildError::Sidecar { store, sidecar, source });
        }
        let held = lock::take(paths.records()).map_err(BuildError::io(paths.records()))?;
        let lock = held.ok_or(BuildError::Locked { store })?;
        Ok(Self { paths, _lock: lock })
    }

    /// Returns the folder of the shards.
    pub(crate) fn path(&self) -> &Path {
        self.paths.shards()
    }

    /// Returns the folders of the store.
    pub(crate) fn paths(&self) -> &StorePaths {
        &self.paths
    }

    /// Returns the staging folder of the unfinished run.
    pub(crate) fn staging(&self) -> PathBuf {
        self.paths.staging()
    }

    /// Determines how a run begins, removes the files that it replaces and writes its first journal.
    ///
    /// # Errors
    /// Returns [`BuildError::Option`] if the name of the source cannot be used in a file name, or
    /// [`BuildError::Finished`], [`BuildError::Interrupted`], [`BuildError::ResumeMismatch`] or
    /// [`BuildError::Foreign`] for existing files that the request does not allow to replace. Returns
    /// [`BuildError::Io`] if a folder of the store is a symbolic link.
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
        for folder in [self.staging(), self.path().join(FORMER_REJECTS_FOLDER)] {
            lock::require_within(&folder).map_err(BuildError::io(&folder))?;
        }
        let finished = match Manifest::read(self.path()) {
            Ok(manifest) => Some(manifest),
            Err(StoreError::Unfinished { .. } | StoreError::NotAStore { .. }) => None,
            Err(error) if !force => return Err(error.into()),
            Err(_) => None,
        };
        // Of a folder that was removed the sidecar stays. It does not make a new folder a finished store.
        let is_removed = |manifest: &Manifest| {
            let mut shards = manifest.shards.iter().map(|shard| self.path().join(&shard.file));
            !manifest.shards.is_empty() && shards.all(|shard| !shard.exists())
        };
        if let Some(manifest) = finished.as_ref().filter(|manifest| !force && !is_removed(manifest)) {
            return match self.difference(manifest, run, inputs)? {
                None => {
                    // A run killed after writing its manifest may have left some of its temporary files.
                    remove_temporary(self.paths.records())?;
                    remove_staging(&self.staging())?;
                    Ok(Begin::Finished(Box::new(manifest.clone())))
                }
                Some(difference) => Err(BuildError::Finished { store: self.path().to_owned(), difference }),
            };
        }
        let staging = self.staging();
        let journal = if force { None } else { Journal::read(&staging)? };
        // A run that has written nothing need not be resumed.
        let resumed = journal.as_ref().filter(|journal| !journal.is_blank());
        let resumed = resumed.filter(|_| interrupted != Interrupted::Replace);
        if let Some(journal) = resumed {
            if interrupted == Interrupted::Refuse {
                return Err(BuildError::Interrupted { store: self.path().to_owned() });
            }
            journal.check(self.path(), run, inputs.identities())?;
        }
        let owned = Ownership {
            source: &run.source,
            finished: finished.as_ref(),
            journal: journal.as_ref(),
            resumed: resumed.is_some(),
            force,
        };
        let leftovers = Leftovers::find(&self.paths, &owned)?;
        if let Some(journal) = resumed {
            leftovers.remove(&self.paths)?;
            remove_temporary(&staging)?;
            return Ok(Begin::Resumed(Box::new(journal.clone())));
        }
        lock::create_within(&staging).map_err(BuildError::io(&staging))?;
        // The journal is written before the old files are removed, so that files left by a kill are recognised as
        // ours.
        let begun = |source: &str| {
            let run = RunIdentity { source: source.to_owned(), ..run.clone() };
            Journal::new(run, inputs.identities().to_vec()).write(&staging)
        };
        begun(owned.replaced_source())?;
        leftovers.remove(&self.paths)?;
        remove_run_files(&staging)?;
        if owned.replaced_source() != run.source {
            begun(&run.source)?;
        }
        Ok(Begin::Fresh)
    }

    /// Returns the first difference between a finished store and the request. Inputs are compared by their content,
    /// because copying changes modification times.
    fn difference(
        &self,
        manifest: &Manifest,
        run: &RunIdentity,
        inputs: Inputs<'_>,
    ) -> Result<Option<String>, BuildError> {
        if let Some(difference) = run.difference(&RunIdentity::of(manifest)) {
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
        let built = fs::metadata(self.paths.manifest()).and_then(|metadata| metadata.modified()).ok();
        for (found, path) in found.iter().zip(paths) {
            if let Some(change) = change(path, found, built)? {
                return Ok(Some(change));
            }
        }
        Ok(None)
    }

    /// Returns the identifiers of all rows in the files that the journal names. Each is marked in the label table,
    /// and so are those of rejected entries. The files are verified, so a resumed run does not continue from damaged
    /// files.
    ///
    /// # Errors
    /// Returns a [`BuildError`] if a file cannot be read or has changed.
    pub(super) fn seen_ids(&self, journal: &Journal, labels: &LabelTable) -> Result<SeenIds, BuildError> {
        let mut seen = SeenIds::default();
        journal.shards.iter().try_for_each(|shard| shard.verify(self.path()))?;
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

    /// Returns the first identifiers of the rows in the files that the journal names.
    ///
    /// # Errors
    /// Returns a [`BuildError`] if a file cannot be read.
    pub(super) fn first_ids(&self, journal: &Journal, count: usize) -> Result<Vec<String>, BuildError> {
        let mut ids = Vec::new();
        self.each_id(journal, |id| {
            ids.push(id.to_owned());
            ids.len() < count
        })?;
        ids.truncate(count);
        Ok(ids)
    }

    /// Calls `wanted` with the identifiers in the journal's files until it returns `false`.
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
            let path = self.path().join(&entry.file);
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

    /// Removes all files of the run in the staging folder.
    ///
    /// # Errors
    /// Returns the errors of [`StoreFolder::discard`], or [`BuildError::Journal`].
    pub(super) fn discard_unfinished(&self) -> Result<(), BuildError> {
        match Journal::read(&self.staging())? {
            Some(journal) => self.discard(&journal),
            None => remove_staging(&self.staging()),
        }
    }

    /// Removes all files of an unfinished run, so that a refused store leaves nothing behind.
    ///
    /// # Errors
    /// Returns a [`BuildError`] if a file cannot be removed or the journal cannot be replaced.
    pub(super) fn discard(&self, journal: &Journal) -> Result<(), BuildError> {
        let staging = self.staging();
        // A journal without shards makes the remaining files leftovers, which any later run removes.
        Journal::new(journal.run.clone(), journal.inputs.clone()).write(&staging)?;
        journal.shards.iter().try_for_each(|shard| remove(&self.path().join(&shard.file)))?;
        remove_staging(&staging)
    }
}
