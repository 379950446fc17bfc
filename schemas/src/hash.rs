//! SHA-256 of files and streams.

use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::regular;

/// Size of the read buffer in bytes.
const BUFFER_BYTES: usize = 1 << 18;
/// Number of bytes of a digest that make up a number.
const LEADING_BYTES: usize = 8;

/// Formats a digest in lower-case hexadecimal.
pub fn hex(digest: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    halves.map(|half| DIGITS[usize::from(half)]).collect()
}

/// Returns the first 64 bits of a digest as a number, the first byte being the highest.
pub fn leading_bits(digest: &[u8]) -> u64 {
    digest.iter().take(LEADING_BYTES).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// Returns the SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns the SHA-256, in lower-case hexadecimal, and the length of a file in bytes.
///
/// # Errors
/// Returns the errors of [`regular::open`] and of reading.
pub fn file_sha256(path: &Path) -> io::Result<(String, u64)> {
    let mut file = regular::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut length = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hex(&hasher.finalize()), length));
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
    }
}

/// A writer that hashes and counts all bytes that it passes on to another writer.
#[derive(Debug)]
pub struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
    length: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Wraps a writer to which nothing has been written yet.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), length: 0 }
    }

    /// Returns the hash in hexadecimal and the number of bytes written so far.
    pub fn so_far(&self) -> (String, u64) {
        (hex(&self.hasher.clone().finalize()), self.length)
    }

    /// Returns the inner writer, the hash in hexadecimal and the number of bytes written.
    pub fn finish(self) -> (W, String, u64) {
        (self.inner, hex(&self.hasher.finalize()), self.length)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hashes_bytes() {
        assert_eq!(sha256("abc"), SHA256_OF_ABC);
    }

    #[test]
    fn the_first_bytes_are_a_number() {
        assert_eq!(leading_bits(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), 0x0102_0304_0506_0708);
        assert_eq!(leading_bits(&[1, 2]), 0x0102);
    }

    #[test]
    fn hashes_what_passes_through() {
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"ab").expect("writing to memory");
        let (of_two, length) = writer.so_far();
        assert!(of_two != SHA256_OF_ABC && length == 2);
        writer.write_all(b"c").expect("writing to memory");
        assert_eq!(writer.so_far(), (SHA256_OF_ABC.to_owned(), 3));
        assert_eq!(writer.finish(), (b"abc".to_vec(), SHA256_OF_ABC.to_owned(), 3));
    }

    #[test]
    fn hashes_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").expect("writing a small file");
        assert_eq!(file_sha256(&path).expect("the file is there"), (SHA256_OF_ABC.to_owned(), 3));
    }
}
