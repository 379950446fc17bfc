//! `manifest.json`: what a store holds, and what became of every entry of its inputs.
//!
//! A store without a manifest is unfinished. The manifest has no dates and no absolute paths: the
//! same input and options give the same bytes. Its last key, `checksum`, is that of all before it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::count::counted;
use crate::error::StoreError;
use crate::hash::file_sha256;
use crate::part::Part;
use crate::settings::FeatureSettings;
use crate::{name, seal};

/// Name of the manifest in a store's folder.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Most bytes of a manifest: a million shards.
pub const MAX_BYTES: u64 = 256 << 20;
/// Folder inside a store's folder for the files of a build that is not finished.
pub const STAGING_FOLDER: &str = ".build";

/// A file of the store or of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Name relative to the store's folder; for an input its file name.
    pub file: String,
    /// Size in bytes; for a folder the sum over its files.
    pub bytes: u64,
    /// SHA-256 in hexadecimal; for a folder that of its `sha256sum` listing in order of names.
    pub sha256: String,
}

/// A Parquet file of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardEntry {
    /// Name relative to the store's folder: a plain one, or that of the rejects table.
    #[serde(deserialize_with = "name::deserialize_file")]
    pub file: String,
    /// Number of rows.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

impl ShardEntry {
    /// Checks the file by its size and its SHA-256: reading is all that it costs, about a second for
    /// each gigabyte and core.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it cannot be read or is no regular file, [`StoreError::Damaged`] if it is
    /// another one.
    pub fn verify(&self, store: &Path) -> Result<(), StoreError> {
        let path = store.join(&self.file);
        let (sha256, bytes) = file_sha256(&path).map_err(StoreError::io(&path))?;
        self.require(&path, &sha256, bytes)
    }

    /// Requires that the content of `path`, by its SHA-256 and length, is that of this file.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it is not.
    pub fn require(&self, path: &Path, sha256: &str, bytes: u64) -> Result<(), StoreError> {
        let damaged =
            |what: String, expected: String| StoreError::Damaged { path: path.to_owned(), what, expected };
        if bytes != self.bytes {
            Err(damaged(counted(bytes, "byte"), self.bytes.to_string()))
        } else if sha256 != self.sha256 {
            Err(damaged(format!("SHA-256 {sha256}"), self.sha256.clone()))
        } else {
            Ok(())
        }
    }
}

/// Most entries that a [`NotedEntries`] describes.
pub const NOTED_FIRST: usize = 3;

/// Entries that share a remark: something the user should know about, but no reason to reject them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedEntries {
    /// Number of the entries.
    pub count: u64,
    /// The remark about each of the first entries, at most [`NOTED_FIRST`].
    pub first: Vec<String>,
}

impl NotedEntries {
    /// Counts an entry, and makes its remark if it is one of the first.
    pub fn add(&mut self, note: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < NOTED_FIRST {
            self.first.push(note());
        }
    }
}

/// What became of the entries: `read = kept + filtered + rejected`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Entries of the inputs.
    pub read: u64,
    /// Crystals in the shards.
    pub kept: u64,
    /// Entries that a filter dropped.
    pub filtered: u64,
    /// Bad entries.
    pub rejected: u64,
    /// Number of entries dropped by each filter.
    pub filtered_by: BTreeMap<String, u64>,
    /// Number of bad entries for each reason code.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// Remarks about entries, by the code of the remark.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub noted: BTreeMap<String, NotedEntries>,
}

impl Counts {
    /// Adds what became of other entries; `None` if a sum is greater than any count.
    #[must_use]
    pub fn checked_add(mut self, other: &Counts) -> Option<Counts> {
        self.read = self.read.checked_add(other.read)?;
        self.kept = self.kept.checked_add(other.kept)?;
        self.filtered = self.filtered.checked_add(other.filtered)?;
        self.rejected = self.rejected.checked_add(other.rejected)?;
        let add = |sums: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>| {
            counts.iter().try_for_each(|(key, count)| {
                let sum = sums.entry(key.clone()).or_default();
                *sum = sum.checked_add(*count)?;
                Some(())
            })
        };
        add(&mut self.filtered_by, &other.filtered_by)?;
        add(&mut self.rejected_by_reason, &other.rejected_by_reason)?;
        for (code, others) in &other.noted {
            let noted = self.noted.entry(code.clone()).or_default();
            noted.count = noted.count.checked_add(others.count)?;
            let room = NOTED_FIRST.saturating_sub(noted.first.len());
            noted.first.extend(others.first.iter().take(room).cloned());
        }
        Some(self)
    }
}

/// A count of a manifest and the sum that it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// What must be equal, in words.
    pub rule: &'static str,
    /// The count.
    pub count: u64,
    /// The sum, wide enough for counts that no store has.
    pub sum: u128,
}

impl Balance {
    /// Whether both are equal.
    pub fn holds(&self) -> bool {
        u128::from(self.count) == self.sum
    }
}

/// The manifest of a finished store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`crate::store::FORMAT_VERSION`] of the shards.
    pub format_version: u32,
    /// Version of the software that wrote the store.
    pub software_version: String,
    /// Name of the source, with which those of the shards begin.
    #[serde(deserialize_with = "name::deserialize_source")]
    pub source: String,
    /// Which part of a store this is, where it was built in parts; absent in a whole store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Everything else that decides about the rows and their order, as `option -> value`.
    pub options: BTreeMap<String, String>,
    /// The input files, then the label files, in the order given.
    pub inputs: Vec<FileEntry>,
    /// What became of the entries.
    pub counts: Counts,
    /// The shards in order.
    pub shards: Vec<ShardEntry>,
    /// The table of rejects.
    pub rejects: ShardEntry,
}

impl Manifest {
    /// Path of a store's manifest.
    pub fn path(store: &Path) -> PathBuf {
        store.join(MANIFEST_FILE)
    }

    /// Reads the manifest of a store.
    ///
    /// # Errors
    /// The error of [`absence`] if there is none, [`StoreError::Io`] if it cannot be read,
    /// [`StoreError::Manifest`] with line and column if it cannot be understood, is not as it was
    /// written, names files outside the store or has counts that no store has,
    /// [`StoreError::FormatVersion`] if the store has another layout, [`StoreError::Settings`] for
    /// settings that no features have.
    pub fn read(store: &Path) -> Result<Self, StoreError> {
        let path = Self::path(store);
        let text = bounded::read(&path, MAX_BYTES).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => absence(store),
            _ => StoreError::io(&path)(error),
        })?;
        let text = String::from_utf8(text).map_err(|_| {
            StoreError::io(&path)(std::io::Error::new(ErrorKind::InvalidData, "the text is not UTF-8"))
        })?;
        let text = seal::open(&text).map_err(|error| StoreError::Manifest {
            path: path.clone(),
            // The checksum stands in the last line but one.
            line: text.lines().count().saturating_sub(1),
            column: 1,
            message: error.to_string(),
        })?;
        let manifest: Self = serde_json::from_str(&text).map_err(|error| StoreError::Manifest {
            path: path.clone(),
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
        })?;
        if manifest.format_version != crate::store::FORMAT_VERSION {
            return Err(StoreError::FormatVersion {
                path,
                found: manifest.format_version.to_string(),
                expected: crate::store::FORMAT_VERSION,
            });
        }
        if let Err(source) = manifest.settings.check() {
            return Err(StoreError::Settings { path, source });
        }
        match manifest.fault() {
            None => Ok(manifest),
            Some(Fault { section, value, message }) => {
                let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| !line.contains(section));
                let line = lines.find(|(_, line)| line.contains(&value)).map_or(1, |(number, _)| number);
                Err(StoreError::Manifest { path, line, column: 1, message })
            }
        }
    }

    /// What no store has: files of other names, a file twice, counts whose sums are too large for a count.
    fn fault(&self) -> Option<Fault> {
        let named = |section, name: &String, problem: &str| {
            let value = serde_json::to_string(name).unwrap_or_default();
            Some(Fault { section, message: format!("{value} {problem}"), value })
        };
        const SHARDS: &str = "\"shards\"";
        let mut known = BTreeSet::new();
        for ShardEntry { file, .. } in &self.shards {
            if name::shard_number(file, &self.source).is_none() {
                return named(SHARDS, file, &format!("is not the name of a shard of {:?}", self.source));
            }
            if !known.insert(file) {
                return named(SHARDS, file, "is listed twice");
            }
        }
        if self.rejects.file != name::rejects_name() {
            return named("\"rejects\"", &self.rejects.file, &format!("is not {:?}", name::rejects_name()));
        }
        let sums = self.balances().map(|balance| balance.sum);
        let bytes = sum(self.shards.iter().map(|shard| shard.bytes));
        if sums.into_iter().chain([bytes]).any(|sum| u64::try_from(sum).is_err()) {
            let message = format!("counts or sizes that add up to more than {}", u64::MAX);
            let section = "\"counts\"";
            return Some(Fault { section, value: section.to_owned(), message });
        }
        None
    }

    /// The counts that must equal sums of other counts.
    pub fn balances(&self) -> [Balance; 5] {
        let counts = &self.counts;
        [
            Balance {
                rule: "read = kept + filtered + rejected",
                count: counts.read,
                sum: sum([counts.kept, counts.filtered, counts.rejected]),
            },
            Balance {
                rule: "kept = rows of the shards",
                count: counts.kept,
                sum: sum(self.shards.iter().map(|shard| shard.rows)),
            },
            Balance {
                rule: "filtered = sum over the filters",
                count: counts.filtered,
                sum: sum(counts.filtered_by.values().copied()),
            },
            Balance {
                rule: "rejected = sum over the reasons",
                count: counts.rejected,
                sum: sum(counts.rejected_by_reason.values().copied()),
            },
            Balance {
                rule: "rows of the rejects table = filtered + rejected",
                count: self.rejects.rows,
                sum: sum([counts.filtered, counts.rejected]),
            },
        ]
    }

    /// The manifest as indented JSON with its checksum and a final newline.
    pub fn to_json(&self) -> String {
        // Strings, numbers and maps with text keys always serialise.
        seal::seal(serde_json::to_string_pretty(self).expect("a manifest is plain data"))
    }
}

/// A value of a manifest that no store has.
struct Fault {
    /// The section of it, as the manifest names it.
    section: &'static str,
    /// The value as the manifest has it.
    value: String,
    /// What is wrong with it.
    message: String,
}

/// Sum of counts, wide enough for those of a manifest that no store has.
fn sum(counts: impl IntoIterator<Item = u64>) -> u128 {
    counts.into_iter().map(u128::from).sum()
}

/// The error for a path without a manifest: [`StoreError::Missing`], [`StoreError::Unfinished`] or
/// [`StoreError::NotAStore`].
pub fn absence(store: &Path) -> StoreError {
    let path = store.to_owned();
    if is_unfinished(store) {
        StoreError::Unfinished { path }
    } else if store.exists() {
        StoreError::NotAStore { path }
    } else {
        StoreError::Missing { path }
    }
}

/// Whether a folder holds a store whose build was interrupted or is still running.
pub fn is_unfinished(store: &Path) -> bool {
    !store.join(MANIFEST_FILE).exists() && store.join(STAGING_FOLDER).exists()
}

#[cfg(test)]
mod tests;
