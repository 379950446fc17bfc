//! Opening of sources.

use std::fmt;
use std::path::PathBuf;

use super::definition::Opening;
use super::detect::check;
use super::kind::SourceKind;
use super::records::open_records;
use super::{OpenSource, SourceError, SourceOptions, structures};

/// The kind of an input, as returned by [`detect`](fn@super::detect).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// CIFs and POSCARs in files of their own, recognised by their names. Label tables are ignored.
    Structures,
    /// A source of a single kind.
    Source(SourceKind),
}

impl InputKind {
    /// Opens inputs of this kind, see [`open`].
    ///
    /// # Errors
    /// Returns the errors of [`open`].
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

/// Opens inputs of one kind. Several inputs are read one after another.
///
/// # Errors
/// Returns a [`SourceError`] if there is no input, if one cannot be opened, or if one has the layout of another kind.
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
    match kind.definition().open {
        Opening::Records(layout) => open_records(layout, inputs, options, name),
        Opening::Own(open) => open(inputs, options, name),
    }
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
