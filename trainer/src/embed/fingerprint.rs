//! What tells the shards of a table of embeddings from others.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsStr;
use std::path::Path;

use schemas::StoreError;
use schemas::hash::{file_sha256, sha256};
use schemas::layout::StorePaths;
use schemas::manifest::Manifest;

use crate::data::{DataError, Sources};

/// Returns the SHA-256 of the shards' SHA-256 in hexadecimal, a line each, in the order of the shards. Names and folders make
/// no difference.
///
/// The manifests have them, and [`Sources::resolve`] has checked the shards against those; shards without a manifest are read.
///
/// # Errors
/// [`DataError`] for a manifest or a shard that cannot be read.
pub(crate) fn fingerprint(sources: &Sources) -> Result<String, DataError> {
    let mut manifests: BTreeMap<&Path, Option<Manifest>> = BTreeMap::new();
    let mut lines = String::new();
    for shard in sources.shards() {
        let folder = shard.path.parent().unwrap_or(Path::new(""));
        if let Entry::Vacant(vacant) = manifests.entry(folder) {
            let is_store = StorePaths::find(folder).is_finished();
            vacant.insert(is_store.then(|| Manifest::read(folder)).transpose()?);
        }
        let manifest = manifests.get(folder).and_then(Option::as_ref);
        let listed = manifest.and_then(|manifest| {
            manifest.shards.iter().find(|entry| Some(OsStr::new(&entry.file)) == shard.path.file_name())
        });
        match listed {
            Some(entry) => lines.push_str(&entry.sha256),
            None => lines.push_str(&file_sha256(&shard.path).map_err(StoreError::io(&shard.path))?.0),
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
        fingerprint(&Sources::resolve(&arguments, None).expect("shards")).expect("readable")
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
