//! Locks that allow one writer at a time in the folder of a store or of a run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::text;

/// Name of the lock file. The empty file is never removed, because removal would race with the next writer.
pub const LOCK_FILE: &str = ".lock";

/// Error message for a lock file that is not a regular file.
const NOT_A_LOCK: &str = "not a regular file, and no lock; symbolic links are not followed";
/// Error message for a folder that is not a folder.
const NOT_A_FOLDER: &str = "not a folder; symbolic links are not followed";

/// Error code `ENOLCK`, which NFS returns without its lock daemon: the file system does not support locks. The
/// standard library already reports the other such codes as unsupported.
#[cfg(target_os = "linux")]
const NO_LOCKS: Option<i32> = Some(37);
#[cfg(not(target_os = "linux"))]
const NO_LOCKS: Option<i32> = None;

/// Takes the lock of a folder, which must exist. The lock is held until the file is dropped; the operating system
/// also releases it if the process is killed. Returns `None` if another writer holds the lock.
///
/// # Errors
/// Returns an error if the lock file cannot be created or locked.
pub fn take(folder: &Path) -> io::Result<Option<File>> {
    take_file(&folder.join(LOCK_FILE))
}

/// Takes the lock with this file. See [`take`].
///
/// On a file system without locks, such as Lustre or NFS with some mount options, the call succeeds and prints one
/// warning to standard error, which names the lock file.
///
/// # Errors
/// Returns an error if the lock file cannot be created or locked.
pub fn take_file(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    match taken(file.try_lock(), path)? {
        Taken::Held => Ok(Some(file)),
        Taken::ByAnother => Ok(None),
        Taken::Unprotected(note) => {
            eprintln!("{}", text::message(&note));
            Ok(Some(file))
        }
    }
}

/// Opens or creates the lock file. Symbolic links are not followed, because a dangling one would create a file
/// elsewhere.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        opened => return opened,
    }
    if !fs::symlink_metadata(path)?.is_file() {
        let message = format!("{}: {NOT_A_LOCK}", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    options.open(path)
}

/// The result of an attempt to lock.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    Held,
    ByAnother,
    /// The file system has no locks. Holds the warning.
    Unprotected(String),
}

/// # Errors
/// Returns an error if the file cannot be locked although locks are supported.
fn taken(locked: Result<(), TryLockError>, path: &Path) -> io::Result<Taken> {
    let shown = path.display();
    match locked {
        Ok(()) => Ok(Taken::Held),
        Err(TryLockError::WouldBlock) => Ok(Taken::ByAnother),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(Taken::Unprotected(format!(
            "note: {shown}: this file system has no locks ({error}); a second writer is not kept out"
        ))),
        Err(TryLockError::Error(error)) => Err(io::Error::new(error.kind(), format!("{shown}: {error}"))),
    }
}

fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || (NO_LOCKS.is_some() && error.raw_os_error() == NO_LOCKS)
}

/// Creates a folder within a locked one if it does not exist. The parent is never created: a locked folder that has
/// just been removed must not reappear without its lock.
///
/// # Errors
/// Returns an error if the folder cannot be created, and the errors of [`require_within`].
pub fn create_within(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => require_within(folder),
        result => result,
    }
}

/// Checks that `folder` is a real folder or does not exist. A symbolic link is refused, because it could lead to
/// foreign files.
///
/// # Errors
/// Returns [`io::ErrorKind::NotADirectory`] for links and files, and the errors of the file system.
pub fn require_within(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::new(io::ErrorKind::NotADirectory, NOT_A_FOLDER)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
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

    #[cfg(target_os = "linux")]
    #[test]
    fn without_locks_one_goes_on_and_says_so() {
        let path = Path::new("store/.lock");
        let failed = |code| Err(TryLockError::Error(io::Error::from_raw_os_error(code)));
        // ENOSYS of Lustre, EOPNOTSUPP of several, ENOLCK of NFS.
        for code in [38, 95, 37] {
            let Ok(Taken::Unprotected(note)) = taken(failed(code), path) else { panic!("{code}") };
            assert!(
                note.contains("store/.lock: this file system has no locks") && !note.contains('\n'),
                "{note}"
            );
        }
        let error = taken(failed(13), path).expect_err("a lock that is refused");
        assert!(error.to_string().contains("store/.lock: "), "{error}");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(take(Path::new("nowhere")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| parent.path().join(name);
        fs::create_dir_all(path("victim")).expect("a folder");
        for (link, target) in [(".lock", "nowhere"), ("inner", "victim"), ("lost", "gone")] {
            symlink(target, path(link)).expect("a link");
        }
        let error = take(parent.path()).expect_err("a link").to_string();
        assert!(error.contains(".lock: not a regular file"), "{error}");
        assert!(!path("nowhere").exists());
        for link in ["inner", "lost"] {
            for refused in [create_within(&path(link)), require_within(&path(link))] {
                assert_eq!(refused.expect_err("a link").kind(), io::ErrorKind::NotADirectory, "{link}");
            }
        }
        require_within(&path("victim")).expect("a folder");
        require_within(&path("new")).expect("nothing is there");
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
