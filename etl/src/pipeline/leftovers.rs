//! The files in a store's folders before a build: those of earlier builds, which may be replaced, and foreign files,
//! which may not.
//!
//! A file belongs to the store if its journal or manifest names it. A killed build may also leave files that its
//! journal does not name yet. They are recognised by their names and first bytes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemas::layout::{FORMER_REJECTS_FOLDER, MAX_MANIFEST_BYTES, STAGING_FOLDER, StorePaths};
use schemas::lock::LOCK_FILE;
use schemas::manifest::Manifest;
use schemas::name::shard_number;
use schemas::reader::Shard;
use schemas::{StoreError, bounded};

use super::error::BuildError;
use super::inputs::display_name;
use super::journal::{self, Journal};
use super::sorted::{RUN_BEGINNING, is_run_name};
use crate::atomic::{FILE_BEGINNING, SHARD_BEGINNING, TEMPORARY_ENDING};

/// Prefixes of the names of files that are being written.
const TEMPORARY_BEGINNINGS: [&str; 3] = [SHARD_BEGINNING, RUN_BEGINNING, FILE_BEGINNING];

/// The conditions under which a run may remove files.
#[derive(Clone, Copy)]
pub(super) struct Ownership<'a> {
    /// Name of the source of the new run.
    pub source: &'a str,
    /// Manifest of the finished store that is replaced, or whose shards were removed.
    pub finished: Option<&'a Manifest>,
    /// Journal of the unfinished run that is resumed or replaced.
    pub journal: Option<&'a Journal>,
    /// Whether the unfinished run is resumed. The files that its journal names are then kept.
    pub resumed: bool,
    /// Whether shards, rejects and journals are recognised by their names alone.
    pub force: bool,
}

/// Files of earlier runs in a store's folders.
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
    pub(super) fn find(paths: &StorePaths, owned: &Ownership<'_>) -> Result<Self, BuildError> {
        let store = paths.shards();
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
        let former = StorePaths::former(store);
        for rejects in [paths.rejects(), former.rejects()] {
            let named = owned.finished.is_some() && rejects == paths.rejects();
            let replaceable = owned.force || named || (owned.journal.is_some() && is_ours(&rejects));
            if fs::symlink_metadata(&rejects).is_ok() && !replaceable {
                foreign.insert(relative(&rejects, store));
            }
        }
        // A sidecar has no manifest of others, or it is refused before.
        if is_foreign_manifest(&former.manifest()) {
            foreign.insert(relative(&former.manifest(), store));
        }
        if !owned.force {
            for (_, name) in entries(&store.join(STAGING_FOLDER))? {
                // The file of rejects exists only together with the journal.
                if !is_temporary(&name) && (owned.journal.is_none() || !is_run_file(&name)) {
                    foreign.insert(format!("{STAGING_FOLDER}/{name}"));
                }
            }
        }
        if foreign.is_empty() {
            return Ok(Self { shards });
        }
        Err(BuildError::Foreign { store: store.to_owned(), files: foreign.into_iter().collect() })
    }

    /// Removes the files, the manifest and the rejects table, in the layout of either format version.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`] if a file cannot be removed.
    pub(super) fn remove(self, paths: &StorePaths) -> Result<(), BuildError> {
        let former = StorePaths::former(paths.shards());
        // The manifest is removed first. Without it the folder is an unfinished store rather than a broken one.
        let files = [paths.manifest(), former.manifest(), paths.rejects(), former.rejects()];
        files.iter().try_for_each(|path| remove(path))?;
        remove_temporary(paths.records())?;
        remove_empty_folder(&former.records().join(FORMER_REJECTS_FOLDER))?;
        let lock = former.records().join(LOCK_FILE);
        if fs::symlink_metadata(&lock).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) {
            remove(&lock)?;
        }
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
fn is_foreign_manifest(path: &Path) -> bool {
    let Ok(text) = bounded::read(path, MAX_MANIFEST_BYTES) else { return false };
    let value = serde_json::from_slice::<serde_json::Value>(&text);
    value.is_ok_and(|value| value.get("format_version").is_none() && value.get("shards").is_none())
}

/// Returns the path of a file relative to the store's folder, or to the folder beside which it is.
fn relative(file: &Path, store: &Path) -> String {
    let beside = || file.strip_prefix(file.parent()?.parent()?).ok();
    file.strip_prefix(store).ok().or_else(beside).unwrap_or(file).display().to_string()
}

/// Whether a file of the staging folder is one that is being written.
fn is_temporary(name: &str) -> bool {
    name.ends_with(TEMPORARY_ENDING)
        && TEMPORARY_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether a file of the staging folder is the journal or one that belongs to it.
fn is_run_file(name: &str) -> bool {
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
pub(super) fn remove_run_files(staging: &Path) -> Result<(), BuildError> {
    for (path, name) in entries(staging)? {
        if name != journal::JOURNAL_FILE && (is_temporary(&name) || is_run_file(&name)) {
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
    remove_run_files(staging)?;
    remove(&Journal::path(staging))?;
    remove_empty_folder(staging)
}

/// Removes a folder if it exists and is empty.
///
/// # Errors
/// Returns [`BuildError::Io`] if it cannot be removed.
fn remove_empty_folder(folder: &Path) -> Result<(), BuildError> {
    match fs::remove_dir(folder) {
        Err(source)
            if !matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) =>
        {
            Err(BuildError::Io { path: folder.to_owned(), source })
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
    fn folder() -> test_store::TestFolder {
        let folder = test_store::folder();
        test_store::write(folder.path(), &test_store::crystals(), 8);
        fs::remove_file(paths(&folder).manifest()).expect("it is there");
        folder
    }

    fn paths(folder: &test_store::TestFolder) -> StorePaths {
        StorePaths::new(folder.path())
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
        match Leftovers::find(&StorePaths::new(store), owned) {
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
                "test-00000.parquet",
                "test-2024.parquet",
                "test.store/rejects.parquet",
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
            ("{\"name\": \"a page\", \"icons\": []}", vec!["manifest.json"]),
            ("[1, 2]", vec!["manifest.json"]),
            ("{\"format_version\": 99}", vec![]),
            ("{\"shards\": [], \"fo", vec![]),
        ] {
            fs::write(folder.path().join("manifest.json"), text).expect("writing");
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
        // As a kill leaves them while the manifest is written.
        fs::write(paths(&folder).records().join("file-1.tmp"), "x").expect("writing");
        let leftovers = Leftovers::find(&paths(&folder), &owned).expect("all of it is ours");
        leftovers.remove(&paths(&folder)).expect("removable");
        assert!(!folder.path().join("test-00000.parquet").exists());
        assert_eq!(entries(paths(&folder).records()).expect("a folder"), []);

        // The name alone makes no shard.
        fs::create_dir(folder.path().join("rejects")).expect("a folder");
        let rejects = "rejects/rejects.parquet";
        for file in ["test-00001.parquet", rejects, "../test.store/rejects.parquet", ".build/thesis.tex"] {
            fs::write(folder.path().join(file), "no Parquet").expect("writing");
        }
        let expected = [".build/thesis.tex", rejects, "test-00001.parquet", "test.store/rejects.parquet"];
        assert_eq!(foreign(folder.path(), &owned), expected);
        remove_staging(&staging).expect("removable");
        let left: Vec<_> = entries(&staging).expect("it stays").into_iter().map(|(_, name)| name).collect();
        assert_eq!(left, ["thesis.tex"]);
    }

    #[test]
    fn of_the_former_layout_nothing_is_left() {
        let folder = folder();
        let former = StorePaths::former(folder.path());
        fs::create_dir(folder.path().join(FORMER_REJECTS_FOLDER)).expect("a folder");
        fs::rename(paths(&folder).rejects(), former.rejects()).expect("one file system");
        fs::write(former.manifest(), "{\"format_version\": 1}").expect("writing");
        fs::write(folder.path().join(LOCK_FILE), "").expect("writing");
        let owned = Ownership { source: "test", finished: None, journal: None, resumed: false, force: true };
        let leftovers = Leftovers::find(&paths(&folder), &owned).expect("all of it is ours");
        leftovers.remove(&paths(&folder)).expect("removable");
        assert_eq!(entries(folder.path()).expect("a folder"), []);
    }
}
