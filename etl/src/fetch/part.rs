//! An unfinished download: `<name>.part`, with its address and version in `<name>.part.json`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FetchError;
use super::verify::{refuse_link, write_json};
use crate::{atomic, no_follow};

/// The address and version of the file that the bytes on disk belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartState {
    /// Address of the request, before any redirect.
    pub(super) url: String,
    /// Strong entity tag (RFC 9110, section 8.8.3) of the version.
    pub(super) etag: Option<String>,
    /// Modification date of the version as sent by the server. It is used if there is no entity tag.
    pub(super) last_modified: Option<String>,
    /// Size of the complete file in bytes, if the server stated it.
    pub(super) total: Option<u64>,
}

impl PartState {
    /// Returns the value for `If-Range`. With it a server sends the rest only if the version is the same.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }
}

/// An unfinished download on disk.
#[derive(Debug)]
pub(super) struct Part {
    /// Path of the finished file.
    target: PathBuf,
    /// Path of the unfinished file.
    path: PathBuf,
    file: File,
    /// Number of bytes on disk.
    length: u64,
    /// Number of these bytes that are from an earlier run.
    inherited: u64,
    /// Whether the bytes are from more than one response.
    joined: bool,
    state: PartState,
}

impl Part {
    /// Opens the part of `target`. It is empty unless an earlier run left one for the same address.
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

    /// Returns the number of bytes on disk.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the number of bytes from an earlier run that are still part of the file.
    pub(super) fn inherited(&self) -> u64 {
        self.inherited
    }

    /// Whether the bytes are from more than one response, so that joining them may have gone wrong.
    pub(super) fn joined(&self) -> bool {
        self.joined || self.inherited > 0
    }

    /// Records that the next bytes are from another response.
    pub(super) fn join(&mut self) {
        self.joined = true;
    }

    /// Returns the path of the unfinished file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the known properties of the version that the bytes belong to.
    pub(super) fn state(&self) -> &PartState {
        &self.state
    }

    /// Discards all bytes and the version.
    pub(super) fn restart(&mut self) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(FetchError::io("truncate", &self.path))?;
        (self.length, self.inherited, self.joined) = (0, 0, false);
        self.state = PartState { url: std::mem::take(&mut self.state.url), ..PartState::default() };
        Ok(())
    }

    /// Stores the version before its first byte is written.
    pub(super) fn remember(&mut self, state: PartState) -> Result<(), FetchError> {
        write_json(&Self::state_path_of(&self.target), &state)?;
        self.state = state;
        Ok(())
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        io::Write::write_all(&mut self.file, bytes).map_err(FetchError::io("write", &self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Renames the finished file to its final name, atomically within the folder.
    pub(super) fn finish(self) -> Result<(), FetchError> {
        self.file.sync_all().map_err(FetchError::io("write", &self.path))?;
        fs::rename(&self.path, &self.target).map_err(FetchError::io("rename to", &self.target))?;
        atomic::sync_folder(&self.target);
        remove_if_there(&Self::state_path_of(&self.target))
    }

    /// Deletes the received bytes, because they are not those of the wanted file.
    pub(super) fn discard(self) -> Result<(), FetchError> {
        remove_if_there(&self.path)?;
        remove_if_there(&Self::state_path_of(&self.target))
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
