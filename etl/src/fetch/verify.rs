//! Comparison of files with their published size and hash, and receipts of earlier comparisons.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use schemas::count::counted;
use schemas::hash::file_sha256;
use schemas::output::folder_of;
use serde::{Deserialize, Serialize};

use super::FetchError;
use super::catalogue::CatalogueFile;
use crate::atomic::{publish, temporary_in};

/// Prefix of the temporary name of a file in a folder of fetched files. Hidden files are no inputs of a build.
pub(super) const TEMPORARY_BEGINNING: &str = ".fetch-";

/// Size and hash of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    /// Size in bytes.
    pub(super) bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub(super) sha256: String,
}

/// The result of comparing a file with the published one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The SHA-256 equals the published one.
    Verified,
    /// No hash is published, and nothing contradicts. The text states what was compared.
    Unknown(String),
    /// The file differs from the published one.
    Different(Difference),
}

/// The values of a failed comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// Published and actual size in bytes.
    Size(u64, u64),
    /// Published and actual SHA-256.
    Hash(String, String),
}

impl Difference {
    /// Returns the error for a file that came from `origin`.
    pub(super) fn into_error(self, origin: &str) -> FetchError {
        let origin = origin.to_owned();
        match self {
            Self::Size(expected, found) => FetchError::WrongSize { origin, expected, found },
            Self::Hash(expected, found) => FetchError::WrongHash { origin, expected, found },
        }
    }

    /// Returns the difference as a note about a file that is accepted.
    pub(super) fn note(&self) -> String {
        match self {
            Self::Size(expected, found) => {
                format!("not the published file: {}, published are {expected}", counted(*found, "byte"))
            }
            Self::Hash(expected, found) => {
                format!("not the published file: SHA-256 {found}, published is {expected}")
            }
        }
    }
}

/// Compares a file called `name` with the catalogue.
///
/// If the name is one that only mirrors use, other content is not a contradiction, because it may be a part of the
/// file.
pub(super) fn compare(file: &CatalogueFile, name: &str, digest: &Digest) -> Verdict {
    if name != file.name {
        return match file.sha256 {
            Some(hash) if hash == digest.sha256 => Verdict::Verified,
            _ => Verdict::Unknown(format!("a mirror's {name}: it may be a part of {}", file.name)),
        };
    }
    if let Some(difference) = difference(file.bytes, file.sha256, digest) {
        return Verdict::Different(difference);
    }
    match file.sha256 {
        Some(_) => Verdict::Verified,
        None if file.bytes.is_some() => {
            Verdict::Unknown("its publisher gives no hash; the length is the published one".to_owned())
        }
        None => Verdict::Unknown("its publisher gives neither hash nor length".to_owned()),
    }
}

/// Compares a digest with a published size in bytes and a published SHA-256, as far as they are known.
pub(super) fn difference(bytes: Option<u64>, sha256: Option<&str>, digest: &Digest) -> Option<Difference> {
    match (bytes, sha256) {
        (Some(bytes), _) if bytes != digest.bytes => Some(Difference::Size(bytes, digest.bytes)),
        (_, Some(hash)) if hash != digest.sha256 => {
            Some(Difference::Hash(hash.to_owned(), digest.sha256.clone()))
        }
        _ => None,
    }
}

/// Reads a file and returns its size and hash.
///
/// # Errors
/// Returns [`FetchError::Io`] if it cannot be read.
pub(super) fn digest_file(path: &Path) -> Result<Digest, FetchError> {
    let (sha256, bytes) = file_sha256(path).map_err(FetchError::io("read", path))?;
    Ok(Digest { bytes, sha256 })
}

/// The receipt of a fetched file, stored beside it in `.<name>.receipt.json`. By it the next run can recognise an
/// intact file if no hash is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// Address or path that the file came from.
    pub(super) origin: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// SHA-256 of the stored file.
    pub(super) sha256: String,
}

impl Receipt {
    /// Creates the receipt of a file that came from `origin`.
    pub(super) fn new(origin: &str, digest: &Digest) -> Self {
        Self { origin: origin.to_owned(), bytes: digest.bytes, sha256: digest.sha256.clone() }
    }

    /// Whether a file is unchanged since it was received.
    pub(super) fn is_of(&self, digest: &Digest) -> bool {
        self.bytes == digest.bytes && self.sha256 == digest.sha256
    }

    /// Returns the path of the receipt of `path`.
    fn path_of(path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.with_file_name(format!(".{name}.receipt.json"))
    }

    /// Reads the receipt of a file. Returns `None` if there is none or it is invalid.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::path_of(path)).ok()?).ok()
    }

    /// Returns an error if the receipt of `path` is a symbolic link.
    pub(super) fn refuse_link(path: &Path) -> Result<(), FetchError> {
        refuse_link(&Self::path_of(path))
    }

    /// Writes the receipt of `path`.
    pub(super) fn write(&self, path: &Path) -> Result<(), FetchError> {
        write_json(&Self::path_of(path), self)
    }
}

/// Returns an error if a receipt or state file is a symbolic link, because its target would be replaced or lost.
pub(super) fn refuse_link(path: &Path) -> Result<(), FetchError> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        let refused = io::Error::new(io::ErrorKind::InvalidInput, "a symbolic link, which is not replaced");
        return Err(FetchError::io("write", path)(refused));
    }
    Ok(())
}

/// Writes a small JSON file atomically.
///
/// # Errors
/// Returns [`FetchError::Io`] if it cannot be written, or is a symbolic link.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FetchError> {
    refuse_link(path)?;
    let write = || -> io::Result<()> {
        let mut file = temporary_in(folder_of(path), TEMPORARY_BEGINNING)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        let (file, temporary) = file.into_parts();
        publish(&file, temporary, path)
    };
    write().map_err(FetchError::io("write", path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_receipt_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join("file.zip");
        let receipt = Receipt { origin: "x".to_owned(), bytes: 3, sha256: "00".to_owned() };
        let message = receipt.write(&path).unwrap_err().to_string();
        assert!(message.contains(".file.zip.receipt.json"), "{message}");
    }

    #[test]
    fn a_receipt_comes_back_and_a_broken_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.zip");
        let receipt =
            Receipt { origin: "https://example.org/f".to_owned(), bytes: 3, sha256: "00".to_owned() };
        receipt.write(&path).unwrap();
        assert_eq!(Receipt::read(&path), Some(receipt));
        fs::write(folder.path().join(".file.zip.receipt.json"), "{\"origin\":").unwrap();
        assert_eq!(Receipt::read(&path), None);
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [".file.zip.receipt.json"], "temporary files stay behind");
    }
}
