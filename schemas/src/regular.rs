//! Opening files that are to be read to their end.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Opens a regular file, or a link to one. A pipe would be waited for and a device be read for ever.
///
/// # Errors
/// Those of the file system, and [`io::ErrorKind::InvalidInput`] for anything else than a file.
pub fn open(path: &Path) -> io::Result<File> {
    // Asked before it is opened: opening a pipe waits for its writer.
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("x");
        fs::write(&file, "x").expect("writing");
        open(&file).expect("a file");
        assert_eq!(open(folder.path()).expect_err("a folder").kind(), io::ErrorKind::InvalidInput);
        assert_eq!(open(&folder.path().join("y")).expect_err("nothing").kind(), io::ErrorKind::NotFound);
        #[cfg(unix)]
        {
            let (link, device) = (folder.path().join("link"), folder.path().join("device"));
            std::os::unix::fs::symlink(&file, &link).expect("a link");
            std::os::unix::fs::symlink("/dev/zero", &device).expect("a link");
            open(&link).expect("a link to a file");
            assert_eq!(open(&device).expect_err("a device").kind(), io::ErrorKind::InvalidInput);
        }
    }
}
