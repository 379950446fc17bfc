//! SHA-256 of the inputs, computed while they are read.
//!
//! The hash of a file is that of its bytes as stored. The hash of a folder is that of a list of its files in the
//! order of their paths, with a line `<sha256>  <path relative to the folder>` for each.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use schemas::hash::hex;
use schemas::regular::refuse_hollow;
use sha2::{Digest, Sha256};

use super::SourceError;
use super::folder::FolderWalk;

/// Number of bytes read at a time when only the hash needs them.
const BUFFER_BYTES: usize = 256 << 10;
/// Replaces the hash of a file that cannot be read.
pub(super) const UNREADABLE: &str = "unreadable";

/// The hash of the beginning of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileHash {
    hasher: Sha256,
    bytes: u64,
}

impl FileHash {
    /// Adds the following bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Adds the rest of the file.
    pub(super) fn update_from(&mut self, reader: &mut impl Read) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.step(reader, &mut buffer)? > 0 {}
        Ok(())
    }

    /// Adds up to a buffer of the following bytes. Returns their number, 0 at the end of the file.
    pub(crate) fn step(&mut self, reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match reader.read(buffer) {
                Ok(count) => {
                    self.update(buffer.get(..count).unwrap_or_default());
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the hash in hexadecimal and the number of bytes.
    pub(crate) fn finish(self) -> (String, u64) {
        (hex(&self.hasher.finalize()), self.bytes)
    }
}

/// The hash of the first files of a folder.
#[derive(Debug, Clone, Default)]
pub(super) struct FolderHash {
    list: Sha256,
    bytes: u64,
}

impl FolderHash {
    /// Adds the next file, or records that it cannot be read. `name` is its path relative to the folder.
    pub(super) fn add(&mut self, name: &str, file: io::Result<FileHash>) {
        let (sha256, bytes) = file.map_or_else(|_| (UNREADABLE.to_owned(), 0), FileHash::finish);
        self.bytes += bytes;
        for part in [&sha256, "  ", name, "\n"] {
            self.list.update(part.as_bytes());
        }
    }

    fn finish(self) -> (String, u64) {
        (hex(&self.list.finalize()), self.bytes)
    }
}

/// The part of an input that was read.
#[derive(Debug, Clone)]
enum Seen {
    File(FileHash),
    Folder(FolderHash),
}

/// Hashes of the inputs that were read so far, by path.
#[derive(Debug, Default)]
pub(super) struct Hashes(HashMap<PathBuf, Seen>);

impl Hashes {
    /// Records a file that was read from its start up to some position.
    pub(super) fn file(&mut self, path: PathBuf, hash: FileHash) {
        self.0.insert(path, Seen::File(hash));
    }

    /// Records a folder that was read completely.
    pub(super) fn folder(&mut self, path: PathBuf, hash: FolderHash) {
        self.0.insert(path, Seen::Folder(hash));
    }

    /// Returns the hash and size of an input. The unread rest is read for that.
    ///
    /// # Errors
    /// Returns [`SourceError::Open`] if it cannot be read.
    pub(super) fn finish(&self, path: &Path) -> Result<(String, u64), SourceError> {
        match self.0.get(path) {
            Some(Seen::Folder(hash)) => Ok(hash.clone().finish()),
            Some(Seen::File(hash)) => rest(path, hash.clone()),
            None => hash_input(path),
        }
    }
}

/// Returns the hash and size of an unread input.
///
/// # Errors
/// Returns [`SourceError::Open`] if it cannot be read.
pub(crate) fn hash_input(path: &Path) -> Result<(String, u64), SourceError> {
    if !path.is_dir() {
        return rest(path, FileHash::default());
    }
    let mut hash = FolderHash::default();
    let mut walk = FolderWalk::new(path)?;
    while let Some(file) = walk.next_file()? {
        if file.regular {
            hash.add(&file.name, hash_file(&file.path));
        }
    }
    Ok(hash.finish())
}

/// Returns the hash of an unread file.
pub(super) fn hash_file(path: &Path) -> io::Result<FileHash> {
    let mut hash = FileHash::default();
    let mut file = File::open(path)?;
    refuse_hollow(&file)?;
    hash.update_from(&mut file)?;
    Ok(hash)
}

/// Returns the hash and size of a partly read file.
fn rest(path: &Path, mut hash: FileHash) -> Result<(String, u64), SourceError> {
    let read = |hash: &mut FileHash| {
        let mut file = File::open(path)?;
        refuse_hollow(&file)?;
        file.seek(SeekFrom::Start(hash.bytes))?;
        hash.update_from(&mut file)
    };
    read(&mut hash).map_err(|source| SourceError::open(path, source))?;
    Ok(hash.finish())
}

#[cfg(test)]
mod tests {
    use schemas::hash::sha256;

    use super::*;

    #[test]
    fn a_file_has_its_own_hash_and_a_folder_that_of_its_list() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in [("b.cif", "two"), ("a.cif", "one"), ("a/c", "three")] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a small file");
        }
        let file = hash_input(&folder.path().join("b.cif")).expect("readable");
        assert_eq!(file, (sha256("two"), 3));
        let list = format!("{}  a.cif\n{}  a/c\n{}  b.cif\n", sha256("one"), sha256("three"), sha256("two"));
        assert_eq!(hash_input(folder.path()).expect("readable"), (sha256(&list), 11));
    }

    #[test]
    fn what_was_read_in_part_is_read_on() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "one two three").expect("a small file");
        for read in ["", "one", "one two three"] {
            let (mut hashes, mut hash) = (Hashes::default(), FileHash::default());
            hash.update(read.as_bytes());
            hashes.file(file.path().to_owned(), hash);
            assert_eq!(hashes.finish(file.path()).expect("readable"), (sha256("one two three"), 13));
        }
    }
}
