//! Identifiers of crystals.

use super::RecordError;
use crate::reject::MAX_TEXT_BYTES;

/// Returns the error of a name that is too long, given its size in bytes.
pub(crate) fn too_long(what: &str, bytes: usize) -> RecordError {
    RecordError::Identifier(format!("{what} has {bytes} bytes, {MAX_TEXT_BYTES} at most"))
}

/// Checks that an identifier can name a row of a store: it is not empty, not longer than a path and has no control
/// characters.
///
/// # Errors
/// Returns [`RecordError::Identifier`] if it cannot.
pub(crate) fn check_identifier(text: &str) -> Result<(), RecordError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(too_long("the identifier", text.len()));
    }
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(RecordError::Identifier(format!("{text:?}")));
    }
    Ok(())
}
