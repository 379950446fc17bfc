//! Opening files that are read to their end: regular files alone, and none that are sparse.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

/// A file below this size is read whatever the disk holds of it.
#[cfg(target_os = "linux")]
const HOLLOW_BYTES: u64 = 1 << 30;
/// A larger file is looked at if the disk holds less than this part of it. No file system packs data so well.
#[cfg(target_os = "linux")]
const HOLLOW_PART: u64 = 64;
/// Bytes of a block in a file's metadata.
#[cfg(target_os = "linux")]
const BLOCK_BYTES: u64 = 512;

/// Whether a file is large and has next to nothing on the disk: a sparse file of a tebibyte takes a few bytes to
/// make and hours to read.
#[cfg(target_os = "linux")]
fn is_hollow(file: &File, metadata: &Metadata) -> io::Result<bool> {
    use rustix::fs::{SeekFrom, seek};
    use std::os::unix::fs::MetadataExt;
    let held = metadata.blocks().saturating_mul(BLOCK_BYTES);
    if !metadata.is_file() || metadata.len() <= HOLLOW_BYTES || held >= metadata.len() / HOLLOW_PART {
        return Ok(false);
    }
    // File systems over a network may count no blocks at all. A file without holes ends at its first one.
    let at = seek(file, SeekFrom::Current(0))?;
    let first_hole = seek(file, SeekFrom::Hole(0));
    seek(file, SeekFrom::Start(at))?;
    Ok(first_hole.is_ok_and(|hole| hole < metadata.len()))
}

/// Nothing here tells what the disk holds of a file.
#[cfg(not(target_os = "linux"))]
fn is_hollow(_: &File, _: &Metadata) -> io::Result<bool> {
    Ok(false)
}

/// Refuses a hollow file. The position in the file does not change.
///
/// # Errors
/// [`ErrorKind::InvalidData`] with its size, and those of the file system.
pub fn refuse_hollow(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if is_hollow(file, &metadata)? {
        let message = format!("a sparse file of {} bytes, which holds next to nothing", metadata.len());
        return Err(io::Error::new(ErrorKind::InvalidData, message));
    }
    Ok(())
}

/// Opens a regular file, or a link to one. A pipe would be waited for and a device be read for ever.
///
/// # Errors
/// Those of the file system, [`ErrorKind::InvalidInput`] for anything else than a file, and the refusal of a
/// hollow one.
pub fn open(path: &Path) -> io::Result<File> {
    // Asked before it is opened: opening a pipe waits for its writer.
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
