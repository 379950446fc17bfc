//! Opening of files that are read to their end. Only regular files that are not sparse are accepted.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Smaller files are never checked for being sparse, in bytes.
#[cfg(target_os = "linux")]
const HOLLOW_BYTES: u64 = 1 << 30;
/// A larger file is checked if less than one part in this many is allocated on disk. No file system compresses data
/// that well.
#[cfg(target_os = "linux")]
const HOLLOW_PART: u64 = 64;
/// Size in bytes of a block in a file's metadata.
#[cfg(target_os = "linux")]
const BLOCK_BYTES: u64 = 512;

/// Whether a large file is almost entirely unallocated. A sparse file of a tebibyte takes a few bytes on disk, but
/// hours to read.
#[cfg(target_os = "linux")]
fn is_hollow(file: &File, metadata: &Metadata) -> io::Result<bool> {
    use rustix::fs::{SeekFrom, seek};
    use std::os::unix::fs::MetadataExt;
    let held = metadata.blocks().saturating_mul(BLOCK_BYTES);
    if !metadata.is_file() || metadata.len() <= HOLLOW_BYTES || held >= metadata.len() / HOLLOW_PART {
        return Ok(false);
    }
    // Network file systems may report no blocks at all. The first hole of a file without holes is at its end.
    let at = seek(file, SeekFrom::Current(0))?;
    let first_hole = seek(file, SeekFrom::Hole(0));
    seek(file, SeekFrom::Start(at))?;
    Ok(first_hole.is_ok_and(|hole| hole < metadata.len()))
}

/// Whether a file is sparse is not known on this platform.
#[cfg(not(target_os = "linux"))]
fn is_hollow(_: &File, _: &Metadata) -> io::Result<bool> {
    Ok(false)
}

/// Checks that a file is not sparse. The position in the file does not change.
///
/// # Errors
/// Returns [`ErrorKind::InvalidData`], with the size, for a sparse file, and the errors of the file system.
pub fn refuse_hollow(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if is_hollow(file, &metadata)? {
        let message = format!("a sparse file of {} bytes, which holds next to nothing", metadata.len());
        return Err(io::Error::new(ErrorKind::InvalidData, message));
    }
    Ok(())
}

/// Opens a regular file or a link to one. Reading a pipe could block, and reading a device might never end.
///
/// # Errors
/// Returns the errors of the file system, [`ErrorKind::InvalidInput`] for anything but a regular file, and the error
/// of [`refuse_hollow`] for a sparse file.
pub fn open(path: &Path) -> io::Result<File> {
    // The type is checked before opening, because opening a pipe waits for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let file = File::open(path)?;
    refuse_hollow(&file)?;
    Ok(file)
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
        assert_eq!(open(folder.path()).expect_err("a folder").kind(), ErrorKind::InvalidInput);
        assert_eq!(open(&folder.path().join("y")).expect_err("nothing").kind(), ErrorKind::NotFound);
        #[cfg(unix)]
        {
            let (link, device) = (folder.path().join("link"), folder.path().join("device"));
            std::os::unix::fs::symlink(&file, &link).expect("a link");
            std::os::unix::fs::symlink("/dev/zero", &device).expect("a link");
            open(&link).expect("a link to a file");
            assert_eq!(open(&device).expect_err("a device").kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn sparse_files_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sparse");
        let file = File::create(&path).expect("a file");
        file.set_len(1 << 20).expect("a file system with sparse files");
        refuse_hollow(&file).expect("a small file");
        file.set_len(1 << 40).expect("a file system with sparse files");
        refuse_hollow(&file).expect_err("a tebibyte");
        let error = open(&path).expect_err("a tebibyte").to_string();
        assert!(error.starts_with("a sparse file of 1099511627776 bytes"), "{error}");
    }
}
