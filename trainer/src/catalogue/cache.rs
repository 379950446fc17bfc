//! The user's copies of published weights.
//!
//! A copy is `NAME-<first digits of the SHA-256>.safetensors`, so that versions of weights lie beside each other. It is
//! compared with its SHA-256 before every use, and fetched again if it differs. A copy that is whole is used without
//! writing anything, also from a folder that cannot be written to.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use etl::fetch::{FetchProgress, KnownFile, Place, RetryPolicy, fetch_known};
use schemas::hash::file_sha256;
use schemas::lock;

use super::entry::{Entry, Origin};
use super::error::CatalogueError;
use crate::atomic;

/// Environment variable with the folder of copies of all kinds, instead of one in the user's cache.
pub const CACHE_VARIABLE: &str = "CRYSTAL_MMPT_CACHE";
/// Environment variable with the user's cache (XDG base directories).
const USER_VARIABLE: &str = "XDG_CACHE_HOME";
/// Environment variable with the user's home, whose cache is in [`HOME_CACHE`].
const HOME_VARIABLE: &str = "HOME";
/// The user's cache in their home.
const HOME_CACHE: &str = ".cache";
/// Our folder in the user's cache.
const OWN_FOLDER: &str = "crystal-mmpt";
/// Folder of weights in our folder and in a mirror.
const WEIGHTS_FOLDER: &str = "weights";
/// Ending of weights files.
const ENDING: &str = "safetensors";
/// Number of digits of the SHA-256 in the name of a copy.
const NAME_DIGITS: usize = 12;
/// Time between two attempts to lock the folder.
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// A folder with copies of published weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
}

/// State of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Absent,
    /// It is the published file.
    Whole,
    /// It differs from the published file. The text says how, such as `it has 4 bytes of 7`.
    Damaged(String),
}

impl Cache {
    /// Returns the user's folder: `weights` in the folder of [`CACHE_VARIABLE`] or, without it, in
    /// `$XDG_CACHE_HOME/crystal-mmpt` or `~/.cache/crystal-mmpt`. It need not exist.
    ///
    /// # Errors
    /// [`CatalogueError::NoCache`] if none of these variables names a folder. Relative paths in `XDG_CACHE_HOME` and `HOME`
    /// do not count.
    pub fn of_user() -> Result<Self, CatalogueError> {
        Self::by(|variable| std::env::var_os(variable))
    }

    /// Returns the folder by the values of variables.
    fn by(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, CatalogueError> {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // XDG has relative paths ignored.
        let absolute = |name: &str| path(name).filter(|path| path.is_absolute());
        let folder = path(CACHE_VARIABLE)
            .or_else(|| Some(absolute(USER_VARIABLE)?.join(OWN_FOLDER)))
            .or_else(|| Some(absolute(HOME_VARIABLE)?.join(HOME_CACHE).join(OWN_FOLDER)));
        let variables = vec![CACHE_VARIABLE, USER_VARIABLE, HOME_VARIABLE];
        let folder = folder.ok_or(CatalogueError::NoCache { variables })?;
        Ok(Self { folder: folder.join(WEIGHTS_FOLDER) })
    }

    /// Returns the path of a copy.
    pub fn path(&self, entry: &Entry) -> PathBuf {
        let digits: String = entry.sha256.chars().take(NAME_DIGITS).collect();
        self.folder.join(format!("{}-{digits}.{ENDING}", entry.name))
    }

    /// Compares a copy with its size and SHA-256.
    ///
    /// # Errors
    /// [`CatalogueError::InTheWay`] if its path is a folder, a special file (a device, a pipe) or a link to another file;
    /// [`CatalogueError::Io`] if it cannot be read.
    pub fn state(&self, entry: &Entry) -> Result<State, CatalogueError> {
        let path = self.path(entry);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::Absent),
            Err(error) => return Err(CatalogueError::io("read", path)(error)),
        };
        let is_link = metadata.is_symlink();
        if !is_link && !metadata.is_file() {
            let what = if metadata.is_dir() { "a folder" } else { "a special file" };
            return Err(CatalogueError::InTheWay { path, what });
        }
        // A link to the published file is as good as the file.
        let found = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() && metadata.len() == entry.bytes => {
                let (sha256, _) = file_sha256(&path).map_err(CatalogueError::io("read", &path))?;
                if sha256 == entry.sha256 {
                    return Ok(State::Whole);
                }
                format!("its SHA-256 is {sha256}, not {}", entry.sha256)
            }
            Ok(metadata) => format!("it has {} bytes of {}", metadata.len(), entry.bytes),
            Err(_) if is_link => String::new(),
            Err(error) => return Err(CatalogueError::io("read", path)(error)),
        };
        if is_link {
            return Err(CatalogueError::InTheWay { path, what: "a symbolic link to another file" });
        }
        Ok(State::Damaged(found))
    }

    /// Returns the path of a copy that is whole, and fetches it unless it is there.
    ///
    /// Weights at an address come from `place`; those of the program are written from it. Of several processes one fetches
    /// and the others wait. A process that is killed leaves no copy, but at most a part of a download that the next one
    /// goes on with.
    ///
    /// # Errors
    /// Those of [`state`](Self::state), [`CatalogueError::Fetch`], and [`CatalogueError::Io`] if the folder cannot be
    /// written to.
    pub fn get(
        &self,
        entry: &Entry,
        place: &Place,
        progress: &mut dyn FetchProgress,
    ) -> Result<PathBuf, CatalogueError> {
        let path = self.path(entry);
        if self.state(entry)? == State::Whole {
            return Ok(path);
        }
        fs::create_dir_all(&self.folder).map_err(CatalogueError::io("create", &self.folder))?;
        let _lock = self.lock(progress)?;
        match self.state(entry)? {
            // Another process has fetched it.
            State::Whole => return Ok(path),
            State::Damaged(found) => {
                progress.note(&format!("{} is damaged, {found}; it is fetched again", path.display()));
            }
            State::Absent => {}
        }
        match &entry.origin {
            Origin::Program(content) => {
                atomic::remove_partial(&self.folder).map_err(CatalogueError::io("clear", &self.folder))?;
                atomic::write(&path, |out| out.write_all(content))
                    .map_err(CatalogueError::io("write", &path))?;
            }
            Origin::Address(url) => fetch(entry, url, place, &path, progress)?,
        }
        Ok(path)
    }

    /// Locks the folder against other processes until the returned file is dropped.
    fn lock(&self, progress: &mut dyn FetchProgress) -> Result<File, CatalogueError> {
        let mut is_waiting = false;
        loop {
            let held = lock::take(&self.folder).map_err(CatalogueError::io("lock", &self.folder))?;
            if let Some(file) = held {
                return Ok(file);
            }
            if !is_waiting {
                progress.note(&format!("waiting for another process in {}", self.folder.display()));
                is_waiting = true;
            }
            thread::sleep(LOCK_WAIT);
        }
    }
}

/// Fetches the file of an entry from its address or a mirror.
fn fetch(
    entry: &Entry,
    url: &str,
    place: &Place,
    path: &Path,
    progress: &mut dyn FetchProgress,
) -> Result<(), CatalogueError> {
    let name = format!("{WEIGHTS_FOLDER}/{}.{ENDING}", entry.name);
    let file = KnownFile { name: &name, url, bytes: entry.bytes, sha256: &entry.sha256 };
    match fetch_known(&file, place, path, &RetryPolicy::default(), progress) {
        Ok(_) => Ok(()),
        Err(source) => Err(CatalogueError::Fetch { name: entry.name.clone(), source }),
    }
}

#[cfg(test)]
mod tests;
