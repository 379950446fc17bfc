//! Errors of stores, shards and rows.

use std::error::Error;
use std::path::{Path, PathBuf};

use crate::settings::SettingsError;
use crate::text;

/// An error of a store that cannot be read. Every variant names the file or folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// An input/output error of the operating system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file or folder does not exist.
    #[error("{}: no such file or folder", path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder holds a store whose build was interrupted or is still running.
    #[error("{}: an unfinished store", path.display())]
    Unfinished {
        /// The store's folder.
        path: PathBuf,
    },
    /// The file or folder is not a store, or was copied without its sidecar.
    #[error(
        "{}: not a finished store: {} is missing, and both folders belong together",
        path.display(), manifest.display()
    )]
    NotAStore {
        /// The file or folder.
        path: PathBuf,
        /// Where its manifest would be.
        manifest: PathBuf,
    },
    /// The folder, or that of the file, is the sidecar of a store and no store.
    #[error("{}: belongs to the store {}, which must be named instead", path.display(), store.display())]
    Sidecar {
        /// The sidecar, or a file in it.
        path: PathBuf,
        /// Folder of the store.
        store: PathBuf,
    },
    /// The file cannot be read as Parquet: it is truncated, overwritten or of another format.
    #[error("{}: not a readable Parquet file: {message}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The message of the Parquet reader.
        message: String,
    },
    /// The content of a file differs from what the manifest records.
    #[error("{}: damaged, {what} instead of {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The present size or hash.
        what: String,
        /// The recorded size or hash.
        expected: String,
    },
    /// The file has another version of the format.
    #[error("{}: format version {found} instead of {expected}", path.display())]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        found: String,
        /// The version that this library reads.
        expected: u32,
    },
    /// The features were computed with other settings, or the settings cannot be read.
    #[error("{}: {source}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// The setting and what is wrong with it.
        source: SettingsError,
    },
    /// A column is missing or has another type.
    #[error("{}column '{column}' {problem}", prefix(path))]
    Column {
        /// The file; empty for a batch in memory.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The values of a row are inconsistent.
    #[error("{}crystal '{material_id}': {problem}", prefix(path))]
    Row {
        /// The file; empty for a batch in memory.
        path: PathBuf,
        /// Identifier of the crystal.
        material_id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The manifest cannot be parsed.
    #[error("{}: line {line}, column {column}: {message}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line of the error, counted from 1.
        line: usize,
        /// Column of the error, counted from 1.
        column: usize,
        /// What is wrong with the manifest.
        message: String,
    },
}

/// Returns the path as the beginning of a message. An empty path gives an empty text.
fn prefix(path: &Path) -> String {
    if path.as_os_str().is_empty() { String::new() } else { format!("{}: ", path.display()) }
}

impl StoreError {
    /// Wraps an I/O error with its path.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| StoreError::Io { path, source }
    }

    /// Returns what is wrong without the path of the file, for errors that name the file themselves.
    pub fn problem(&self) -> String {
        match self {
            Self::Io { source, .. } => source.to_string(),
            Self::Parquet { message, .. } => message.clone(),
            Self::Column { column, problem, .. } => format!("column '{column}' {problem}"),
            other => other.to_string(),
        }
    }

    /// Sets the file of an error about a column.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Column { column, problem, .. } => Self::Column { path: path.to_owned(), column, problem },
            other => other,
        }
    }
}

/// Formats an error and its causes in one line. A cause is left out if the message before it already ends with it.
/// Hidden characters are escaped and long messages are shortened, see [`text::message`].
pub fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    text::message(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the store cannot be read")]
    struct Silent(#[source] StoreError);

    #[test]
    fn a_cause_is_said_once() {
        let error = StoreError::io("data/oqmd")(io::Error::other("no room"));
        assert_eq!(in_one_line(&error), "data/oqmd: no room");
        assert_eq!(in_one_line(&Silent(error)), "the store cannot be read: data/oqmd: no room");
        let odd = StoreError::Missing { path: "a\nb\u{1b}[2J\u{202e}".into() };
        let long = StoreError::io("x".repeat(200_000))(io::Error::other("no room"));
        let shown = in_one_line(&long);
        assert!(shown.len() < 5_000 && shown.ends_with("xx: no room"), "{shown}");
        assert_eq!(in_one_line(&odd), "a\\nb\\u{1b}[2J\\u{202e}: no such file or folder");
    }
}
