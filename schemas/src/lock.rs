//! One writer at a time in the folder of a store or of a run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Name of the lock file; it stays behind, empty, because removing it would race with the next writer.
pub const LOCK_FILE: &str = ".lock";

/// Takes the lock of a folder, which must exist, for as long as the file lives: the system releases it
/// even if the process is killed. `None` if another writer holds it.
///
/// # Errors
/// If the lock file cannot be made or locked.
pub fn take(folder: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Creates a folder within a locked one, unless it is there, and none above it: a locked folder that was
/// removed a moment ago must not come back without its lock.
///
/// # Errors
/// If it cannot be made.
pub fn create_within(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_excluded_until_the_first_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = take(folder.path()).expect("the folder is there").expect("nobody holds it");
        assert!(take(folder.path()).expect("the folder is there").is_none());
        drop(first);
        assert!(take(folder.path()).expect("the folder is there").is_some());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(take(Path::new("nowhere")).is_err());
    }

    #[test]
    fn a_folder_that_was_removed_does_not_come_back() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let within = parent.path().join("store/rejects");
        assert!(create_within(&within).is_err());
        fs::create_dir(parent.path().join("store")).expect("a folder");
        for _ in 0..2 {
            create_within(&within).expect("there or made");
        }
        assert!(within.is_dir());
    }
}
