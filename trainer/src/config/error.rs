//! Errors of configurations, with the place of the faulty setting.

use std::path::PathBuf;

use super::place::Place;
use super::purpose::Purpose;

/// An error in a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// Position at which parsing stopped.
        place: Place,
        /// Message of the parser.
        message: String,
    },
    /// The key does not exist.
    #[error("{place}: unknown key '{key}'{}", suggest(suggestion.as_deref()))]
    UnknownKey {
        /// Place of the key.
        place: Place,
        /// The dotted key.
        key: String,
        /// The most similar known key, if there is one.
        suggestion: Option<String>,
    },
    /// The key was renamed since an earlier version.
    #[error("{place}: '{key}' is now '{now}'")]
    Moved {
        /// Place of the key.
        place: Place,
        /// The old dotted key.
        key: String,
        /// The current dotted key.
        now: String,
    },
    /// The value has the wrong type, or is not one of the allowed words.
    #[error("{place}: {key} = {value}: {message}")]
    Value {
        /// Place of the key.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value as it was written.
        value: String,
        /// A description of the fault.
        message: String,
    },
    /// The value is out of range.
    #[error("{place}: {key} = {value}: must be {needed}")]
    Range {
        /// Place of the key.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value.
        value: String,
        /// A description of the allowed values.
        needed: String,
    },
    /// The command line sets a key that the command does not use.
    #[error("{place}: {key} = {value}: has no effect on {purpose}")]
    WithoutEffect {
        /// Place of the key.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value as it was written.
        value: String,
        /// What the configuration is used for.
        purpose: Purpose,
    },
    /// The command line sets a key that has no effect beside another setting.
    #[error("{place}: {key} = {value}: has no effect with {other}")]
    Hindered {
        /// Place of the key.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value as it was written.
        value: String,
        /// The other setting, as `key = value`.
        other: String,
    },
    /// A key is given different values in two ways, of which none is above the other.
    #[error("{place}: {key} = {value}: {other} says {found}")]
    Contradiction {
        /// Place of the key.
        place: Place,
        /// The dotted key.
        key: String,
        /// The value as it was written.
        value: String,
        /// Name of the other override.
        other: &'static str,
        /// Its value.
        found: Box<str>,
    },
    /// An override lacks an equals sign.
    #[error("{name} {text}: must be key=value, as in optimiser.learning_rate=1e-3")]
    Assignment {
        /// Name of the override.
        name: &'static str,
        /// The override.
        text: String,
    },
}

impl ConfigError {
    /// Returns the error with another place, for a key that was given as an override. `place` returns it.
    pub(crate) fn relocated(mut self, place: impl FnOnce(&str) -> Option<Place>) -> Self {
        let (Self::UnknownKey { place: old, key, .. }
        | Self::Moved { place: old, key, .. }
        | Self::Value { place: old, key, .. }
        | Self::Range { place: old, key, .. }
        | Self::WithoutEffect { place: old, key, .. }
        | Self::Hindered { place: old, key, .. }
        | Self::Contradiction { place: old, key, .. }) = &mut self
        else {
            return self;
        };
        if matches!(old, Place::Override(_))
            && let Some(place) = place(key)
        {
            *old = place;
        }
        self
    }

    /// Returns the place of the key.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Read { .. } | Self::Assignment { .. } => None,
            Self::Syntax { place, .. }
            | Self::UnknownKey { place, .. }
            | Self::Moved { place, .. }
            | Self::Value { place, .. }
            | Self::Range { place, .. }
            | Self::WithoutEffect { place, .. }
            | Self::Hindered { place, .. }
            | Self::Contradiction { place, .. } => Some(place),
        }
    }
}

/// Returns the end of a message about an unknown key.
fn suggest(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |key| format!("; did you mean '{key}'?"))
}
