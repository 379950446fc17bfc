//! Places of settings, for error messages.

use std::fmt;
use std::path::PathBuf;

/// Place where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file. Line and column are counted from 1; columns count characters.
    File {
        /// The file.
        path: PathBuf,
        /// Line of the key.
        line: usize,
        /// Column of the key.
        column: usize,
    },
    /// An override, by the name that its caller gave it.
    Override(&'static str),
    /// A file, of which the line is not known.
    Text(PathBuf),
    /// The recipe of a task.
    Preset,
    /// No place: a default, or a value set by the program.
    Program,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line, column } => write!(formatter, "{}:{line}:{column}", path.display()),
            Place::Override(name) => formatter.write_str(name),
            Place::Text(path) => write!(formatter, "{}", path.display()),
            Place::Preset => formatter.write_str("the task's recipe"),
            Place::Program => formatter.write_str("configuration"),
        }
    }
}
