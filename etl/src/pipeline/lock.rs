//! One run at a time in a store's folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::error::BuildError;

/// Name of the lock file; it stays behind, empty, because removing it would race with the next run.
const LOCK_FILE: &str = ".lock";

/// Held for as long as a run writes; the system releases it even if the run is killed.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes the lock of a store's folder, which must exist.
    ///
    /// # Errors
    /// [`BuildError::Locked`] if another run holds it, [`BuildError::Io`] if the folder is not writable.
    pub(super) fn acquire(store: &Path) -> Result<Self, BuildError> {
        let path: PathBuf = store.join(LOCK_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| BuildError::Io { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(BuildError::Locked { store: store.to_owned() }),
            Err(TryLockError::Error(source)) => Err(BuildError::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_excluded_until_the_first_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = StoreLock::acquire(folder.path()).expect("nobody holds it");
        assert!(matches!(StoreLock::acquire(folder.path()), Err(BuildError::Locked { .. })));
        drop(first);
        StoreLock::acquire(folder.path()).expect("it is free again");
    }
}
