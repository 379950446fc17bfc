//! Atomic writing of files: under its name, a file is complete, or absent or as it was.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use schemas::output::folder_of;

/// Extension of the temporary names of files that are being written.
pub(crate) const TEMPORARY_ENDING: &str = ".tmp";
/// Prefix of the temporary name of a shard.
pub(crate) const SHARD_BEGINNING: &str = "shard-";
/// Prefix of the temporary name of a small file.
pub(crate) const FILE_BEGINNING: &str = "file-";

/// Permissions of a new file before the umask applies. Without them, a temporary file could be read by its owner
/// only.
#[cfg(unix)]
const NEW_FILE_MODE: u32 = 0o666;

/// Creates a temporary file in `staging` that [`publish`] will rename, with the permissions that the umask allows.
///
/// # Errors
/// Returns the errors of the file system.
pub fn temporary_in(staging: &Path, beginning: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(beginning).suffix(TEMPORARY_ENDING);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(NEW_FILE_MODE));
    }
    builder.tempfile_in(staging)
}

/// Syncs a temporary file, renames it and syncs its folder. The file then survives a power failure, as far as the
/// file system can sync folders.
///
/// # Errors
/// Returns the errors of the file system. The file under `path` is then absent or unchanged.
pub fn publish(file: &File, temporary: tempfile::TempPath, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(path);
    Ok(())
}

/// Syncs the folder of a file, so that a rename survives a power failure. Not all systems support it.
pub fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        // Some file systems do not support this for folders. The rename itself has succeeded.
        let _ = folder.sync_all();
    }
}

/// Writes a small file atomically, through a temporary file in `staging`.
///
/// # Errors
/// Returns the errors of the file system. The file under `path` is then absent or unchanged.
pub fn write(staging: &Path, path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = temporary_in(staging, FILE_BEGINNING)?;
    file.write_all(contents)?;
    let (file, temporary) = file.into_parts();
    publish(&file, temporary, path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.json");
        for contents in ["old", "new"] {
            write(folder.path(), &path, contents.as_bytes()).expect("a writable folder");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), contents);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    /// A folder that cannot be opened stands for a file system that does not sync folders. The superuser opens it.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_synced_is_no_error() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let closed = folder.path().join("closed");
        fs::create_dir(&closed).expect("a folder");
        let permit = |mode| fs::set_permissions(&closed, fs::Permissions::from_mode(mode));
        permit(0o300).expect("a folder of ours");
        let written = write(folder.path(), &closed.join("a.json"), b"{}");
        permit(0o700).expect("a folder of ours");
        written.expect("the rename has succeeded");
        assert_eq!(fs::read(closed.join("a.json")).expect("it is there"), b"{}");
    }
}
