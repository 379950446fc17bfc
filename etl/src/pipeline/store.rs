//! The store's folder: what is in it before a run, and what a run may do about it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use schemas::StoreError;
use schemas::lock;
use schemas::manifest::{FileEntry, MANIFEST_FILE, Manifest, STAGING_FOLDER};
use schemas::reader::Shard;

use super::arrange::SeenIds;
use super::display_name;
use super::error::BuildError;
use super::inputs::{InputIdentity, change};
use super::journal::{Journal, RunIdentity, read_rejects};
use super::process::material_ids;
use super::sorted::open_run;
use crate::labels::{Fate, LabelTable};

/// Folder of the rejects table inside the store's folder.
pub(crate) const REJECTS_FOLDER: &str = "rejects";
/// The rejects table inside its folder.
pub(crate) const REJECTS_FILE: &str = "rejects.parquet";

/// How a run begins.
pub(crate) enum Begin {
    /// The store is finished: nothing to do.
    Finished(Box<Manifest>),
    /// From the start.
    Fresh,
    /// After what an interrupted run left.
    Resumed(Box<Journal>),
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

    /// Decides how a run begins, and clears away what it replaces.
    ///
    /// # Errors
    /// [`BuildError::Finished`], [`BuildError::Interrupted`], [`BuildError::ResumeMismatch`],
    /// [`BuildError::Foreign`]: what is there is not touched without being asked to.
    pub(crate) fn begin(
        &self,
        run: &RunIdentity,
        inputs: Inputs<'_>,
        resume: bool,
        force: bool,
    ) -> Result<Begin, BuildError> {
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
                    remove_folder(&self.staging())?;
                    Ok(Begin::Finished(Box::new(manifest.clone())))
                }
                Some(difference) => Err(BuildError::Finished { store: self.path.clone(), difference }),
            };
        }
        let staging = self.staging();
        let journal = if force { None } else { Journal::read(&staging)? };
        if let Some(journal) = &journal {
            if !resume {
                return Err(BuildError::Interrupted { store: self.path.clone() });
            }
            journal.check(&self.path, run, inputs.identities())?;
        }
        self.clear(run, finished.as_ref(), journal.as_ref())?;
        lock::create_within(&staging).map_err(BuildError::io(&staging))?;
        Ok(match journal {
            Some(journal) => Begin::Resumed(Box::new(journal)),
            None => Begin::Fresh,
        })
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

    /// Removes files of earlier runs that the journal does not name; refuses to touch others.
    fn clear(
        &self,
        run: &RunIdentity,
        finished: Option<&Manifest>,
        journal: Option<&Journal>,
    ) -> Result<(), BuildError> {
        let mut obsolete = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(BuildError::io(&self.path))? {
            let path = entry.map_err(BuildError::io(&self.path))?.path();
            let name = display_name(&path);
            if !name.ends_with(".parquet") {
                continue;
            }
            let prefixes = [Some(run.source.as_str()), finished.map(|manifest| manifest.source.as_str())];
            let ours = prefixes.into_iter().flatten().any(|prefix| is_shard_name(&name, prefix));
            if !ours {
                return Err(BuildError::Foreign { store: self.path.clone(), file: name });
            }
            if !journal.is_some_and(|journal| journal.shards.iter().any(|shard| shard.file == name)) {
                obsolete.push(path);
            }
        }
        // The manifest goes first: without it the folder is an unfinished store, not a broken one.
        remove(&self.path.join(MANIFEST_FILE))?;
        remove(&self.path.join(REJECTS_FOLDER).join(REJECTS_FILE))?;
        obsolete.iter().try_for_each(|path| remove(path))?;
        let staging = self.staging();
        if journal.is_none() {
            remove_folder(&staging)?;
        }
        if staging.exists() {
            for entry in fs::read_dir(&staging).map_err(BuildError::io(&staging))? {
                let path = entry.map_err(BuildError::io(&staging))?.path();
                if path.extension().is_some_and(|extension| extension == "tmp") {
                    remove(&path)?;
                }
            }
        }
        Ok(())
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
            None => remove_folder(&self.staging()),
        }
    }

    /// Removes all that an unfinished run has made: a store that is refused leaves nothing behind.
    ///
    /// # Errors
    /// [`BuildError::Io`] if a file cannot be removed.
    pub(super) fn discard(&self, journal: &Journal) -> Result<(), BuildError> {
        // Without a journal the shards are leftovers, which any later run clears away.
        remove_folder(&self.staging())?;
        journal.shards.iter().try_for_each(|shard| remove(&self.path.join(&shard.file)))
    }
}

/// Whether a file name is `<prefix>-<digits>.parquet`.
fn is_shard_name(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".parquet"))
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Removes a folder that may not be there, with all that is in it.
fn remove_folder(path: &Path) -> Result<(), BuildError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BuildError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<(), BuildError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BuildError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_names_are_recognised() {
        assert!(is_shard_name("oqmd-00012.parquet", "oqmd"));
        assert!(!is_shard_name("oqmd-extra.parquet", "oqmd"));
        assert!(!is_shard_name("jarvis-00000.parquet", "oqmd"));
    }
}
