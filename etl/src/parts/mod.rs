//! `etl merge`: merging of the parts of a store.
//!
//! Every part is a store of its own, built by [`crate::pipeline`] or [`crate::worker`]. The merged store has the
//! shards of the parts, unchanged and in the order of the parts, one rejects table, and one manifest with the sums of
//! the counts.

mod agree;
mod error;
mod files;

use std::path::PathBuf;

use schemas::manifest::{Counts, Manifest, ShardEntry};
use schemas::name::shard_name;
use schemas::output;
use schemas::store::FIRST_FORMAT_VERSION;

pub use error::MergeError;

use crate::pipeline::BuildError;
use crate::pipeline::finish::seal;
use crate::pipeline::journal::RunIdentity;
use crate::pipeline::store::{Begin, Inputs, Interrupted, StoreFolder};
use agree::PartStore;

/// Option in the manifest of a merged store: the number of parts. The order of the rows holds within each part only.
pub const PARTS_OPTION: &str = "parts";

/// A request to merge parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// Folders of the parts, in any order.
    pub parts: Vec<PathBuf>,
    /// Folder of the merged store.
    pub store: PathBuf,
    /// Whether to replace a different finished store.
    pub force: bool,
}

/// The result of a merge.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeSummary {
    /// Manifest of the merged store.
    pub manifest: Manifest,
    /// Whether the same parts had been merged before, so that nothing was done.
    pub untouched: bool,
}

/// Merges all parts of a store.
///
/// The parts are verified against their manifests before anything is written. An interrupted merge leaves a store
/// without a manifest, and the next merge starts anew.
///
/// # Errors
/// Returns a [`MergeError`] if parts are missing, unfinished, damaged, given twice or built differently, or if the
/// store cannot be written.
pub fn merge(request: &MergeRequest) -> Result<MergeSummary, MergeError> {
    let parts = agree::read(&request.parts)?;
    output::require_apart(&request.store, &request.parts)?;
    let mut columns = files::SharedColumns::default();
    parts.iter().try_for_each(|part| files::verify(part, &mut columns))?;
    let Some(PartStore { manifest: first, .. }) = parts.first() else {
        return Err(MergeError::Gap { missing: vec![1], more: 0, count: 1 });
    };
    let counts = parts.iter().try_fold(Counts::default(), |sum, part| sum.checked_add(&part.manifest.counts));
    let counts = counts.ok_or(MergeError::TooMany)?;
    let run = identity(first, parts.len());
    let (sources, shards): (Vec<PathBuf>, Vec<ShardEntry>) = shards(&parts).unzip();
    let rejects = parts.iter().map(|part| part.paths.rejects());
    let read = request.parts.iter().chain(&sources).cloned().chain(rejects);
    output::require_outside_store(&request.store, read)?;
    let folder = StoreFolder::open(&request.store)?;
    if let Begin::Finished(manifest) =
        folder.begin(&run, Inputs::Known(&first.inputs), Interrupted::Refuse, request.force)?
    {
        if manifest.shards != shards {
            let difference = "shards of other parts".to_owned();
            return Err(BuildError::Finished { store: request.store.clone(), difference }.into());
        }
        return Ok(MergeSummary { manifest: *manifest, untouched: true });
    }
    for (source, entry) in sources.iter().zip(&shards) {
        files::take_over(source, entry, &folder.staging(), &folder.path().join(&entry.file))?;
    }
    let rejects = files::join_rejects(&parts, &folder, &run.settings)?;
    let manifest = run.manifest(first.inputs.clone(), counts, shards, rejects);
    seal(&folder, &manifest)?;
    Ok(MergeSummary { manifest, untouched: false })
}

/// Returns the identity of the merged store.
fn identity(first: &Manifest, parts: usize) -> RunIdentity {
    let mut options = first.options.clone();
    options.insert(PARTS_OPTION.to_owned(), parts.to_string());
    RunIdentity {
        // The shards are taken over as they are. Those of the first version are the same as those of the second, which has
        // the layout of folders that is written.
        format_version: first.format_version.max(FIRST_FORMAT_VERSION + 1),
        part: None,
        options,
        ..RunIdentity::of(first)
    }
}

/// Returns the shards of all parts: the path of each, and its entry under the name that it would have in a single
/// build.
fn shards(parts: &[PartStore]) -> impl Iterator<Item = (PathBuf, ShardEntry)> {
    let shards = parts.iter().flat_map(|part| part.manifest.shards.iter().map(move |shard| (part, shard)));
    shards.enumerate().map(|(number, (part, shard))| {
        let file = shard_name(&part.manifest.source, number);
        (part.paths.shards().join(&shard.file), ShardEntry { file, ..shard.clone() })
    })
}
