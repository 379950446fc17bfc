//! Copying of published files from a mirror folder, for machines without a network.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use schemas::hash::HashingWriter;
use schemas::output::folder_of;

use super::FetchError;
use super::catalogue::CatalogueFile;
use super::verify::{Digest, TEMPORARY_BEGINNING};
use crate::atomic::{publish, temporary_in};

/// A file of the catalogue in a mirror.
pub(super) struct Held {
    /// Path in the mirror.
    pub(super) path: PathBuf,
    /// Its name in the mirror.
    pub(super) name: &'static str,
}

/// Searches a file under its own name, and then under the other names that a mirror may use.
///
/// # Errors
/// Returns [`FetchError::NotInMirror`], which lists the names tried.
pub(super) fn find(mirror: &Path, file: &'static CatalogueFile) -> Result<Held, FetchError> {
    let folder = mirror.join(file.database.as_str());
    names(file)
        .map(|name| Held { path: folder.join(name), name })
        .find(|held| held.path.is_file())
        .ok_or_else(|| absent(file, folder.display().to_string()))
}

/// Returns all names of a file, its own name first.
pub(super) fn names(file: &'static CatalogueFile) -> impl Iterator<Item = &'static str> {
    std::iter::once(file.name).chain(file.mirror_names.iter().copied())
}

/// Returns the error for a mirror without the file.
pub(super) fn absent(file: &'static CatalogueFile, place: String) -> FetchError {
    FetchError::NotInMirror { place, names: names(file).collect::<Vec<_>>().join(", ") }
}

/// Copies a file atomically: `target` is never incomplete.
pub(super) fn copy(from: &Path, target: &Path) -> Result<Digest, FetchError> {
    let source = File::open(from).map_err(FetchError::io("open", from))?;
    copy_checked(source, target, |_| None)
}

/// Copies a file atomically, unless `refusal` returns an error for what was copied: `target` is then as it was.
pub(super) fn copy_checked(
    mut source: impl Read,
    target: &Path,
    refusal: impl FnOnce(&Digest) -> Option<FetchError>,
) -> Result<Digest, FetchError> {
    let folder = folder_of(target);
    let temporary =
        temporary_in(folder, TEMPORARY_BEGINNING).map_err(FetchError::io("create a file in", folder))?;
    let mut copy = HashingWriter::new(temporary);
    io::copy(&mut source, &mut copy).map_err(FetchError::io("copy to", target))?;
    let (copy, sha256, bytes) = copy.finish();
    let digest = Digest { bytes, sha256 };
    if let Some(error) = refusal(&digest) {
        return Err(error);
    }
    let (file, temporary) = copy.into_parts();
    publish(&file, temporary, target).map_err(FetchError::io("write", target))?;
    Ok(digest)
}
