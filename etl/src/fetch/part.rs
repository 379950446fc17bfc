//! The unfinished file: `<name>.part`, and `<name>.part.json` that says of what it is a part.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FetchError;
use super::verify::{refuse_link, write_json};
use crate::no_follow;

/// Of which version of which address the bytes on disk are the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartState {
    /// Address asked for, before any redirect.
    pub(super) url: String,
    /// Strong entity tag (RFC 9110, section 8.8.3) of the version.
    pub(super) etag: Option<String>,
    /// Modification date of the version as the server wrote it; used where there is no tag.
    pub(super) last_modified: Option<String>,
    /// Length of the whole file in bytes, where the server said so.
    pub(super) total: Option<u64>,
}

impl PartState {
    /// The value for `If-Range`: with it a server sends the rest only of the same version.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }
}

/// The unfinished file on disk.
#[derive(Debug)]
pub(super) struct Part {
    /// Path of the finished file.
    target: PathBuf,
    /// Path of the bytes.
    path: PathBuf,
    file: File,
    /// Bytes on disk.
    length: u64,
    /// Bytes of them that an earlier run had left.
    inherited: u64,
    /// Whether the bytes came in more than one answer.
    joined: bool,
    state: PartState,
}

impl Part {
    /// Opens the part of `target`, empty unless an earlier run left one of the same address.
    pub(super) fn open(target: &Path, url: &str) -> Result<Self, FetchError> {
        let path = Self::path_of(target);
        refuse_link(&Self::state_path_of(target))?;
        let file = no_follow::open(OpenOptions::new().create(true).append(true), &path)
            .map_err(FetchError::io("open", &path))?;
        let length = file.metadata().map_err(FetchError::io("read", &path))?.len();
        let state = fs::read(Self::state_path_of(target))
            .ok()
            .and_then(|text| serde_json::from_slice::<PartState>(&text).ok())
            .filter(|state| state.url == url);
        let known = state.is_some();
        let state = state.unwrap_or_else(|| PartState { url: url.to_owned(), ..PartState::default() });
        let mut part =
            Self { target: target.to_owned(), path, file, length, inherited: length, joined: false, state };
        if !known && part.length > 0 {
            part.restart()?;
        }
        Ok(part)
    }

    fn path_of(target: &Path) -> PathBuf {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        target.with_file_name(format!("{name}.part"))
    }

    fn state_path_of(target: &Path) -> PathBuf {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        target.with_file_name(format!("{name}.part.json"))
    }

    /// Bytes on disk.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that an earlier run had left and that are still part of the file.
    pub(super) fn inherited(&self) -> u64 {
        self.inherited
    }

    /// Whether the bytes came in more than one answer, so that joining may have spoilt them.
    pub(super) fn joined(&self) -> bool {
        self.joined || self.inherited > 0
    }

    /// Says that the next bytes come from an answer of their own.
    pub(super) fn join(&mut self) {
        self.joined = true;
    }

    /// Path of the unfinished file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of the version the bytes belong to.
    pub(super) fn state(&self) -> &PartState {
        &self.state
    }

    /// Forgets all bytes and the version.
    pub(super) fn restart(&mut self) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(FetchError::io("truncate", &self.path))?;
        (self.length, self.inherited, self.joined) = (0, 0, false);
        self.state = PartState { url: std::mem::take(&mut self.state.url), ..PartState::default() };
        Ok(())
    }

    /// Remembers the version before its first byte is written.
    pub(super) fn remember(&mut self, state: PartState) -> Result<(), FetchError> {
        write_json(&Self::state_path_of(&self.target), &state)?;
        self.state = state;
        Ok(())
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        io::Write::write_all(&mut self.file, bytes).map_err(FetchError::io("write", &self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Gives the finished file its name: an atomic rename within the folder.
    pub(super) fn finish(self) -> Result<(), FetchError> {
        self.file.sync_all().map_err(FetchError::io("write", &self.path))?;
        fs::rename(&self.path, &self.target).map_err(FetchError::io("rename to", &self.target))?;
        sync_folder(&self.target);
        remove_if_there(&Self::state_path_of(&self.target))
    }

    /// Removes what was received: it is not the file wanted.
    pub(super) fn discard(self) -> Result<(), FetchError> {
        remove_if_there(&self.path)?;
        remove_if_there(&Self::state_path_of(&self.target))
    }
}

/// Makes a rename outlive a power cut, where the system lets a folder be synced.
pub(super) fn sync_folder(target: &Path) {
    if let Some(folder) = target.parent()
        && let Ok(folder) = File::open(folder)
    {
        // Some file systems refuse this for folders; the rename itself has succeeded.
        let _ = folder.sync_all();
    }
}

fn remove_if_there(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FetchError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const URL: &str = "https://example.org/file";

    #[test]
    fn a_part_goes_on_only_for_the_same_address() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file.zip");
        let mut part = Part::open(&target, URL).unwrap();
        let state =
            PartState { url: URL.to_owned(), etag: Some("\"v1\"".to_owned()), ..PartState::default() };
        part.remember(state.clone()).unwrap();
        part.append(b"begin").unwrap();
        drop(part);
        let part = Part::open(&target, URL).unwrap();
        assert_eq!((part.length(), part.state()), (5, &state));
        drop(part);
        let part = Part::open(&target, "https://example.org/other").unwrap();
        assert_eq!((part.length(), part.state().validator()), (0, None));
    }

    #[test]
    fn a_part_without_a_readable_state_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file.zip");
        fs::write(folder.path().join("file.zip.part"), "of what?").unwrap();
        fs::write(folder.path().join("file.zip.part.json"), "[1,").unwrap();
        assert_eq!(Part::open(&target, URL).unwrap().length(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, victim) = (folder.path().join("file.zip"), folder.path().join("victim"));
        fs::write(&victim, "of others").unwrap();
        let part = folder.path().join("file.zip.part");
        for hard in [false, true] {
            if hard {
                fs::hard_link(&victim, &part).unwrap()
            } else {
                std::os::unix::fs::symlink(&victim, &part).unwrap()
            }
            let message = Part::open(&target, URL).unwrap_err().to_string();
            assert!(message.contains("file.zip.part"), "{message}");
            assert_eq!(fs::read(&victim).unwrap(), b"of others");
            fs::remove_file(&part).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_state_that_is_a_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (target, state) = (folder.path().join("file.zip"), folder.path().join("file.zip.part.json"));
        std::os::unix::fs::symlink("victim", &state).unwrap();
        let message = Part::open(&target, URL).unwrap_err().to_string();
        assert!(message.contains("file.zip.part.json: a symbolic link"), "{message}");
        assert!(fs::symlink_metadata(&state).unwrap().is_symlink());
    }

    #[test]
    fn finishing_leaves_only_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file.zip");
        let mut part = Part::open(&target, URL).unwrap();
        part.remember(PartState { url: URL.to_owned(), ..PartState::default() }).unwrap();
        part.append(b"whole").unwrap();
        part.finish().unwrap();
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["file.zip"]);
        assert_eq!(fs::read(&target).unwrap(), b"whole");
    }
}
