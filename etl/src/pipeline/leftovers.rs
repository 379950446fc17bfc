//! The files in a store's folder before a build: those of earlier builds, which may be replaced, and foreign files,
//! which may not.
//!
//! A file belongs to the store if its journal or manifest names it. A killed build may also leave files that its
//! journal does not name yet. They are recognised by their names and first bytes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemas::manifest::{self, MANIFEST_FILE, Manifest, STAGING_FOLDER};
use schemas::name::{REJECTS_FILE, REJECTS_FOLDER, rejects_name, shard_number};
use schemas::reader::Shard;
use schemas::{StoreError, bounded};

use super::display_name;
use super::error::BuildError;
use super::journal::{self, Journal};
use super::sorted::{RUN_BEGINNING, is_run_name};
use crate::shard::{FILE_BEGINNING, SHARD_BEGINNING, TEMPORARY_ENDING};

/// Prefixes of the names of files that are being written.
const TEMPORARY_BEGINNINGS: [&str; 3] = [SHARD_BEGINNING, RUN_BEGINNING, FILE_BEGINNING];

/// The conditions under which a run may remove files.
#[derive(Clone, Copy)]
pub(super) struct Ownership<'a> {
    /// Name of the source of the new run.
    pub source: &'a str,
    /// Manifest of the finished store that is replaced.
    pub finished: Option<&'a Manifest>,
    /// Journal of the unfinished run that is resumed or replaced.
    pub journal: Option<&'a Journal>,
    /// Whether the unfinished run is resumed. The files that its journal names are then kept.
    pub resumed: bool,
    /// Whether shards, rejects and journals are recognised by their names alone.
    pub force: bool,
}

/// Files of earlier runs in a store's folder.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Shards that no run will continue.
    shards: Vec<PathBuf>,
}

impl Leftovers {
    /// Finds the files that a run would replace, without changing anything.
    ///
    /// # Errors
    /// Returns [`BuildError::Foreign`] with all foreign files.
    pub(super) fn find(store: &Path, owned: &Ownership<'_>) -> Result<Self, BuildError> {
        let (mut shards, mut foreign) = (Vec::new(), BTreeSet::new());
        for (path, name) in entries(store)? {
            if !name.ends_with(".parquet") || (owned.resumed && owned.names(&name)) {
                continue;
            }
            if owned.names(&name) || owned.may_remove(&path, &name) {
                shards.push(path);
            } else {
                foreign.insert(name);
            }
        }
        let rejects = store.join(REJECTS_FOLDER).join(REJECTS_FILE);
        let replaceable = owned.force || (owned.journal.is_some() && is_ours(&rejects));
        if fs::symlink_metadata(&rejects).is_ok() && !replaceable {
            foreign.insert(rejects_name());
        }
        if owned.finished.is_none() && is_foreign_manifest(store) {
            foreign.insert(MANIFEST_FILE.to_owned());
        }
        if !owned.force {
            for (_, name) in entries(&store.join(STAGING_FOLDER))? {
                // The file of rejects exists only together with the journal.
                if !is_temporary(&name) && (owned.journal.is_none() || !is_note(&name)) {
                    foreign.insert(format!("{STAGING_FOLDER}/{name}"));
                }
            }
        }
        if foreign.is_empty() {
            return Ok(Self { shards });
        }
        Err(BuildError::Foreign { store: store.to_owned(), files: foreign.into_iter().collect() })
    }

    /// Removes the files, the manifest and the rejects table.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`] if a file cannot be removed.
    pub(super) fn remove(self, store: &Path) -> Result<(), BuildError> {
        // The manifest is removed first. Without it the folder is an unfinished store rather than a broken one.
        remove(&store.join(MANIFEST_FILE))?;
        remove(&store.join(REJECTS_FOLDER).join(REJECTS_FILE))?;
        self.shards.iter().try_for_each(|path| remove(path))
    }
}

impl Ownership<'_> {
    /// Returns the name of the source of the store or run that is replaced.
    pub(super) fn replaced_source(&self) -> &str {
        match (self.journal, self.finished) {
            (Some(journal), _) => &journal.run.source,
            (None, Some(finished)) => &finished.source,
            (None, None) => self.source,
        }
    }

    /// Whether the journal names a shard.
    fn names(&self, name: &str) -> bool {
        self.journal.is_some_and(|journal| journal.shards.iter().any(|shard| shard.file == name))
    }

    /// Whether a Parquet file that no journal names is a shard that may be removed.
    fn may_remove(&self, path: &Path, name: &str) -> bool {
        let sources = [Some(self.source), self.finished.map(|manifest| manifest.source.as_str())];
        if self.force && sources.into_iter().flatten().any(|source| shard_number(name, source).is_some()) {
            return true;
        }
        // Written by the unfinished run after its last journal.
        self.journal.is_some_and(|journal| {
            shard_number(name, &journal.run.source).is_some_and(|number| number >= journal.shards.len())
                && is_ours(path)
        })
    }
}

/// Whether a Parquet file states that this software wrote it, in any version and state.
fn is_ours(path: &Path) -> bool {
    match Shard::open(path, None) {
        Ok(_) | Err(StoreError::Settings { .. } | StoreError::Column { .. }) => true,
        Err(StoreError::FormatVersion { found, .. }) => found != "none",
        Err(_) => false,
    }
}

/// Whether a manifest is that of another program: valid JSON without our keys. A damaged manifest counts as ours.
fn is_foreign_manifest(store: &Path) -> bool {
    let Ok(text) = bounded::read(&store.join(MANIFEST_FILE), manifest::MAX_BYTES) else { return false };
    let value = serde_json::from_slice::<serde_json::Value>(&text);
    value.is_ok_and(|value| value.get("format_version").is_none() && value.get("shards").is_none())
}

/// Whether a file of the staging folder is one that is being written.
fn is_temporary(name: &str) -> bool {
    name.ends_with(TEMPORARY_ENDING)
        && TEMPORARY_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether a file of the staging folder is the journal or one that belongs to it.
fn is_note(name: &str) -> bool {
    name == journal::JOURNAL_FILE || name == journal::REJECTS_FILE || is_run_name(name)
}

/// Removes the files that a killed run was writing.
///
/// # Errors
/// Returns [`BuildError::Io`] if a file cannot be removed.
pub(super) fn remove_temporary(staging: &Path) -> Result<(), BuildError> {
    let mut entries = entries(staging)?.into_iter();
    entries.try_for_each(|(path, name)| if is_temporary(&name) { remove(&path) } else { Ok(()) })
}

/// Removes the files that a run keeps in the staging folder in addition to the journal.
///
/// # Errors
/// Returns [`BuildError::Io`] if a file cannot be removed.
pub(super) fn remove_notes(staging: &Path) -> Result<(), BuildError> {
    for (path, name) in entries(staging)? {
        if name != journal::JOURNAL_FILE && (is_temporary(&name) || is_note(&name)) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Removes the files that a run keeps in the staging folder. The journal is removed last, because it shows that the
/// other files are ours. The folder is kept if it contains anything else.
///
/// # Errors
/// Returns [`BuildError::Io`] if a file cannot be removed.
pub(super) fn remove_staging(staging: &Path) -> Result<(), BuildError> {
    remove_notes(staging)?;
    remove(&Journal::path(staging))?;
    match fs::remove_dir(staging) {
        Err(source)
            if !matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) =>
        {
            Err(BuildError::Io { path: staging.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Removes a file if it exists.
///
/// # Errors
/// Returns [`BuildError::Io`] if it cannot be removed.
pub(super) fn remove(path: &Path) -> Result<(), BuildError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(BuildError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Returns the paths and names of all entries of a folder, or nothing if the folder does not exist.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>, BuildError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(BuildError::io(folder))?,
    };
    entries
        .map(|entry| {
            let path = entry.map_err(BuildError::io(folder))?.path();
            let name = display_name(&path);
            Ok((path, name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemas::settings::FeatureSettings;

    use super::super::journal::RunIdentity;
    use super::*;
    use crate::test_store;

    /// A folder with a shard of ours, `test-00000.parquet`, and what others may have put there.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        test_store::write(folder.path(), &test_store::crystals(), 8);
        fs::remove_file(folder.path().join(MANIFEST_FILE)).expect("it is there");
        folder
    }

    fn journal() -> Journal {
        let run = RunIdentity {
            format_version: 1,
            software_version: "0.1.0".to_owned(),
            source: "test".to_owned(),
            part: None,
            settings: FeatureSettings::default(),
            options: BTreeMap::new(),
        };
        Journal::new(run, Vec::new())
    }

    /// The files that are refused.
    fn foreign(store: &Path, owned: &Ownership<'_>) -> Vec<String> {
        match Leftovers::find(store, owned) {
            Ok(_) => Vec::new(),
            Err(BuildError::Foreign { files, .. }) => files,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn without_a_journal_nothing_is_ours() {
        let folder = folder();
        let staging = folder.path().join(STAGING_FOLDER);
        fs::create_dir(&staging).expect("a folder");
        for file in
            ["test-2024.parquet", ".build/notes.txt", ".build/rejects.jsonl", ".build/shard-1.tmp", "a.txt"]
        {
            fs::write(folder.path().join(file), "x").expect("writing");
        }
        let owned = Ownership { source: "test", finished: None, journal: None, resumed: false, force: false };
        assert_eq!(
            foreign(folder.path(), &owned),
            [
                ".build/notes.txt",
                ".build/rejects.jsonl",
                "rejects/rejects.parquet",
                "test-00000.parquet",
                "test-2024.parquet",
            ]
        );
        let forced = Ownership { force: true, ..owned };
        assert_eq!(foreign(folder.path(), &forced), ["test-2024.parquet"]);
    }

    #[test]
    fn manifests_of_other_programs_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let forced = Ownership { source: "test", finished: None, journal: None, resumed: false, force: true };
        for (text, expected) in [
            ("{\"name\": \"a page\", \"icons\": []}", vec![MANIFEST_FILE]),
            ("[1, 2]", vec![MANIFEST_FILE]),
            ("{\"format_version\": 99}", vec![]),
            ("{\"shards\": [], \"fo", vec![]),
        ] {
            fs::write(folder.path().join(MANIFEST_FILE), text).expect("writing");
            assert_eq!(foreign(folder.path(), &forced), expected, "{text}");
        }
    }

    #[test]
    fn an_unfinished_run_owns_what_it_wrote_after_its_journal() {
        let (folder, journal) = (folder(), journal());
        let staging = folder.path().join(STAGING_FOLDER);
        fs::create_dir(&staging).expect("a folder");
        journal.write(&staging).expect("writable");
        for file in [".build/rejects.jsonl", ".build/run-00000.arrow", ".build/run-1.tmp"] {
            fs::write(folder.path().join(file), "x").expect("writing");
        }
        let owned = Ownership {
            source: "test",
            finished: None,
            journal: Some(&journal),
            resumed: true,
            force: false,
        };
        let leftovers = Leftovers::find(folder.path(), &owned).expect("all of it is ours");
        leftovers.remove(folder.path()).expect("removable");
        assert!(!folder.path().join("test-00000.parquet").exists());
        assert!(!folder.path().join("rejects/rejects.parquet").exists());

        // The name alone makes no shard.
        for file in ["test-00001.parquet", "rejects/rejects.parquet", ".build/thesis.tex"] {
            fs::write(folder.path().join(file), "no Parquet").expect("writing");
        }
        let expected = [".build/thesis.tex", "rejects/rejects.parquet", "test-00001.parquet"];
        assert_eq!(foreign(folder.path(), &owned), expected);
        remove_staging(&staging).expect("removable");
        let left: Vec<_> = entries(&staging).expect("it stays").into_iter().map(|(_, name)| name).collect();
        assert_eq!(left, ["thesis.tex"]);
    }
}
