//! The last step of a build: the rejects table and the manifest.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, UInt32Array, UInt64Array};
use arrow::record_batch::RecordBatch;
use schemas::manifest::{FileEntry, Manifest, ShardEntry};
use schemas::settings::FeatureSettings;
use schemas::store::reject_schema;

use super::error::BuildError;
use super::journal::{Journal, RejectLine, read_rejects};
use super::leftovers::remove_staging;
use super::store::StoreFolder;
use crate::atomic;
use crate::shard::{ShardError, ShardFormat, file_metadata};

/// Number of rows of a row group in the rejects table.
pub(crate) const REJECT_ROWS: usize = 65_536;
/// Size of the texts, in bytes, at which a row group of the rejects table ends regardless of its rows.
pub(crate) const REJECT_BYTES: usize = 64 << 20;

/// Writes the rejects table and the manifest, and removes the temporary files of the run.
///
/// # Errors
/// Returns a [`BuildError`] if a file cannot be written. The run can then be resumed.
pub(super) fn finish(
    folder: &StoreFolder,
    journal: Journal,
    inputs: Vec<FileEntry>,
) -> Result<Manifest, BuildError> {
    let Journal { run, counts, shards, .. } = journal;
    let rejects = write_rejects(folder, &run.settings)?;
    let manifest = run.manifest(inputs, counts, shards, rejects);
    seal(folder, &manifest)?;
    Ok(manifest)
}

/// Writes the manifest, which makes the store a finished one, and removes temporary files.
///
/// # Errors
/// Returns a [`BuildError`] if a file cannot be written or removed.
pub(crate) fn seal(folder: &StoreFolder, manifest: &Manifest) -> Result<(), BuildError> {
    let paths = folder.paths();
    let path = paths.manifest();
    atomic::write(paths.records(), &path, manifest.to_json().as_bytes()).map_err(ShardError::io(&path))?;
    remove_staging(&paths.staging())
}

/// Writes the rejects as a Parquet table, even if there are none.
fn write_rejects(folder: &StoreFolder, settings: &FeatureSettings) -> Result<ShardEntry, BuildError> {
    let paths = folder.paths();
    let format = ShardFormat::new(reject_schema(), &file_metadata(settings))?;
    let mut writer = format.create(paths.records(), &paths.rejects())?;
    let (mut lines, mut bytes) = (Vec::new(), 0);
    for line in read_rejects(&paths.staging())? {
        let line = line?;
        bytes += line.text_bytes();
        lines.push(line);
        if lines.len() == REJECT_ROWS || bytes >= REJECT_BYTES {
            writer.append(format.encode(&[batch(&lines)?])?)?;
            lines.clear();
            bytes = 0;
        }
    }
    if !lines.is_empty() {
        writer.append(format.encode(&[batch(&lines)?])?)?;
    }
    Ok(writer.finish()?)
}

/// Converts rejects to rows of [`reject_schema`].
fn batch(lines: &[RejectLine]) -> Result<RecordBatch, BuildError> {
    let text = |value: fn(&RejectLine) -> Option<&str>| -> ArrayRef {
        Arc::new(lines.iter().map(value).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(|line| line.id.as_deref()),
        text(|line| Some(&line.file)),
        Arc::new(UInt64Array::from_iter_values(lines.iter().map(|line| line.record))),
        Arc::new(lines.iter().map(|line| line.line).collect::<UInt32Array>()),
        text(|line| Some(&line.reason)),
        text(|line| Some(&line.message)),
    ];
    Ok(RecordBatch::try_new(reject_schema(), columns)?)
}
