//! The same files from a folder: for machines without a network.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use schemas::hash::HashingWriter;

use super::catalogue::CatalogueFile;
use super::verify::{self, Digest};
use super::{FetchError, part};

/// A file of the catalogue as a mirror holds it.
pub(super) struct Held {
    /// Where it lies in the mirror.
    pub(super) path: PathBuf,
    /// The name it goes by there.
    pub(super) name: &'static str,
}

/// Looks for a file under its own name, then under the other names a mirror may use.
///
/// # Errors
/// [`FetchError::NotInMirror`], with all names tried.
pub(super) fn find(mirror: &Path, file: &'static CatalogueFile) -> Result<Held, FetchError> {
    let folder = mirror.join(file.database.as_str());
    names(file)
        .map(|name| Held { path: folder.join(name), name })
        .find(|held| held.path.is_file())
        .ok_or_else(|| absent(file, folder.display().to_string()))
}

/// All names of a file, its own first.
pub(super) fn names(file: &'static CatalogueFile) -> impl Iterator<Item = &'static str> {
    std::iter::once(file.name).chain(file.mirror_names.iter().copied())
}

/// The error for a place that has the file under none of its names.
pub(super) fn absent(file: &'static CatalogueFile, place: String) -> FetchError {
    FetchError::NotInMirror { place, names: names(file).collect::<Vec<_>>().join(", ") }
}

/// Copies a file so that `target` is either the old or the new one, never half of it.
pub(super) fn copy(from: &Path, target: &Path) -> Result<Digest, FetchError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut source = File::open(from).map_err(FetchError::io("open", from))?;
    let mut copy = HashingWriter::new(verify::temporary_in(folder)?);
    io::copy(&mut source, &mut copy).map_err(FetchError::io("copy to", target))?;
    let (copy, sha256, bytes) = copy.finish();
    copy.as_file().sync_all().map_err(FetchError::io("write", target))?;
    copy.persist(target).map_err(|error| FetchError::io("rename to", target)(error.error))?;
    part::sync_folder(target);
    Ok(Digest { bytes, sha256 })
}
