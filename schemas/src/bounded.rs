//! Reading of files with a size limit.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::regular;

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// Returns the errors of [`regular::open`] and of reading, and [`ErrorKind::InvalidData`] if the file is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = regular::open(path)?;
    let length = file.metadata()?.len();
    let too_large = || io::Error::new(ErrorKind::InvalidData, format!("larger than {limit} bytes"));
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Whether a file begins with the bytes `beginning`. No more than that is read.
///
/// # Errors
/// Returns the errors of [`regular::open`] and of reading.
pub fn begins_with(path: &Path, beginning: &[u8]) -> io::Result<bool> {
    let mut found = Vec::with_capacity(beginning.len());
    regular::open(path)?.take(beginning.len() as u64).read_to_end(&mut found)?;
    Ok(found == beginning)
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
        for (beginning, begins) in
            [(vec![7; 100], true), (vec![7; 101], false), (vec![], true), (vec![8], false)]
        {
            assert_eq!(begins_with(&path, &beginning).expect("a file"), begins);
        }
        assert_eq!(read(&folder.path().join("b"), 1).expect_err("missing").kind(), ErrorKind::NotFound);
    }
}
