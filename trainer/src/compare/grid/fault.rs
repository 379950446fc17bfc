//! Invalid values of grids.

/// An invalid value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The dotted key.
    pub(super) key: String,
    /// The value.
    pub(super) value: String,
    /// A description of the allowed values.
    pub(super) needed: String,
}

impl Fault {
    /// Creates the fault of a key.
    pub(super) fn new(key: impl Into<String>, value: impl ToString, needed: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.to_string(), needed: needed.into() }
    }
}
