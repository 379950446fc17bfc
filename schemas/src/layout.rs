//! Where the files of a store are.
//!
//! ```text
//! data/oqmd/oqmd-00000.parquet        the shards, and nothing else: any Parquet reader opens the folder
//! data/oqmd.store/manifest.json       the manifest
//! data/oqmd.store/rejects.parquet     the rejects table
//! data/oqmd.store/.lock               the lock of its writers
//! data/oqmd/.build/                   files of an unfinished build; gone when the store is finished
//! ```
//!
//! `oqmd.store` is the sidecar of the store `oqmd`. Both folders belong together. Unfinished files are beside the
//! shards and not in the sidecar, because they are renamed into shards, which is atomic on one file system only.
//!
//! Stores of format version 1 had `manifest.json`, `rejects/rejects.parquet` and `.lock` in the folder of the shards.
//! They are read, and no longer written.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::bounded;
use crate::error::StoreError;
use crate::lock::LOCK_FILE;
use crate::store::FIRST_FORMAT_VERSION;

/// Name of the manifest.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Largest size of a manifest in bytes. It allows about a million shards.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 20;
/// Name of the rejects table.
pub const REJECTS_FILE: &str = "rejects.parquet";
/// Folder of the rejects table in a store of format version 1.
pub const FORMER_REJECTS_FOLDER: &str = "rejects";
/// Name of the rejects table relative to a store of format version 1.
pub const FORMER_REJECTS: &str = "rejects/rejects.parquet";
/// Folder in the folder of the shards that holds the files of an unfinished build.
pub const STAGING_FOLDER: &str = ".build";
/// Extension of a sidecar, after the whole name of its store.
const SIDECAR_EXTENSION: &str = "store";

/// The folders of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorePaths {
    shards: PathBuf,
    records: PathBuf,
    rejects: &'static str,
}

impl StorePaths {
    /// Returns the folders of a store as they are written. The sidecar of a symbolic link is beside the folder that
    /// the link leads to, so that a store has the same sidecar by all its names.
    pub fn new(store: &Path) -> Self {
        Self { shards: store.to_owned(), records: sidecar(store), rejects: REJECTS_FILE }
    }

    /// Returns the folders of a store of format version 1.
    pub fn former(store: &Path) -> Self {
        Self { shards: store.to_owned(), records: store.to_owned(), rejects: FORMER_REJECTS }
    }

    /// Returns the folders of an existing store. Those of format version 1 are returned if only they have a manifest.
    pub fn find(store: &Path) -> Self {
        let (paths, former) = (Self::new(store), Self::former(store));
        if !paths.manifest().exists() && former.manifest().exists() { former } else { paths }
    }

    /// Returns the folder of the shards, which gives the store its name.
    pub fn shards(&self) -> &Path {
        &self.shards
    }

    /// Returns the folder of manifest and rejects: the sidecar, or in format version 1 the folder of the shards.
    pub fn records(&self) -> &Path {
        &self.records
    }

    /// Returns the path of the manifest.
    pub fn manifest(&self) -> PathBuf {
        self.records.join(MANIFEST_FILE)
    }

    /// Returns the path of the rejects table.
    pub fn rejects(&self) -> PathBuf {
        self.records.join(self.rejects)
    }

    /// Returns the folder of the files of an unfinished build.
    pub fn staging(&self) -> PathBuf {
        self.shards.join(STAGING_FOLDER)
    }

    /// Whether these are the folders of a store of format version 1.
    pub fn is_former(&self) -> bool {
        self.rejects == FORMER_REJECTS
    }

    /// Whether there is a manifest.
    pub fn is_finished(&self) -> bool {
        self.manifest().is_file()
    }

    /// Whether there is no manifest, but a build that was interrupted or is still running.
    pub fn is_unfinished(&self) -> bool {
        !self.manifest().exists() && self.staging().exists()
    }

    /// Returns the error for a folder without a manifest: [`StoreError::Missing`], [`StoreError::Unfinished`],
    /// [`StoreError::Sidecar`] or [`StoreError::NotAStore`].
    pub fn absence(&self) -> StoreError {
        let path = self.shards.clone();
        if self.is_unfinished() {
            StoreError::Unfinished { path }
        } else if let Some(store) = store_of_sidecar(&path) {
            StoreError::Sidecar { path, store }
        } else if path.exists() {
            StoreError::NotAStore { path, manifest: self.manifest() }
        } else {
            StoreError::Missing { path }
        }
    }

    /// Whether a resolved path is the store itself, its sidecar, or a file of either that a build may replace.
    /// `self` has a resolved path, too, and both layouts are considered.
    pub fn covers(&self, path: &Path) -> bool {
        let sidecar = Self::new(&self.shards).records;
        let resolved = sidecar.canonicalize();
        if path.starts_with(&sidecar) || resolved.is_ok_and(|sidecar| path.starts_with(sidecar)) {
            return true;
        }
        let Ok(inside) = path.strip_prefix(&self.shards) else { return false };
        let mut parts = inside.iter();
        match (parts.next(), parts.next()) {
            (None, _) => true,
            (Some(_), None) => {
                inside.extension() == Some(OsStr::new("parquet")) || inside == Path::new(MANIFEST_FILE)
            }
            (Some(folder), Some(_)) => folder == FORMER_REJECTS_FOLDER || folder == STAGING_FOLDER,
        }
    }
}

/// Whether a store or an unfinished one is in a folder, in any layout.
pub fn is_begun(folder: &Path) -> bool {
    let paths = StorePaths::find(folder);
    paths.is_finished() || paths.is_unfinished()
}

/// Returns the name of the rejects table in a manifest of a format version, relative to the folder of the manifest.
pub fn rejects_name(format_version: u32) -> &'static str {
    if format_version == FIRST_FORMAT_VERSION { FORMER_REJECTS } else { REJECTS_FILE }
}

/// Returns the store whose sidecar a folder is, or `None`. A store of format version 1 that has the name of a sidecar
/// is none.
pub fn store_of_sidecar(folder: &Path) -> Option<PathBuf> {
    let folder = named(folder);
    if folder.extension() != Some(OsStr::new(SIDECAR_EXTENSION)) || folder.join(STAGING_FOLDER).exists() {
        return None;
    }
    let is_sidecar = match bounded::read(&folder.join(MANIFEST_FILE), MAX_MANIFEST_BYTES) {
        Ok(text) => match serde_json::from_slice::<Version>(&text) {
            Ok(Version { format_version }) => {
                format_version.is_some_and(|version| version != FIRST_FORMAT_VERSION)
            }
            // Damaged.
            Err(error) => !error.is_data(),
        },
        // The build is not finished.
        Err(_) => folder.join(LOCK_FILE).exists(),
    };
    is_sidecar.then(|| folder.with_file_name(folder.file_stem().unwrap_or_default()))
}

/// The version in a manifest, whatever else it contains.
#[derive(Deserialize)]
struct Version {
    format_version: Option<u32>,
}

/// Leaves out sidecars, and files in them, whose stores are given as well, by their folders or by shards. A shell's
/// pattern such as `data/*` gives both folders of every store.
///
/// # Errors
/// Returns [`StoreError::Sidecar`] for a sidecar whose store is not given.
pub fn without_sidecars(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, StoreError> {
    let store_of = |path: &Path| match path.parent() {
        Some(folder) if !path.is_dir() => store_of_sidecar(folder),
        _ => store_of_sidecar(path),
    };
    let (mut kept, mut sidecars) = (Vec::with_capacity(paths.len()), Vec::new());
    for path in paths {
        match store_of(&path) {
            Some(store) => sidecars.push((path, store)),
            None => kept.push(path),
        }
    }
    if sidecars.is_empty() {
        return Ok(kept);
    }
    let mut given = BTreeSet::new();
    for path in kept.iter().filter_map(|path| path.canonicalize().ok()) {
        if !path.is_dir() {
            given.extend(path.parent().map(Path::to_owned));
        }
        given.insert(path);
    }
    let is_given = |store: &Path| store.canonicalize().is_ok_and(|store| given.contains(&store));
    match sidecars.into_iter().find(|(_, store)| !is_given(store)) {
        Some((path, store)) => Err(StoreError::Sidecar { path, store }),
        None => Ok(kept),
    }
}

/// Whether a folder is the root of a mounted file system. What is beside it is on another one.
pub fn is_mount_point(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
        let Ok(folder) = folder.canonicalize() else { return false };
        folder.parent().is_none_or(|parent| device(parent) != device(&folder))
    }
    #[cfg(not(unix))]
    {
        folder.canonicalize().is_ok_and(|folder| folder.parent().is_none())
    }
}

/// Returns the sidecar of a store.
fn sidecar(store: &Path) -> PathBuf {
    let store = named(store);
    // Only the root of a file system has no name, and no store is built there.
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(SIDECAR_EXTENSION);
    store.parent().unwrap_or(&store).join(name)
}

/// Returns a path that ends in the folder's own name. A symbolic link or a path such as `.` is resolved; other paths
/// stay as they were given, without a separator at the end.
fn named(folder: &Path) -> PathBuf {
    let plain: PathBuf = folder.components().collect();
    if plain.file_name().is_some() && !plain.is_symlink() {
        return plain;
    }
    let here = if plain.as_os_str().is_empty() { Path::new(".") } else { &plain };
    here.canonicalize().unwrap_or(plain)
}

#[cfg(test)]
mod tests;
