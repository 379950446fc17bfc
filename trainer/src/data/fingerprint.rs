//! One hash of several shards, which tells whether they have changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use schemas::StoreError;
use schemas::hash::{file_sha256, sha256};
use schemas::layout::StorePaths;
use schemas::manifest::Manifest;

use crate::data::error::DataError;
use crate::data::store::{self, Sources};

/// Returns the SHA-256 of the shards' SHA-256 in hexadecimal, a line each, in the order of the shards. Names and folders make
/// no difference.
///
/// The manifests have them, and [`Sources::resolve`] has checked the shards against those; shards without a manifest are read.
///
/// # Errors
/// [`DataError`] for a manifest or a shard that cannot be read.
pub(crate) fn fingerprint(sources: &Sources) -> Result<String, DataError> {
    of_files(sources.shards().iter().map(|shard| shard.path.as_path()))
}

/// Returns the [`fingerprint`] of the shards that arguments name. They are not checked against their manifests.
///
/// # Errors
/// [`DataError`] for an argument that names nothing, and for a manifest or a shard that cannot be read.
pub(crate) fn fingerprint_of(arguments: &[String]) -> Result<String, DataError> {
    let files = store::files(arguments)?;
    of_files(files.iter().map(PathBuf::as_path))
}

/// Returns the fingerprint of shards in this order.
fn of_files<'a>(files: impl Iterator<Item = &'a Path>) -> Result<String, DataError> {
    let mut manifests: BTreeMap<&Path, Option<Manifest>> = BTreeMap::new();
    let mut lines = String::new();
    for file in files {
        let folder = file.parent().unwrap_or(Path::new(""));
        if let Entry::Vacant(vacant) = manifests.entry(folder) {
            let is_store = StorePaths::find(folder).is_finished();
            vacant.insert(is_store.then(|| Manifest::read(folder)).transpose()?);
        }
        let manifest = manifests.get(folder).and_then(Option::as_ref);
        let listed = manifest.and_then(|manifest| {
            manifest.shards.iter().find(|entry| Some(OsStr::new(&entry.file)) == file.file_name())
        });
        match listed {
            Some(entry) => lines.push_str(&entry.sha256),
            None => lines.push_str(&file_sha256(file).map_err(StoreError::io(file))?.0),
        }
        lines.push('\n');
    }
    Ok(sha256(lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::test_store::{chains, write_store};

    fn of(shards: &[&Path]) -> String {
        let arguments: Vec<String> = shards.iter().map(|path| path.display().to_string()).collect();
        let fingerprint =
            fingerprint(&Sources::resolve(&arguments, None).expect("shards")).expect("readable");
        assert_eq!(fingerprint_of(&arguments).expect("readable"), fingerprint);
        fingerprint
    }

    #[test]
    fn the_fingerprint_is_that_of_contents_in_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [one, two, alone] = ["one", "two", "alone"].map(|name| folder.path().join(name));
        let shards = write_store(&one, "first", &chains(5), 3, 2);
        write_store(&two, "second", &chains(5), 3, 2);
        assert_eq!(of(&[&one]), of(&[&two]), "names make no difference");
        assert_eq!(of(&[&shards[0], &shards[1]]), of(&[&one]));
        assert_ne!(of(&[&shards[0]]), of(&[&one]));
        assert_ne!(of(&[&shards[1]]), of(&[&shards[0]]));
        let lines: String =
            shards.iter().map(|shard| file_sha256(shard).expect("a shard").0 + "\n").collect();
        assert_eq!(of(&[&one]), sha256(lines));
        std::fs::create_dir(&alone).expect("a writable folder");
        for (shard, name) in shards.iter().zip(["a.parquet", "b.parquet"]) {
            std::fs::copy(shard, alone.join(name)).expect("a copy");
        }
        assert_eq!(
            of(&[&alone.join("a.parquet"), &alone.join("b.parquet")]),
            of(&[&one]),
            "without a manifest the files are read"
        );
        let mut rows = chains(5);
        rows[4].gap = Some(1e3);
        write_store(&two, "second", &rows, 3, 2);
        assert_ne!(of(&[&one]), of(&[&two]));
    }
}
