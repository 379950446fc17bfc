//! What can be wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file; line and column count from 1, columns in characters.
    File {
        /// The file.
        path: PathBuf,
        /// Line of the key.
        line: usize,
        /// Column of the key.
        column: usize,
    },
    /// On the command line, as `--set key=value`.
    Argument,
    /// On the command line, by an option of its own.
    Flag(&'static str),
    /// In the recipe of a task.
    Preset,
    /// Nowhere in particular: a default, or set by the program.
    Program,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line, column } => write!(formatter, "{}:{line}:{column}", path.display()),
            Place::Argument => formatter.write_str("--set"),
            Place::Flag(flag) => formatter.write_str(flag),
            Place::Preset => formatter.write_str("the task's recipe"),
            Place::Program => formatter.write_str("configuration"),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// Where reading stopped.
        place: Place,
        /// What the parser says.
        message: String,
    },
    /// There is no such key.
    #[error("{place}: unknown key '{key}'{}", suggest(suggestion.as_deref()))]
    UnknownKey {
        /// Where it was given.
        place: Place,
        /// The dotted key.
        key: String,
        /// The most similar known key, if one is similar.
        suggestion: Option<String>,
    },
    /// The key had this name in earlier versions.
    #[error("{place}: '{key}' is now '{now}'")]
    Moved {
        /// Where it was given.
        place: Place,
        /// The dotted key of earlier versions.
        key: String,
        /// Today's.
        now: String,
    },
    /// The value has the wrong type or is none of the words allowed.
    #[error("{place}: {key} = {value}: {message}")]
    Value {
        /// Where it was given.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value as it was written.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// The value is of the right type, but cannot be used.
    #[error("{place}: {key} = {value}: must be {needed}")]
    Range {
        /// Where it was given.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value.
        value: String,
        /// What it would have to be.
        needed: String,
    },
    /// An override without an equals sign.
    #[error("--set {text}: must be key=value, as in --set optimiser.learning_rate=1e-3")]
    Assignment {
        /// The argument.
        text: String,
    },
}

/// The end of a message about an unknown key.
fn suggest(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(
        || "; `trainer config` prints all keys".to_owned(),
        |key| format!("; did you mean '{key}'?"),
    )
}
