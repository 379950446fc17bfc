//! `manifest.json`: what a store holds, and what became of every entry of its inputs.
//!
//! A store without a manifest is unfinished. The manifest has no dates and no absolute paths: the
//! same input and options give the same bytes. Its last key, `checksum`, is that of all before it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::count::counted;
use crate::error::StoreError;
use crate::hash::file_sha256;
use crate::part::Part;
use crate::seal;
use crate::settings::FeatureSettings;

/// Name of the manifest in a store's folder.
pub const MANIFEST_FILE: &str = "manifest.json";
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
    /// Name relative to the store's folder.
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
    /// [`StoreError::Io`] if it cannot be read, [`StoreError::Damaged`] if it is another one.
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

impl AddAssign<&Counts> for Counts {
    /// Adds what became of other entries.
    fn add_assign(&mut self, other: &Counts) {
        self.read += other.read;
        self.kept += other.kept;
        self.filtered += other.filtered;
        self.rejected += other.rejected;
        let add = |sums: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>| {
            counts.iter().for_each(|(key, count)| *sums.entry(key.clone()).or_default() += count);
        };
        add(&mut self.filtered_by, &other.filtered_by);
        add(&mut self.rejected_by_reason, &other.rejected_by_reason);
        for (code, others) in &other.noted {
            let noted = self.noted.entry(code.clone()).or_default();
            noted.count += others.count;
            let room = NOTED_FIRST.saturating_sub(noted.first.len());
            noted.first.extend(others.first.iter().take(room).cloned());
        }
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
    /// Name of the source.
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
    /// [`StoreError::Manifest`] with line and column if it cannot be understood or is not as it was
    /// written, [`StoreError::FormatVersion`] if the store has another layout.
    pub fn read(store: &Path) -> Result<Self, StoreError> {
        let path = Self::path(store);
        let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => absence(store),
            _ => StoreError::io(&path)(error),
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
        Ok(manifest)
    }

    /// The manifest as indented JSON with its checksum and a final newline.
    pub fn to_json(&self) -> String {
        // Strings, numbers and maps with text keys always serialise.
        seal::seal(serde_json::to_string_pretty(self).expect("a manifest is plain data"))
    }
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
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let entry = ShardEntry { file: "x-00000.parquet".into(), rows: 2, bytes: 10, sha256: "00".into() };
        Manifest {
            format_version: crate::store::FORMAT_VERSION,
            software_version: "0.1.0".into(),
            source: "x".into(),
            part: None,
            settings: FeatureSettings::default(),
            options: BTreeMap::from([("order".into(), "source".into())]),
            inputs: vec![],
            counts: Counts { read: 2, kept: 2, ..Counts::default() },
            shards: vec![entry.clone()],
            rejects: entry,
        }
    }

    #[test]
    fn round_trip() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(Manifest::path(folder.path()), manifest().to_json()).expect("writing");
        assert_eq!(Manifest::read(folder.path()).expect("reading it back"), manifest());
    }

    #[test]
    fn a_part_says_so_and_a_whole_store_says_nothing() {
        assert!(!manifest().to_json().contains("part"));
        let part = Manifest { part: "2/3".parse().ok(), ..manifest() };
        let text = part.to_json();
        assert!(text.contains("\"part\": \"2/3\""), "{text}");
        let text = seal::open(&text).expect("just sealed");
        assert_eq!(serde_json::from_str::<Manifest>(&text).expect("a manifest"), part);
        assert!(serde_json::from_str::<Manifest>(&text.replace("2/3", "4/3")).is_err());
    }

    #[test]
    fn counts_add_up() {
        let counts = |reason: &str, rejected| Counts {
            read: rejected + 3,
            kept: 1,
            filtered: 2,
            rejected,
            filtered_by: BTreeMap::from([("nsites <= 4".into(), 2)]),
            rejected_by_reason: BTreeMap::from([(reason.into(), rejected)]),
            noted: BTreeMap::from([(
                "no_unit".into(),
                NotedEntries { count: rejected, first: vec![format!("{reason} {rejected}")] },
            )]),
        };
        let mut sum = counts("no_sites", 5);
        sum += &counts("bad_json", 7);
        sum += &counts("no_sites", 1);
        let reasons = BTreeMap::from([("no_sites".into(), 6), ("bad_json".into(), 7)]);
        let filters = BTreeMap::from([("nsites <= 4".into(), 6)]);
        let expected = Counts {
            read: 22,
            kept: 3,
            filtered: 6,
            rejected: 13,
            filtered_by: filters,
            rejected_by_reason: reasons,
            noted: BTreeMap::from([(
                "no_unit".into(),
                NotedEntries {
                    count: 13,
                    first: ["no_sites 5", "bad_json 7", "no_sites 1"].map(str::to_owned).into(),
                },
            )]),
        };
        assert_eq!(sum, expected);
        sum += &counts("no_sites", 2);
        assert_eq!(sum.noted["no_unit"].count, 15);
        assert_eq!(sum.noted["no_unit"].first.len(), NOTED_FIRST);
    }

    #[test]
    fn faults_are_located() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = Manifest::path(folder.path());
        // As it was before manifests had a checksum.
        let text = seal::open(&manifest().to_json()).expect("just sealed");
        std::fs::write(&path, text.replace("\"rows\": 2", "\"rows\": two")).expect("writing");
        let error = Manifest::read(folder.path()).expect_err("'two' is no JSON");
        assert!(matches!(error, StoreError::Manifest { line: 29, .. }), "{error}");

        std::fs::write(&path, text.replace("\"kept\"", "\"keeps\"")).expect("writing");
        let error = Manifest::read(folder.path()).expect_err("an unknown key");
        assert!(error.to_string().contains("keeps"), "{error}");

        let other = text.replace("\"format_version\": 1", "\"format_version\": 99");
        std::fs::write(&path, other).expect("writing");
        let error = Manifest::read(folder.path()).expect_err("a later format");
        assert!(error.to_string().contains("format version 99 instead of 1"), "{error}");
    }

    #[test]
    fn what_is_no_store_is_told_from_what_is_none_yet() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let refusal = |path: &Path| Manifest::read(path).expect_err("no manifest");
        assert!(matches!(refusal(&folder.path().join("typo")), StoreError::Missing { .. }));
        assert!(matches!(refusal(folder.path()), StoreError::NotAStore { .. }));
        let file = folder.path().join("a.parquet");
        std::fs::write(&file, "").expect("writing");
        assert!(matches!(refusal(&file), StoreError::NotAStore { .. }));
        std::fs::create_dir(folder.path().join(STAGING_FOLDER)).expect("a folder");
        let unfinished = refusal(folder.path()).to_string();
        assert!(unfinished.contains("unfinished") && unfinished.contains("--resume"), "{unfinished}");
    }

    #[test]
    fn a_changed_count_is_noticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = Manifest::path(folder.path());
        let text = manifest().to_json();
        std::fs::write(&path, text.replace("\"kept\": 2", "\"kept\": 3")).expect("writing");
        let error = Manifest::read(folder.path()).expect_err("another count");
        assert!(error.to_string().contains("manifest.json: line ") && error.to_string().contains("damaged"));
    }

    #[test]
    fn a_changed_file_is_noticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("x"), "abc").expect("writing");
        let (sha256, bytes) = file_sha256(&folder.path().join("x")).expect("it is there");
        let entry = ShardEntry { file: "x".into(), rows: 1, bytes, sha256 };
        entry.verify(folder.path()).expect("as it was written");
        for (content, what) in [("abd", "damaged, SHA-256 "), ("ab", "damaged, 2 bytes instead of 3")] {
            std::fs::write(folder.path().join("x"), content).expect("writing");
            let error = entry.verify(folder.path()).expect_err("another content").to_string();
            assert!(error.contains(what), "{error}");
        }
        std::fs::remove_file(folder.path().join("x")).expect("it is there");
        assert!(matches!(entry.verify(folder.path()), Err(StoreError::Io { .. })));
    }
}
