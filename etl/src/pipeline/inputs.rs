//! Identity of the inputs: size and time to resume, SHA-256 for the manifest.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use schemas::hash::hex;
use schemas::manifest::FileEntry;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::BuildError;

/// Bytes hashed at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// What tells a resumed run that an input is still the one it began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InputIdentity {
    /// Path as given.
    pub path: String,
    /// Number of files, 1 unless a folder.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Latest modification of any file, in nanoseconds since 1970.
    pub modified_ns: u128,
}

/// One input: a file, or a folder with its files in order of their names.
struct Input {
    name: String,
    root: PathBuf,
    files: VecDeque<PathBuf>,
    is_folder: bool,
    bytes: u64,
    /// Listing `<sha256>  <name>\n` of the files hashed so far.
    listing: Sha256,
    /// Digest of the single file.
    digest: String,
}

/// Hashes the inputs little by little, so that the work spreads over the run.
pub(super) struct InputHasher {
    waiting: VecDeque<Input>,
    open: Option<(File, PathBuf, Sha256)>,
    buffer: Vec<u8>,
    hashed: u64,
    done: Vec<FileEntry>,
}

/// All files below a folder, or the file itself, in order of their paths' bytes.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, BuildError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(BuildError::io(&folder))? {
            let entry = entry.map_err(BuildError::io(&folder))?;
            let kind = entry.file_type().map_err(BuildError::io(entry.path()))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if entry.path().is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    Ok(files)
}

/// Identity of an input.
///
/// # Errors
/// [`BuildError::Io`] if a file of it cannot be looked at.
pub(super) fn identity(path: &Path) -> Result<InputIdentity, BuildError> {
    let mut identity = InputIdentity { path: path.display().to_string(), files: 0, bytes: 0, modified_ns: 0 };
    for file in files_of(path)? {
        let metadata = std::fs::metadata(&file).map_err(BuildError::io(&file))?;
        let modified = metadata.modified().map_err(BuildError::io(&file))?;
        identity.files += 1;
        identity.bytes += metadata.len();
        let modified_ns = modified.duration_since(UNIX_EPOCH).map_or(0, |duration| duration.as_nanos());
        identity.modified_ns = identity.modified_ns.max(modified_ns);
    }
    Ok(identity)
}

impl InputHasher {
    /// A hasher of inputs of which nothing was read yet.
    ///
    /// # Errors
    /// [`BuildError::Io`] if a folder cannot be listed.
    pub(super) fn new(inputs: &[PathBuf]) -> Result<Self, BuildError> {
        let input = |path: &PathBuf| {
            Ok(Input {
                name: path
                    .file_name()
                    .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned()),
                root: path.clone(),
                is_folder: path.is_dir(),
                files: files_of(path)?.into(),
                bytes: 0,
                listing: Sha256::new(),
                digest: String::new(),
            })
        };
        Ok(Self {
            waiting: inputs.iter().map(input).collect::<Result<_, BuildError>>()?,
            open: None,
            buffer: vec![0; BUFFER_BYTES],
            hashed: 0,
            done: Vec::new(),
        })
    }

    /// Hashes on until `bytes` bytes of the inputs are hashed in all, or everything is.
    ///
    /// # Errors
    /// [`BuildError::Io`] if a file cannot be read.
    pub(super) fn advance(&mut self, bytes: u64) -> Result<(), BuildError> {
        while self.hashed < bytes && self.step()? {}
        Ok(())
    }

    /// Hashes the rest; one entry for each input, in the order given.
    ///
    /// # Errors
    /// [`BuildError::Io`] if a file cannot be read.
    pub(super) fn finish(mut self) -> Result<Vec<FileEntry>, BuildError> {
        while self.step()? {}
        Ok(self.done)
    }

    /// Hashes one buffer; `false` at the end of all inputs.
    fn step(&mut self) -> Result<bool, BuildError> {
        let Some(input) = self.waiting.front_mut() else { return Ok(false) };
        if self.open.is_none() {
            let Some(path) = input.files.pop_front() else {
                let sha256 = if input.is_folder {
                    hex(&std::mem::take(&mut input.listing).finalize())
                } else {
                    std::mem::take(&mut input.digest)
                };
                self.done.push(FileEntry {
                    file: std::mem::take(&mut input.name),
                    bytes: input.bytes,
                    sha256,
                });
                self.waiting.pop_front();
                return Ok(true);
            };
            let file = File::open(&path).map_err(BuildError::io(&path))?;
            self.open = Some((file, path, Sha256::new()));
        }
        let Some((file, path, hasher)) = &mut self.open else { return Ok(true) };
        let count = file.read(&mut self.buffer).map_err(BuildError::io(&*path))?;
        hasher.update(&self.buffer[..count]);
        input.bytes += count as u64;
        self.hashed += count as u64;
        if count == 0 {
            input.digest = hex(&std::mem::take(hasher).finalize());
            let name = path.strip_prefix(&input.root).unwrap_or(path);
            input.listing.update(format!("{}  {}\n", input.digest, name.display()).as_bytes());
            self.open = None;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_own_hash_and_a_folder_that_of_its_listing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inner = folder.path().join("set");
        std::fs::create_dir(&inner).expect("a folder");
        for (name, text) in [("b.cif", "two"), ("a.cif", "one")] {
            std::fs::write(inner.join(name), text).expect("a small file");
        }
        let single = inner.join("b.cif");
        let mut hasher = InputHasher::new(&[single, inner]).expect("both are there");
        hasher.advance(1).expect("readable");
        let entries = hasher.finish().expect("readable");
        let digest = |text: &str| hex(&Sha256::digest(text.as_bytes()));
        assert_eq!(entries[0], FileEntry { file: "b.cif".into(), bytes: 3, sha256: digest("two") });
        let listing = format!("{}  a.cif\n{}  b.cif\n", digest("one"), digest("two"));
        assert_eq!(entries[1], FileEntry { file: "set".into(), bytes: 6, sha256: digest(&listing) });
    }

    #[test]
    fn identity_sees_a_changed_size() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a");
        std::fs::write(&file, "one").expect("a small file");
        let before = identity(&file).expect("the file is there");
        std::fs::write(&file, "three").expect("a small file");
        assert_ne!(before, identity(&file).expect("the file is there"));
    }
}
