//! Opening of files for writing whose names can be predicted by others.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file for writing, or creates it. Symbolic links are not followed, because their target may belong to
/// somebody else.
///
/// # Errors
/// Returns the errors of the file system, and [`io::ErrorKind::InvalidInput`] for a symbolic link, a file with
/// several hard links or anything but a regular file.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
        // Opening a pipe would block.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(path).map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => refused("a symbolic link, which is not followed"),
            _ => error,
        })?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            Err(refused("not a regular file"))
        } else if metadata.nlink() > 1 {
            Err(refused("a file with further names, which is not written to"))
        } else {
            Ok(file)
        }
    }
    #[cfg(not(unix))]
    {
        if std::fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(refused("not a regular file"));
        }
        options.open(path)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let opened = |name: &str| open(OpenOptions::new().create(true).append(true), &path(name));
        fs::write(path("victim"), "of others").expect("writing");
        std::os::unix::fs::symlink("victim", path("link")).expect("a link");
        std::os::unix::fs::symlink("nowhere", path("lost")).expect("a link");
        std::os::unix::fs::symlink("/dev/null", path("device")).expect("a link");
        for name in ["link", "lost", "device"] {
            let error = opened(name).expect_err("a link").to_string();
            assert_eq!(error, "a symbolic link, which is not followed");
        }
        assert!(!path("nowhere").exists());
        opened("victim").expect("a file");
        fs::hard_link(path("victim"), path("second")).expect("a link");
        assert!(opened("second").expect_err("a link").to_string().contains("further names"));
        assert_eq!(fs::read_to_string(path("victim")).expect("it is there"), "of others");
        opened("new").expect("a new file");
    }
}
