//! In place of the reader of Parquet tables: none.

use std::path::PathBuf;

use super::{OpenSource, SourceError, SourceOptions};

/// First bytes of a Parquet file.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Refuses the tables.
///
/// # Errors
/// [`SourceError::Layout`], always.
pub(super) fn open(inputs: &[PathBuf], _: &SourceOptions, _: &str) -> Result<OpenSource, SourceError> {
    let shown = inputs.first().map(|path| path.to_string_lossy()).unwrap_or_default();
    Err(SourceError::layout(&shown, "a Parquet table is not read here"))
}
