//! The beginning of a JSON document, and the keys of the objects in it.

use std::io::Read;
use std::path::Path;

use super::SourceError;
use super::document::open_document;
use super::input::Progress;
use super::json::{Cursor, JsonError};
use super::packing::JSON_ENDINGS;

/// Number of bytes that are examined: the first entry or a good part of it.
const START_BYTES: u64 = 64 << 10;

/// Returns the beginning of a document.
///
/// # Errors
/// Returns a [`SourceError`] if it cannot be read.
pub(super) fn start_of(path: &Path) -> Result<Vec<u8>, SourceError> {
    let document = open_document(path, &JSON_ENDINGS, &Progress::default())?;
    let mut start = Vec::new();
    let read = document.stream.take(START_BYTES).read_to_end(&mut start);
    read.map_err(|source| SourceError::read(&document.file, source))?;
    Ok(start)
}

/// The keys of an object, and whether they are complete. If so, the cursor is after the object.
pub(super) struct Keys {
    /// The keys.
    pub(super) names: Vec<String>,
    /// The first byte of the value of each.
    pub(super) values: Vec<Option<u8>>,
    /// Whether the object ends in the available bytes.
    pub(super) complete: bool,
}

impl Keys {
    /// Reads the keys in the available bytes.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Self {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        let mut read = || -> Result<(), JsonError> {
            cursor.expect(b'{', "an object")?;
            let mut first = true;
            while let Some(key) = cursor.next_key(&mut first)? {
                names.push(key.text().into_owned());
                values.push(cursor.peek());
                cursor.skip()?;
            }
            Ok(())
        };
        let complete = read().is_ok();
        Self { names, values, complete }
    }

    /// Whether there is a key.
    pub(super) fn have(&self, key: &str) -> bool {
        self.names.iter().any(|name| name == key)
    }

    /// Whether there is a key whose value is an object, or an array where `open` is `[`.
    pub(super) fn have_value(&self, key: &str, open: u8) -> bool {
        self.names.iter().zip(&self.values).any(|(name, value)| name == key && *value == Some(open))
    }

    /// Whether the first value of an object is an object.
    pub(super) fn first_is_object(mut cursor: Cursor<'_>) -> bool {
        first_value(&mut cursor).is_some() && cursor.peek() == Some(b'{')
    }
}

/// Moves to the first value of an object.
pub(super) fn first_value(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.expect(b'{', "an object").ok()?;
    cursor.next_key(&mut true).ok()??;
    Some(())
}
