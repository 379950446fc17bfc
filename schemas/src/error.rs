//! Why a store, a shard or a row cannot be used.

use std::error::Error;
use std::path::{Path, PathBuf};

use crate::settings::SettingsError;
use crate::text;

/// A store that cannot be read as one; every variant says where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No file or folder has this name.
    #[error("{}: no such file or folder", path.display())]
    Missing {
        /// The name given.
        path: PathBuf,
    },
    /// A folder with a store whose build was interrupted or is still running.
    #[error("{}: an unfinished store: repeat the command that builds it (etl build with --resume)", path.display())]
    Unfinished {
        /// The store's folder.
        path: PathBuf,
    },
    /// A file or folder that is no store.
    #[error("{}: not a finished store, it has no manifest.json", path.display())]
    NotAStore {
        /// The file or folder.
        path: PathBuf,
    },
    /// The file is no readable Parquet file: cut short, overwritten, or something else.
    #[error("{}: not a readable Parquet file: {message}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet reader said.
        message: String,
    },
    /// The file is not the one that was written.
    #[error("{}: damaged, {what} instead of {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it is like now.
        what: String,
        /// What it was like when it was written.
        expected: String,
    },
    /// The file was written in another layout.
    #[error("{}: format version {found} instead of {expected}", path.display())]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// Version found.
        found: String,
        /// Version that this software reads.
        expected: u32,
    },
    /// The features were computed with other settings.
    #[error("{}: {source}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Which setting.
        source: SettingsError,
    },
    /// A column is missing or of another type.
    #[error("{}column '{column}' {problem}", prefix(path))]
    Column {
        /// The file, empty for a batch in memory.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A row contradicts itself.
    #[error("{}crystal '{material_id}': {problem}", prefix(path))]
    Row {
        /// The file, empty for a batch in memory.
        path: PathBuf,
        /// Which crystal.
        material_id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The manifest cannot be read.
    #[error("{}: line {line}, column {column}: {message}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line of the fault, counted from 1.
        line: usize,
        /// Column of the fault, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

/// A path at the beginning of a message, nothing for an empty one.
fn prefix(path: &Path) -> String {
    if path.as_os_str().is_empty() { String::new() } else { format!("{}: ", path.display()) }
}

impl StoreError {
    /// Wraps an I/O error with its path.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| StoreError::Io { path, source }
    }
}

/// An error with its causes in one line. A cause that the text before it ends in is not said again: most
/// errors quote theirs. What is hidden in texts of files is written by its code, and long ones are cut, see
/// [`text::message`].
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
