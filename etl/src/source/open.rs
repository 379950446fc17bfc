//! Opening a source by its kind.

use std::fmt;
use std::path::PathBuf;

use super::detect::check;
use super::kind::SourceKind;
use super::{OpenSource, SourceError, SourceOptions, structures};

/// How an input is read whose source nobody named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// CIFs and POSCARs in files of their own, each by its name; label tables are left alone.
    Structures,
    /// All of it in one layout.
    Source(SourceKind),
}

impl InputKind {
    /// Opens the inputs of one kind, as [`open`] does.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(self, inputs: &[PathBuf], options: &SourceOptions) -> Result<OpenSource, SourceError> {
        match self {
            Self::Structures => structures::open(inputs, options),
            Self::Source(kind) => open(kind, inputs, options),
        }
    }
}

impl From<SourceKind> for InputKind {
    fn from(kind: SourceKind) -> Self {
        Self::Source(kind)
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structures => formatter.write_str("CIFs and POSCARs"),
            Self::Source(kind) => kind.fmt(formatter),
        }
    }
}

/// Opens the inputs of one kind; several are read one after another.
///
/// # Errors
/// [`SourceError`] where there is no input, one cannot be opened, or one is not in the kind's
/// layout but in that of another.
pub fn open(
    kind: SourceKind,
    inputs: &[PathBuf],
    options: &SourceOptions,
) -> Result<OpenSource, SourceError> {
    if inputs.is_empty() {
        return Err(SourceError::NoInput);
    }
    inputs.iter().try_for_each(|path| check(kind, path))?;
    let name = options.name.as_deref().unwrap_or(kind.name());
    (kind.definition().open)(inputs, options, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_input_is_an_error() {
        for kind in SourceKind::ALL {
            assert!(matches!(open(kind, &[], &SourceOptions::default()), Err(SourceError::NoInput)));
        }
    }

    #[test]
    fn a_missing_input_is_named() {
        let path = PathBuf::from("/no/such/input.json");
        for kind in SourceKind::ALL {
            let error = open(kind, std::slice::from_ref(&path), &SourceOptions::default()).map(|_| ());
            let message = error.expect_err("missing").to_string();
            assert!(message.starts_with("/no/such/input.json: "), "{message}");
        }
    }
}
