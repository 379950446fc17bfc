//! Values that the definition of a task cannot have.

use super::TaskError;
use crate::config::place::Place;

/// A value out of its range. It is displayed as `key = 'value': must be <needed>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The dotted key.
    pub(super) key: &'static str,
    /// The value.
    pub(super) value: String,
    /// A description of the allowed values.
    pub(super) needed: String,
}

impl Fault {
    pub(super) fn new(key: &'static str, value: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { key, value: value.into(), needed: needed.into() }
    }

    /// Returns the error for a value at a place.
    pub(super) fn at(self, place: Place) -> TaskError {
        let Self { key, value, needed } = self;
        TaskError::Value { place, key, value, needed: needed.into() }
    }
}
