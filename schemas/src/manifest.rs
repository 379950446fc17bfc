//! `manifest.json`: the files of a store and the number of entries kept, filtered and rejected.
//!
//! A store without a manifest is unfinished. The manifest holds no dates and no absolute paths, so that the same
//! input and options give the same bytes. Its last key, `checksum`, is the SHA-256 of everything before it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::count::counted;
use crate::error::StoreError;
use crate::hash::file_sha256;
use crate::layout::{MAX_MANIFEST_BYTES, StorePaths, rejects_name};
use crate::part::Part;
use crate::settings::FeatureSettings;
use crate::store::{FIRST_FORMAT_VERSION, FORMAT_VERSION};
use crate::{name, seal};

/// A file of the store or one of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Name of the file.
    pub file: String,
    /// Size in bytes. For a folder, the sum of its files.
    pub bytes: u64,
    /// SHA-256 in hexadecimal. For a folder, the hash of its `sha256sum` listing in order of names.
    pub sha256: String,
}

/// A Parquet file of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardEntry {
    /// Name of a shard in the store's folder, or of the rejects table in the folder of the manifest.
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
    /// Checks size and SHA-256 of the file in its folder. Reading the file takes about one second per gigabyte on one core.
    ///
    /// # Errors
    /// Returns [`StoreError::Io`] if the file cannot be read or is not a regular file, and [`StoreError::Damaged`] if
    /// its content differs.
    pub fn verify(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(&self.file);
        let (sha256, bytes) = file_sha256(&path).map_err(StoreError::io(&path))?;
        self.require(&path, &sha256, bytes)
    }

    /// Checks that the content of `path`, given its SHA-256 and length, is that of this entry.
    ///
    /// # Errors
    /// Returns [`StoreError::Damaged`] if it is not.
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

/// Largest number of entries whose remarks a [`NotedEntries`] keeps.
pub const NOTED_FIRST: usize = 3;

/// Entries that share a remark. A remark is worth the user's attention, but no reason to reject the entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedEntries {
    /// Number of entries.
    pub count: u64,
    /// Remarks about the first entries, at most [`NOTED_FIRST`].
    pub first: Vec<String>,
}

impl NotedEntries {
    /// Counts an entry. `note` is called only if the remark is to be kept.
    pub fn add(&mut self, note: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < NOTED_FIRST {
            self.first.push(note());
        }
    }
}

/// Numbers of entries by outcome: `read = kept + filtered + rejected`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Number of entries in the inputs.
    pub read: u64,
    /// Number of crystals in the shards.
    pub kept: u64,
    /// Number of entries dropped by a filter.
    pub filtered: u64,
    /// Number of rejected entries.
    pub rejected: u64,
    /// Number of entries dropped by each filter.
    pub filtered_by: BTreeMap<String, u64>,
    /// Number of rejected entries for each reason code.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// Remarks about entries, by code of the remark.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub noted: BTreeMap<String, NotedEntries>,
}

impl Counts {
    /// Adds the counts of `other`. Returns `None` if a sum overflows.
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

/// A count of a manifest and the sum that it must equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// The rule in words.
    pub rule: &'static str,
    /// The count.
    pub count: u64,
    /// The sum. The wide type cannot overflow, even with invalid counts.
    pub sum: u128,
}

impl Balance {
    /// Whether the count equals the sum.
    pub fn holds(&self) -> bool {
        u128::from(self.count) == self.sum
    }
}

/// The manifest of a finished store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format, see [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of the software that wrote the store.
    pub software_version: String,
    /// Name of the source. The names of the shards begin with it.
    #[serde(deserialize_with = "name::deserialize_source")]
    pub source: String,
    /// The part that this store is, if the build was split into parts; absent in a complete store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// All other options that determine the rows and their order, as `option -> value`.
    pub options: BTreeMap<String, String>,
    /// The input files, followed by the label files, in the order given.
    pub inputs: Vec<FileEntry>,
    /// Numbers of entries by outcome.
    pub counts: Counts,
    /// The shards in order.
    pub shards: Vec<ShardEntry>,
    /// The rejects table.
    pub rejects: ShardEntry,
}

impl Manifest {
    /// Reads the manifest of a store.
    ///
    /// # Errors
    /// Returns the error of [`StorePaths::absence`] if there is no manifest, and [`StoreError::Sidecar`] if the folder
    /// is no store but belongs to one.
    /// Returns [`StoreError::Io`] if it cannot be read.
    /// Returns [`StoreError::Manifest`] with line and column if it is malformed, its checksum is wrong, it names
    /// files outside the store or its counts overflow.
    /// Returns [`StoreError::FormatVersion`] for another version of the format, and [`StoreError::Settings`] for
    /// invalid settings.
    pub fn read(store: &Path) -> Result<Self, StoreError> {
        let paths = StorePaths::find(store);
        let path = paths.manifest();
        let text = bounded::read(&path, MAX_MANIFEST_BYTES).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => paths.absence(),
            _ => StoreError::io(&path)(error),
        })?;
        let text = String::from_utf8(text).map_err(|_| {
            StoreError::io(&path)(std::io::Error::new(ErrorKind::InvalidData, "the text is not UTF-8"))
        })?;
        let text = seal::open(&text).map_err(|error| StoreError::Manifest {
            path: path.clone(),
            // The checksum is on the line before the last.
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
        // The versions whose manifest lies beside the folder of the shards.
        let beside = FIRST_FORMAT_VERSION + 1..=FORMAT_VERSION;
        let is_beside = beside.contains(&manifest.format_version);
        let is_first = manifest.format_version == FIRST_FORMAT_VERSION;
        if !(if paths.is_former() { is_first } else { is_beside }) {
            return Err(if paths.is_former() && is_beside {
                StorePaths::new(store).absence()
            } else {
                let found = manifest.format_version.to_string();
                StoreError::FormatVersion { path, found, expected: FORMAT_VERSION }
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

    /// Returns the first value that no valid store has: a file with an unexpected name, a duplicate file, or counts
    /// whose sums overflow.
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
        let rejects = rejects_name(self.format_version);
        if self.rejects.file != rejects {
            return named("\"rejects\"", &self.rejects.file, &format!("is not {rejects:?}"));
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

    /// Returns the counts that must equal sums of other counts.
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

    /// Formats the manifest as indented JSON with its checksum and a final newline.
    pub fn to_json(&self) -> String {
        // Serialisation of strings, numbers and maps with text keys cannot fail.
        seal::seal(serde_json::to_string_pretty(self).expect("a manifest is plain data"))
    }
}

/// An invalid value in a manifest.
struct Fault {
    /// Section of the value, as the manifest names it.
    section: &'static str,
    /// The value as the manifest has it.
    value: String,
    /// What is wrong with the value.
    message: String,
}

/// Sums counts in a type that cannot overflow, even with invalid counts.
fn sum(counts: impl IntoIterator<Item = u64>) -> u128 {
    counts.into_iter().map(u128::from).sum()
}

#[cfg(test)]
mod tests;
