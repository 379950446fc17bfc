//! Verification of the files of a store against its manifest.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use arrow::datatypes::{DataType, Schema};
use schemas::StoreError;
use schemas::hash::file_sha256;
use schemas::layout::MANIFEST_FILE;
use schemas::manifest::{Balance, ShardEntry};
use schemas::reader::Shard;
use schemas::store::{SPLIT_PREFIX, column_by_name, label_kind};

use super::Validation;
use crate::inspect::identifiers;

/// A shard whose file is valid.
pub(super) struct ReadableShard {
    /// Index in the manifest.
    pub(super) number: usize,
    /// Number of rows that both the file and the manifest have. The footer of a damaged file may claim any number.
    pub(super) rows: u64,
}

/// Returns the Parquet files in a store's folder and its subfolders, relative to it. Hidden folders, which hold the
/// files of an unfinished run, are left out.
pub(super) fn parquet_files(store: &Path) -> Result<BTreeSet<String>, StoreError> {
    let mut files = BTreeSet::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = store.join(&folder);
        for entry in fs::read_dir(&path).map_err(StoreError::io(&path))? {
            let entry = entry.map_err(StoreError::io(&path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let relative = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_folder = entry.file_type().map_err(StoreError::io(entry.path()))?.is_dir();
            if is_folder && !name.starts_with('.') {
                folders.push(relative);
            } else if !is_folder
                && Path::new(&name).extension().is_some_and(|extension| extension == "parquet")
            {
                files.insert(relative);
            }
        }
    }
    Ok(files)
}

impl Validation<'_> {
    /// Reports Parquet files that the manifest does not name.
    pub(super) fn check_stray_files(&mut self, present: &BTreeSet<String>) {
        let manifest = self.manifest;
        // The rejects of format version 1 were in the folder of the shards.
        let rejects = Some(&manifest.rejects).filter(|_| self.paths.is_former());
        let known: BTreeSet<&str> =
            manifest.shards.iter().chain(rejects).map(|entry| entry.file.as_str()).collect();
        for stray in present.iter().filter(|file| !known.contains(file.as_str())) {
            self.file_problem(stray, "file", "no file, the manifest has none of this name", "a Parquet file");
        }
    }

    /// Checks the sums of the counts in the manifest.
    pub(super) fn check_counts(&mut self) {
        for Balance { rule, count, sum } in self.manifest.balances() {
            if u128::from(count) != sum {
                self.file_problem(MANIFEST_FILE, "counts", rule, format!("{count} and {sum}"));
            }
        }
    }

    /// Checks the hash, rows, columns, settings and identifiers of every shard. Returns the shards that can be read.
    pub(super) fn check_shards(&mut self) -> Vec<ReadableShard> {
        let manifest = self.manifest;
        let mut readable = Vec::with_capacity(manifest.shards.len());
        let mut schema: Option<Schema> = None;
        for (number, entry) in manifest.shards.iter().enumerate() {
            let path = self.paths.shards().join(&entry.file);
            if !self.check_bytes(&path, entry) {
                continue;
            }
            let shard = match Shard::open(&path, Some(&manifest.settings)) {
                Ok(shard) => shard,
                Err(error) => {
                    self.file_problem(&entry.file, "shard", "a shard with the manifest's settings", error);
                    continue;
                }
            };
            let rows = shard.rows();
            if rows != entry.rows {
                self.file_problem(&entry.file, "rows", entry.rows, rows);
            }
            match &schema {
                None => {
                    self.check_label_columns(&entry.file, shard.schema());
                    schema = Some(shard.schema().as_ref().clone());
                }
                Some(schema) => self.check_schema(&entry.file, schema, shard.schema()),
            }
            self.report.shards += 1;
            self.report.crystals = self.report.crystals.saturating_add(rows);
            self.check_identifiers(number, shard);
            readable.push(ReadableShard { number, rows: rows.min(entry.rows) });
        }
        readable
    }

    /// Checks the size and hash of a file. Returns whether the file exists.
    pub(super) fn check_bytes(&mut self, path: &Path, entry: &ShardEntry) -> bool {
        match file_sha256(path) {
            Err(error) => {
                self.file_problem(&entry.file, "file", "a readable file", error);
                return false;
            }
            Ok((_, bytes)) if bytes != entry.bytes => {
                self.file_problem(&entry.file, "bytes", entry.bytes, bytes);
            }
            Ok((sha256, _)) if sha256 != entry.sha256 => {
                self.file_problem(&entry.file, "sha256", &entry.sha256, sha256);
            }
            Ok(_) => {}
        }
        true
    }

    /// Checks the types of the columns that are not fixed: splits and properties.
    fn check_label_columns(&mut self, file: &str, schema: &Schema) {
        for field in schema.fields() {
            if column_by_name(field.name()).is_some() || label_kind(field).is_some() {
                continue;
            }
            let expected = if field.name().starts_with(SPLIT_PREFIX) {
                DataType::Utf8.to_string()
            } else {
                format!("{}, a list of it or {}", DataType::Float64, DataType::Utf8)
            };
            self.file_problem(file, field.name(), expected, field.data_type());
        }
    }

    /// Checks that the columns of another shard are those of the first.
    fn check_schema(&mut self, file: &str, expected: &Schema, found: &Schema) {
        let columns = |schema: &Schema| -> BTreeSet<String> {
            schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
        };
        let (expected, found) = (columns(expected), columns(found));
        for column in expected.difference(&found) {
            self.file_problem(file, "schema", format!("column {column} as in the first shard"), "none");
        }
        for column in found.difference(&expected) {
            self.file_problem(file, "schema", "no further column than the first shard has", column);
        }
    }

    /// Reports duplicate identifiers.
    fn check_identifiers(&mut self, number: usize, shard: Shard) {
        let manifest = self.manifest;
        let file = |number: usize| manifest.shards.get(number).map_or("", |entry| entry.file.as_str());
        let batches = match identifiers(shard, None) {
            Ok(batches) => batches,
            Err(error) => return self.file_problem(file(number), "material_id", "a readable column", error),
        };
        let mut row = 0;
        for batch in batches {
            let ids = match batch {
                Ok(ids) => ids,
                Err(error) => {
                    return self.file_problem(file(number), "material_id", "a readable column", error);
                }
            };
            for id in ids {
                if let Some((first, first_row)) = self.identifiers.get(&id).copied() {
                    let found = format!("'{id}' also in {} row {first_row}", file(first));
                    let mut problem = super::Problem::of_file(
                        file(number),
                        "material_id",
                        "an identifier that stands nowhere else",
                        found,
                    );
                    problem.row = Some(row);
                    problem.material_id = Some(id);
                    self.report.problems.push(problem);
                } else {
                    self.identifiers.insert(id, (number, row));
                }
                row += 1;
            }
        }
    }
}
