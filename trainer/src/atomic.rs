//! Atomic replacement of files: a file has its old content or the complete new one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use schemas::output::folder_of;

/// Prefix of files that are being written. A killed process leaves such a file behind. No other program uses this
/// prefix.
const PARTIAL_PREFIX: &str = ".mmpt-partial-";
/// Number of random letters and digits after the prefix.
const PARTIAL_LETTERS: usize = 6;

/// Size of the write buffer in bytes.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes a temporary file beside `path`, flushes it to disk and renames it to `path`.
///
/// After a kill, a power failure or an error, `path` has its old content or the complete new one. The folder must
/// exist.
///
/// # Errors
/// Those of `content` and of the file system. `path` is unchanged in that case.
pub fn write<F>(path: &Path, content: F) -> io::Result<()>
where
    F: FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
{
    write_as(path, |out| content(out).map(|()| path.to_owned()))
}

/// Writes a file as [`write`](fn@write) does, under the path that `content` returns. It must be in the folder of `path`.
///
/// # Errors
/// Those of `content` and of the file system. No file is changed in that case.
pub fn write_as<F>(path: &Path, content: F) -> io::Result<()>
where
    F: FnOnce(&mut BufWriter<&mut File>) -> io::Result<PathBuf>,
{
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL_PREFIX).rand_bytes(PARTIAL_LETTERS);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new file: what the user's mask leaves of it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, temporary.as_file_mut());
    let path = content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    // The new name itself is durable only when the folder is.
    if let Ok(folder) = File::open(folder) {
        // Some file systems do not support this for folders. The rename itself has succeeded.
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Removes a file. It may be absent.
///
/// # Errors
/// If it is there and cannot be removed.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether a file name is that of a temporary file of [`write`](fn@write).
pub fn is_partial(name: &OsStr) -> bool {
    let letters = name.to_str().and_then(|name| name.strip_prefix(PARTIAL_PREFIX));
    letters.is_some_and(|letters| {
        letters.len() == PARTIAL_LETTERS && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Removes the temporary files of killed processes in a folder. No process may be writing there.
///
/// # Errors
/// If a file system operation fails.
pub fn remove_partial(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if is_partial(&entry.file_name()) && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        write(&path, |out| out.write_all(b"old")).expect("it is writable");
        let error = write(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(error.expect_err("it failed").to_string(), "no more");
        assert_eq!(std::fs::read(&path).expect("it is there"), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is a folder").count(), 1);
    }

    /// A folder that cannot be opened stands for a file system that does not sync folders. The superuser opens it.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_synced_is_no_error() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let permit = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode));
        permit(0o300).expect("a folder of ours");
        let written = write(&folder.path().join("file"), |out| out.write_all(b"new"));
        permit(0o700).expect("a folder of ours");
        written.expect("the rename has succeeded");
        assert_eq!(std::fs::read(folder.path().join("file")).expect("it is there"), b"new");
    }

    #[test]
    fn a_write_replaces_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        for content in ["old and longer", "new"] {
            write(&path, |out| out.write_all(content.as_bytes())).expect("it is writable");
            assert_eq!(std::fs::read_to_string(&path).expect("it is there"), content);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (ours, usual) = (folder.path().join("ours"), folder.path().join("usual"));
        write(&ours, |out| out.write_all(b"x")).expect("it is writable");
        std::fs::write(&usual, b"x").expect("it is writable");
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode(&ours), mode(&usual));
    }

    #[test]
    fn a_file_is_removed_if_it_is_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"x").expect("it is writable");
        for _ in 0..2 {
            remove_if_there(&path).expect("it is gone");
            assert!(!path.exists());
        }
        remove_if_there(folder.path()).expect_err("a folder is no file");
    }

    #[test]
    fn leftovers_are_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kept = [".mmpt-partial-", ".mmpt-partial-thesis2", ".partial-abc123", "kept"];
        for name in kept.iter().chain(&[".mmpt-partial-aB3x9z"]) {
            std::fs::write(folder.path().join(name), b"").expect("it is writable");
        }
        remove_partial(folder.path()).expect("it is a folder");
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .expect("it is a folder")
            .map(|entry| entry.expect("it is readable").file_name())
            .collect();
        names.sort();
        assert_eq!(names, kept);
    }

    #[test]
    fn what_is_being_written_is_known_by_its_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(&folder.path().join("file"), |_| {
            let mut entries = std::fs::read_dir(folder.path())?;
            let name = entries.next().expect("the one that is written")?.file_name();
            assert!(is_partial(&name), "{name:?}");
            Ok(())
        })
        .expect("it is writable");
    }
}
