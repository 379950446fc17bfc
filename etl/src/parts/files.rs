//! Verification of the files of the parts, and their transfer to the merged store.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use schemas::count::counted;
use schemas::hash::HashingWriter;
use schemas::manifest::{Balance, ShardEntry};
use schemas::parquet_table::ParquetTable;
use schemas::reader::Shard;
use schemas::settings::FeatureSettings;
use schemas::store::reject_schema;
use schemas::{StoreError, regular};

use super::MergeError;
use super::agree::PartStore;
use crate::atomic::{SHARD_BEGINNING, publish, temporary_in};
use crate::pipeline::BuildError;
use crate::pipeline::finish::{REJECT_BYTES, REJECT_ROWS};
use crate::pipeline::store::StoreFolder;
use crate::shard::{ShardFormat, file_metadata};

/// The columns of the first shard of all parts.
#[derive(Default)]
pub(super) struct SharedColumns(Option<(PathBuf, BTreeSet<String>)>);

impl SharedColumns {
    /// Checks that a shard has the same columns as the first.
    fn require(&mut self, path: &Path, schema: &Schema) -> Result<(), MergeError> {
        let found: BTreeSet<String> =
            columns(schema).into_iter().map(|(name, data_type)| format!("{name} ({data_type})")).collect();
        let Some((first, expected)) = &self.0 else {
            self.0 = Some((path.to_owned(), found));
            return Ok(());
        };
        let Some(column) = expected.symmetric_difference(&found).next() else { return Ok(()) };
        let value = |columns: &BTreeSet<String>| {
            if columns.contains(column) { column.clone() } else { "no such column".to_owned() }
        };
        Err(MergeError::Differs {
            field: "columns".to_owned(),
            first: first.clone(),
            first_value: value(expected),
            second: path.to_owned(),
            second_value: value(&found),
        })
    }
}

/// Checks that the counts of a part are consistent, that every file has the size, hash and number of rows in its
/// manifest, and that every shard has the columns of the first shard of all parts.
///
/// # Errors
/// Returns [`MergeError::Damaged`] with the counts, [`MergeError::Store`] with the file and both values, or
/// [`MergeError::Differs`] with both shards and a column.
pub(super) fn verify(part: &PartStore, columns: &mut SharedColumns) -> Result<(), MergeError> {
    let PartStore { paths, manifest } = part;
    let store = paths.shards();
    if let Some(Balance { rule, count, sum }) = manifest.balances().into_iter().find(|it| !it.holds()) {
        return Err(damaged(&paths.manifest(), format!("{rule} does not hold: {count} and {sum}")));
    }
    for entry in &manifest.shards {
        entry.verify(store)?;
        let path = store.join(&entry.file);
        let shard = Shard::open(&path, Some(&manifest.settings))?;
        require_rows(&path, shard.rows(), entry)?;
        columns.require(&path, shard.schema())?;
    }
    manifest.rejects.verify(paths.records())?;
    let rejects = open_rejects(part)?;
    require_rows(rejects.path(), rejects.rows(), &manifest.rejects)
}

/// Checks that a file has the number of rows that the manifest states.
fn require_rows(path: &Path, found: u64, entry: &ShardEntry) -> Result<(), MergeError> {
    if found == entry.rows {
        return Ok(());
    }
    let (path, what) = (path.to_owned(), counted(found, "row"));
    Err(StoreError::Damaged { path, what, expected: entry.rows.to_string() }.into())
}

/// Opens the rejects table of a part.
fn open_rejects(part: &PartStore) -> Result<ParquetTable, MergeError> {
    let path = part.paths.rejects();
    let table = ParquetTable::open(&path).map_err(|error| damaged(&path, error.problem()))?;
    if columns(table.schema()) != columns(&reject_schema()) {
        return Err(damaged(&path, "not a table of rejects"));
    }
    Ok(table)
}

/// Returns the error of an unreadable rejects table.
fn damaged(path: &Path, problem: impl std::fmt::Display) -> MergeError {
    MergeError::Damaged { path: path.to_owned(), problem: problem.to_string() }
}

/// Transfers a shard unchanged, by a hard link or, if the file system has none, by a copy. Either is atomic. Stores
/// replace their files and never modify them, so rebuilding a part does not change a linked shard.
///
/// # Errors
/// Returns [`MergeError::Build`] if the copy cannot be written, or [`MergeError::Store`] if it does not have the
/// shard's hash.
pub(super) fn take_over(
    shard: &Path,
    entry: &ShardEntry,
    staging: &Path,
    target: &Path,
) -> Result<(), MergeError> {
    // A hard link to a symbolic link would not refer to the shard.
    let linked = fs::canonicalize(shard).and_then(|shard| fs::hard_link(shard, target));
    if linked.is_ok() { Ok(()) } else { copy(shard, entry, staging, target) }
}

/// Copies a shard through a temporary file.
fn copy(shard: &Path, entry: &ShardEntry, staging: &Path, target: &Path) -> Result<(), MergeError> {
    let write = || -> io::Result<_> {
        let temporary = temporary_in(staging, SHARD_BEGINNING)?;
        let (file, temporary) = temporary.into_parts();
        let mut writer = HashingWriter::new(BufWriter::new(file));
        io::copy(&mut regular::open(shard)?, &mut writer)?;
        let (file, sha256, bytes) = writer.finish();
        Ok((file.into_inner().map_err(io::IntoInnerError::into_error)?, temporary, sha256, bytes))
    };
    let (file, temporary, sha256, bytes) = write().map_err(BuildError::io(target))?;
    entry.require(shard, &sha256, bytes)?;
    Ok(publish(&file, temporary, target).map_err(BuildError::io(target))?)
}

/// Concatenates the rejects of all parts in the order of the parts.
///
/// # Errors
/// Returns [`MergeError::Damaged`] if a table is not a rejects table, or [`MergeError::Build`] if the joined table
/// cannot be written.
pub(super) fn join_rejects(
    parts: &[PartStore],
    folder: &StoreFolder,
    settings: &FeatureSettings,
) -> Result<ShardEntry, MergeError> {
    let paths = folder.paths();
    let format = ShardFormat::new(reject_schema(), &file_metadata(settings)).map_err(BuildError::from)?;
    let mut writer = format.create(paths.records(), &paths.rejects()).map_err(BuildError::from)?;
    let mut group = RowGroup::default();
    let mut append =
        |batches: &[RecordBatch]| -> Result<(), BuildError> { Ok(writer.append(format.encode(batches)?)?) };
    for part in parts {
        let table = open_rejects(part)?;
        let path = table.path().to_owned();
        let batches = table.batches(ProjectionMask::all(), None, REJECT_ROWS);
        for batch in batches.map_err(|error| damaged(&path, error.problem()))? {
            group.push(batch.map_err(|error| damaged(&path, error))?);
            while let Some(full) = group.take_full() {
                append(&full)?;
            }
        }
    }
    if group.rows > 0 {
        append(&group.batches)?;
    }
    Ok(writer.finish().map_err(BuildError::from)?)
}

/// Returns the name and type of every column.
fn columns(schema: &Schema) -> Vec<(&String, &arrow::datatypes::DataType)> {
    schema.fields().iter().map(|field| (field.name(), field.data_type())).collect()
}

/// Rejects collected for a row group of [`REJECT_ROWS`] rows.
#[derive(Default)]
struct RowGroup {
    batches: Vec<RecordBatch>,
    rows: usize,
    /// Size of the texts in bytes.
    bytes: usize,
}

/// Returns the size of a batch's texts in bytes.
fn text_bytes(batch: &RecordBatch) -> usize {
    let texts = batch.columns().iter().filter_map(|column| column.as_string_opt::<i32>());
    let bytes = texts.map(|texts| {
        let offsets = texts.value_offsets();
        offsets.last().zip(offsets.first()).map_or(0, |(end, begin)| end.abs_diff(*begin) as usize)
    });
    bytes.sum()
}

impl RowGroup {
    fn push(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.bytes += text_bytes(&batch);
        self.batches.push(batch);
    }

    /// Returns the first [`REJECT_ROWS`] rows once there are that many, or all rows if their texts are long.
    fn take_full(&mut self) -> Option<Vec<RecordBatch>> {
        if self.bytes >= REJECT_BYTES {
            (self.rows, self.bytes) = (0, 0);
            return Some(std::mem::take(&mut self.batches));
        }
        let rest = self.rows.checked_sub(REJECT_ROWS)?;
        let mut full = std::mem::take(&mut self.batches);
        if rest > 0
            && let Some(last) = full.pop()
        {
            let kept = last.num_rows() - rest;
            self.batches.push(last.slice(kept, rest));
            full.push(last.slice(0, kept));
        }
        self.rows = rest;
        self.bytes = self.batches.iter().map(text_bytes).sum();
        Some(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field};
    use schemas::hash::file_sha256;

    #[test]
    fn row_groups_are_full_whatever_the_batches() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
        let mut group = RowGroup::default();
        let mut groups = Vec::new();
        for rows in [REJECT_ROWS - 1, 3, REJECT_ROWS, 5] {
            let column = Int32Array::from(vec![0; rows]);
            group.push(RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]).expect("a column"));
            while let Some(full) = group.take_full() {
                groups.push(full.iter().map(RecordBatch::num_rows).sum::<usize>());
            }
        }
        assert_eq!((groups, group.rows), (vec![REJECT_ROWS; 2], 7));
    }

    #[test]
    fn row_groups_of_long_texts_are_short() {
        let texts = StringArray::from(vec!["x".repeat(10 << 20); 3]);
        let batch = RecordBatch::try_from_iter([("message", Arc::new(texts) as _)]).expect("a column");
        let mut group = RowGroup::default();
        let mut groups = Vec::new();
        for _ in 0..5 {
            group.push(batch.clone());
            groups.extend(group.take_full().map(|full| full.len()));
        }
        assert_eq!((groups, group.rows, group.batches.len()), (vec![3], 6, 2));
    }

    #[test]
    fn a_copy_must_have_the_hash() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (shard, target) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&shard, "abc").expect("a small file");
        let (sha256, bytes) = file_sha256(&shard).expect("a small file");
        let entry = ShardEntry { file: "a".into(), rows: 0, bytes, sha256 };
        copy(&shard, &entry, folder.path(), &target).expect("a good shard");
        assert_eq!(fs::read(&target).expect("a copy"), b"abc");

        let other = folder.path().join("c");
        fs::write(&shard, "abd").expect("a small file");
        let error = copy(&shard, &entry, folder.path(), &other).expect_err("another hash");
        assert!(error.to_string().contains("damaged, SHA-256"), "{error}");
        assert!(!other.exists());
    }

    #[test]
    fn shards_of_other_columns_are_refused() {
        let schema =
            |kind| Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("x", kind, true)]);
        let mut shared = SharedColumns::default();
        let mut require = |path: &str, kind| shared.require(Path::new(path), &schema(kind));
        assert!(require("a.parquet", DataType::Float64).is_ok());
        assert!(require("b.parquet", DataType::Float64).is_ok());
        let error = require("c.parquet", DataType::Utf8).expect_err("text").to_string();
        assert_eq!(
            error,
            "the parts differ in columns: x (Float64) in a.parquet, no such column in c.parquet"
        );
    }
}
