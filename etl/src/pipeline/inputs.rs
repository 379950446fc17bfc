//! Identity of the inputs: sizes and times for resuming a run, SHA-256 for the manifest and for comparison with a
//! finished store.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use schemas::count::counted;
use schemas::manifest::FileEntry;
use serde::{Deserialize, Serialize};

use super::error::BuildError;
use crate::source::{FileHash, InputState, Progress, changed_since, file_state, hash_input};

/// Largest number of changed files that a message names.
const NAMED_CHANGES: usize = 2;
/// Number of bytes hashed at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// The properties by which a resumed run recognises an unchanged input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InputIdentity {
    /// Path as given.
    pub path: String,
    /// Number of files; 1 unless the input is a folder.
    pub files: u64,
    /// Total size in bytes.
    pub bytes: u64,
    /// SHA-256 of the names, sizes and modification times of all files.
    pub list: String,
}

impl InputIdentity {
    /// Creates the identity of an input from its state.
    pub(super) fn new(path: &Path, state: &InputState) -> Self {
        Self {
            path: path.display().to_string(),
            files: state.files,
            bytes: state.bytes,
            list: state.list.clone(),
        }
    }

    /// Returns the identity of an input that is a single file.
    ///
    /// # Errors
    /// Returns [`BuildError::Source`] if its metadata cannot be read.
    pub(super) fn of_file(path: &Path) -> Result<Self, BuildError> {
        Ok(Self::new(path, &file_state(path)?))
    }
}

/// An input that is not read sequentially, and is therefore hashed separately.
struct Alongside {
    path: PathBuf,
    /// The open file; `None` after its end.
    file: Option<File>,
    hash: FileHash,
}

/// Hashes the inputs while they are read, and the unread rest at the end.
pub(super) struct InputHasher {
    inputs: Vec<PathBuf>,
    alongside: Vec<Alongside>,
    buffer: Vec<u8>,
    hashed: u64,
}

impl InputHasher {
    /// Creates a hasher for unread inputs, in the order of the manifest.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`] if an input cannot be opened.
    pub(super) fn new(
        sources: &[PathBuf],
        states: &[InputState],
        labels: &[PathBuf],
    ) -> Result<Self, BuildError> {
        let sought = sources.iter().zip(states).filter(|(_, state)| !state.in_order);
        let alongside = sought.map(|(path, _)| {
            let file = Some(File::open(path).map_err(BuildError::io(path))?);
            Ok(Alongside { path: path.clone(), file, hash: FileHash::default() })
        });
        Ok(Self {
            alongside: alongside.collect::<Result<_, BuildError>>()?,
            inputs: sources.iter().chain(labels).cloned().collect(),
            buffer: vec![0; BUFFER_BYTES],
            hashed: 0,
        })
    }

    /// Continues hashing of the inputs that are not read sequentially, up to `bytes` bytes in total or to their end.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`] if a file cannot be read.
    pub(super) fn advance(&mut self, bytes: u64) -> Result<(), BuildError> {
        for Alongside { path, file, hash } in &mut self.alongside {
            while self.hashed < bytes
                && let Some(open) = file
            {
                let count = hash.step(open, &mut self.buffer).map_err(BuildError::io(&*path))?;
                self.hashed += count as u64;
                if count == 0 {
                    *file = None;
                }
            }
        }
        Ok(())
    }

    /// Returns one entry for each input in the order given. `progress` is that of a reader that was dropped at the
    /// end of the input, or an unused one.
    ///
    /// # Errors
    /// Returns [`BuildError::Io`] or [`BuildError::Source`] if the unread rest cannot be read.
    pub(super) fn finish(mut self, progress: &Progress) -> Result<Vec<FileEntry>, BuildError> {
        self.advance(u64::MAX)?;
        let Self { inputs, mut alongside, .. } = self;
        let entry = |path: PathBuf| {
            let hash = alongside.iter_mut().find(|one| one.path == path).map(|one| one.hash.clone());
            let (sha256, bytes) = match hash {
                Some(hash) => hash.finish(),
                None => progress.finish(&path)?,
            };
            Ok(FileEntry { file: display_name(&path), bytes, sha256 })
        };
        inputs.into_iter().map(entry).collect()
    }
}

/// Returns how an input of a finished store has changed, or `None` if it has the same bytes as when the store was
/// built.
///
/// # Errors
/// Returns [`BuildError::Source`] if it cannot be read.
pub(super) fn change(
    path: &Path,
    before: &FileEntry,
    built: Option<SystemTime>,
) -> Result<Option<String>, BuildError> {
    let (sha256, bytes) = hash_input(path)?;
    if sha256 == before.sha256 {
        return Ok(None);
    }
    let mut change = format!("an earlier state of input {}", before.file);
    if bytes != before.bytes {
        change += &format!(" ({} bytes then, {bytes} now)", before.bytes);
    }
    let changed = match built {
        Some(time) => changed_since(path, time)?,
        None => Vec::new(),
    };
    let named = changed.iter().take(NAMED_CHANGES).cloned().collect::<Vec<_>>().join(", ");
    match changed.len() {
        0 => {}
        count if count > NAMED_CHANGES => {
            change += &format!(": {named} and {} are newer", counted((count - NAMED_CHANGES) as u64, "other"))
        }
        1 => change += &format!(": {named} is newer"),
        _ => change += &format!(": {named} are newer"),
    }
    Ok(Some(change))
}

/// Returns the last component of a path for messages.
pub(super) fn display_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sources: &[PathBuf], labels: &[PathBuf], progress: &Progress) -> Vec<FileEntry> {
        let states: Vec<InputState> =
            sources.iter().map(|path| file_state(path).expect("it is there")).collect();
        let mut hasher = InputHasher::new(sources, &states, labels).expect("all are there");
        hasher.advance(1).expect("readable");
        hasher.finish(progress).expect("readable")
    }

    #[test]
    fn every_input_has_its_hash_in_the_order_given() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [plain, zip, labels] = ["a.tar", "b.zip", "c.csv"].map(|name| folder.path().join(name));
        std::fs::write(&plain, "one").expect("a small file");
        std::fs::write(&zip, b"PK\x05\x06 two").expect("a small file");
        std::fs::write(&labels, "three").expect("a small file");
        let found =
            entries(&[plain.clone(), zip.clone()], std::slice::from_ref(&labels), &Progress::default());
        let names: Vec<&str> = found.iter().map(|entry| entry.file.as_str()).collect();
        assert_eq!(names, ["a.tar", "b.zip", "c.csv"]);
        for (path, entry) in [plain, zip, labels].iter().zip(found) {
            assert_eq!((entry.sha256, entry.bytes), schemas::hash::file_sha256(path).expect("readable"));
        }
    }

    #[test]
    fn identity_sees_a_changed_size_and_a_changed_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a");
        std::fs::write(&file, "one").expect("a small file");
        let before = InputIdentity::of_file(&file).expect("the file is there");
        assert_eq!(before, InputIdentity::of_file(&file).expect("the file is there"));
        std::fs::write(&file, "three").expect("a small file");
        assert_ne!(before, InputIdentity::of_file(&file).expect("the file is there"));
    }

    #[test]
    fn what_changed_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a.cif");
        std::fs::write(&file, "one").expect("a small file");
        let (sha256, bytes) = hash_input(folder.path()).expect("readable");
        let before = FileEntry { file: "set".to_owned(), bytes, sha256 };
        assert_eq!(change(folder.path(), &before, Some(SystemTime::UNIX_EPOCH)).expect("readable"), None);
        std::fs::write(&file, "two2").expect("a small file");
        let changed = change(folder.path(), &before, Some(SystemTime::UNIX_EPOCH)).expect("readable");
        assert_eq!(
            changed.as_deref(),
            Some("an earlier state of input set (3 bytes then, 4 now): a.cif is newer")
        );
    }
}
