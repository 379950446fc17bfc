//! Checks that the given parts form one store: each part exactly once, all built alike.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemas::count::counted;
use schemas::layout::StorePaths;
use schemas::manifest::{FileEntry, Manifest};
use schemas::part::Part;

use super::MergeError;
use crate::pipeline::journal::other_option;

/// Largest number of missing parts that a message names.
const SHOWN_PARTS: usize = 16;

/// A finished part.
#[derive(Debug, Clone)]
pub(super) struct PartStore {
    /// Folders of the part.
    pub paths: StorePaths,
    /// Manifest of the part.
    pub manifest: Manifest,
}

/// Reads the manifests of all parts and returns the parts in order.
///
/// # Errors
/// Returns a [`MergeError`] if a part is unfinished or not a store, if a part is given twice or missing, or if two
/// parts differ in a field.
pub(super) fn read(stores: &[PathBuf]) -> Result<Vec<PartStore>, MergeError> {
    let mut parts: BTreeMap<Part, PartStore> = BTreeMap::new();
    let mut first: Option<PartStore> = None;
    for store in stores {
        let (part, found) = open(store)?;
        match &first {
            None => first = Some(found.clone()),
            Some(first) => require_alike(first, &found)?,
        }
        if let Some(earlier) = parts.insert(part, found) {
            return Err(MergeError::Overlap {
                part: part.to_string(),
                first: earlier.paths.shards().to_owned(),
                second: store.clone(),
            });
        }
    }
    // All parts state the same count here.
    let count = parts.keys().next().map_or(1, |part| part.count());
    let given: BTreeSet<u32> = parts.keys().map(|part| part.index()).collect();
    // Only as many parts as a message names are listed, because a part may claim to be one of billions.
    let missing = (1..=count).filter(|index| !given.contains(index)).take(SHOWN_PARTS);
    let missing: Vec<u32> = missing.collect();
    let more = (count as usize).saturating_sub(given.len() + missing.len());
    if missing.is_empty() {
        Ok(parts.into_values().collect())
    } else {
        Err(MergeError::Gap { missing, more, count })
    }
}

/// Reads the manifest of a part.
fn open(store: &Path) -> Result<(Part, PartStore), MergeError> {
    let manifest = Manifest::read(store)?;
    let part = manifest.part.ok_or_else(|| MergeError::NotAPart { store: store.to_owned() })?;
    Ok((part, PartStore { paths: StorePaths::find(store), manifest }))
}

/// Returns everything that the parts of a store have in common, as `field, value`.
fn common_fields(manifest: &Manifest) -> Vec<(String, String)> {
    let mut fields = vec![
        ("format_version".to_owned(), manifest.format_version.to_string()),
        ("software_version".to_owned(), manifest.software_version.clone()),
        ("number of parts".to_owned(), manifest.part.map_or(1, Part::count).to_string()),
        ("source".to_owned(), manifest.source.clone()),
        ("number of inputs".to_owned(), manifest.inputs.len().to_string()),
    ];
    fields.extend(manifest.settings.to_metadata());
    for (number, FileEntry { file, bytes, sha256 }) in manifest.inputs.iter().enumerate() {
        fields.push((
            format!("input {}", number + 1),
            format!("{file} of {}, SHA-256 {sha256}", counted(*bytes, "byte")),
        ));
    }
    fields
}

/// Checks that a part was built like the first one.
fn require_alike(first: &PartStore, part: &PartStore) -> Result<(), MergeError> {
    let differs = |field: &str, first_value: &str, second_value: &str| MergeError::Differs {
        field: field.to_owned(),
        first: first.paths.shards().to_owned(),
        first_value: first_value.to_owned(),
        second: part.paths.shards().to_owned(),
        second_value: second_value.to_owned(),
    };
    let pairs = common_fields(&first.manifest).into_iter().zip(common_fields(&part.manifest));
    for ((field, expected), (_, found)) in pairs {
        if expected != found {
            return Err(differs(&field, &expected, &found));
        }
    }
    let shown =
        |value: Option<&str>| value.map_or_else(|| "not set".to_owned(), |value| format!("'{value}'"));
    match other_option(&first.manifest.options, &part.manifest.options) {
        Some((option, expected, found)) => Err(differs(option, &shown(expected), &shown(found))),
        None => Ok(()),
    }
}
