//! Files that are read whole, up to a size: what is larger, or all but empty on the disk, is refused before.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A file below this size is read whatever the disk holds of it.
const HOLLOW_BYTES: u64 = 1 << 30;
/// A larger file is refused if the disk holds less than this part of it. No file system packs data so well.
const HOLLOW_PART: u64 = 64;
/// Bytes of a block in a file's metadata.
const BLOCK_BYTES: u64 = 512;

/// Whether a file is large and has next to nothing on the disk: a sparse file of a tebibyte takes a few bytes to
/// make and hours to read.
pub fn is_hollow(metadata: &Metadata) -> bool {
    let held = metadata.blocks().saturating_mul(BLOCK_BYTES);
    metadata.is_file() && metadata.len() > HOLLOW_BYTES && held < metadata.len() / HOLLOW_PART
}

/// Refuses a hollow file.
///
/// # Errors
/// [`ErrorKind::InvalidData`] with its size.
pub fn refuse_hollow(metadata: &Metadata) -> io::Result<()> {
    match is_hollow(metadata) {
        true => {
            Err(refusal(format!("a sparse file of {} bytes, which holds next to nothing", metadata.len())))
        }
        false => Ok(()),
    }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// Those of the system; [`ErrorKind::InvalidData`] for a larger file, a sparse one, or one whose end does not
/// come, as a device's.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    refuse_hollow(&metadata)?;
    let too_large = || refusal(format!("larger than {limit} bytes"));
    if metadata.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

fn refusal(message: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_their_limit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        std::fs::write(&path, [7; 100]).expect("a file");
        assert_eq!(read(&path, 100).expect("not larger"), [7; 100]);
        assert_eq!(read(&path, 99).expect_err("larger").to_string(), "larger than 99 bytes");
        assert!(read(Path::new("/dev/zero"), 1000).is_err());
        assert_eq!(read(&folder.path().join("b"), 1).expect_err("missing").kind(), ErrorKind::NotFound);
    }

    #[test]
    fn sparse_files_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sparse");
        let file = File::create(&path).expect("a file");
        file.set_len(1 << 20).expect("a file system with sparse files");
        assert!(!is_hollow(&file.metadata().expect("metadata")));
        file.set_len(1 << 40).expect("a file system with sparse files");
        assert!(is_hollow(&file.metadata().expect("metadata")));
        let error = read(&path, u64::MAX).expect_err("a tebibyte").to_string();
        assert!(error.starts_with("a sparse file of 1099511627776 bytes"), "{error}");
    }
}
