//! `etl worker`: features of entries in a stream, for use from other data engines.
//!
//! The input is an Arrow IPC stream with the columns [`ID_COLUMN`], [`TEXT_COLUMN`] and any numeric columns, which
//! are properties. Memory holds one batch of it and the features of one block. The features have the same bytes as
//! those of `etl build`.
//!
//! * [`features`](fn@features): writes the rows as a stream, including the rejects
//! * [`part`]: writes the rows into a part of a store, and a receipt as a stream

mod blocks;
mod columns;
mod error;
mod output;

use std::collections::BTreeMap;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use schemas::manifest::Manifest;
use schemas::part::Part;
use schemas::settings::FeatureSettings;
use schemas::store::{FORMAT_VERSION, SOFTWARE_VERSION};

pub use columns::{ID_COLUMN, TEXT_COLUMN};
pub use error::WorkerError;
pub use output::{REJECT_KIND, REJECT_MESSAGE};

use crate::pipeline::feed::FedStore;
use crate::pipeline::journal::RunIdentity;
use crate::pipeline::store::StoreFolder;
use crate::pipeline::{Bounds, BuildError};
use crate::source::EntryFormat;
use blocks::Blocks;

/// Options for converting the entries of a stream into rows.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerRequest {
    /// Format of the entries' texts.
    pub format: EntryFormat,
    /// Value of the `source` column.
    pub name: String,
    /// Settings of the features.
    pub settings: FeatureSettings,
    /// Limits for single crystals.
    pub bounds: Bounds,
    /// Filter expressions. An entry must pass all of them.
    pub filters: Vec<String>,
    /// Whether to look for space groups.
    pub space_groups: bool,
}

/// The part of a store that a worker writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRequest {
    /// Folder of the part.
    pub store: PathBuf,
    /// The part that the stream is.
    pub part: Part,
    /// Largest number of rows of a shard.
    pub shard_rows: usize,
    /// Largest number of rows of a row group.
    pub row_group_rows: usize,
    /// Whether to replace a finished store.
    pub force: bool,
}

/// Writes one row for every crystal or reject, in the order of the input. The output is flushed after every batch.
/// Duplicates are not detected.
///
/// # Errors
/// Returns a [`WorkerError`] if a limit of the request is out of range, if the input is damaged, truncated or lacks a
/// required column, or if the output cannot be written.
pub fn features(request: &WorkerRequest, input: impl Read, output: impl Write) -> Result<(), WorkerError> {
    request.bounds.check()?;
    let mut blocks = Blocks::open(request, input)?;
    let shard = Arc::clone(blocks.schema());
    let schema = output::schema(&shard, &request.settings);
    let mut writer = StreamWriter::try_new(BufWriter::new(output), &schema).map_err(WorkerError::Output)?;
    writer.get_mut().flush().map_err(WorkerError::flush)?;
    blocks.try_for_each(|block| {
        let batch = output::batch(&shard, &schema, &block?).map_err(BuildError::from)?;
        writer.write(&batch).map_err(WorkerError::Output)?;
        writer.get_mut().flush().map_err(WorkerError::flush)
    })?;
    finish(writer)
}

/// Writes the rows of all entries into a part of a store. The part becomes a finished store only at the end. The
/// output is a single row with the store's folder and the numbers of entries by outcome. Duplicates are rejected as
/// in a build.
///
/// # Errors
/// Returns the errors of [`features`](fn@features), and [`WorkerError::Build`] if the store cannot be written or there is a
/// finished one.
pub fn part(
    request: &WorkerRequest,
    part: &PartRequest,
    input: impl Read,
    output: impl Write,
) -> Result<Manifest, WorkerError> {
    request.bounds.check()?;
    require_positive("shard_rows", part.shard_rows)?;
    require_positive("row_group_rows", part.row_group_rows)?;
    let blocks = Blocks::open(request, input)?;
    let folder = StoreFolder::open(&part.store)?;
    let store = FedStore {
        folder: &folder,
        run: RunIdentity {
            format_version: FORMAT_VERSION,
            software_version: SOFTWARE_VERSION.to_owned(),
            source: request.name.clone(),
            part: Some(part.part),
            settings: request.settings.clone(),
            options: options(request, part),
        },
        schema: Arc::clone(blocks.schema()),
        shard_rows: part.shard_rows,
        row_group_rows: part.row_group_rows,
        force: part.force,
    };
    let manifest = store.write(blocks)?;
    let receipt = receipt(part, &manifest).map_err(BuildError::from)?;
    let mut writer =
        StreamWriter::try_new(BufWriter::new(output), &receipt.schema()).map_err(WorkerError::Output)?;
    writer.write(&receipt).map_err(WorkerError::Output)?;
    finish(writer)?;
    Ok(manifest)
}

/// Writes the end mark of a stream.
fn finish<W: Write>(mut writer: StreamWriter<BufWriter<W>>) -> Result<(), WorkerError> {
    writer.finish().map_err(WorkerError::Output)?;
    writer.get_mut().flush().map_err(WorkerError::flush)
}

/// Returns an error if a size is 0.
fn require_positive(option: &'static str, value: usize) -> Result<(), BuildError> {
    if value > 0 {
        return Ok(());
    }
    Err(BuildError::Option { option, value: value.to_string(), problem: "must be at least 1".to_owned() })
}

/// Returns all options, other than source and settings, that determine the rows.
fn options(request: &WorkerRequest, part: &PartRequest) -> BTreeMap<String, String> {
    [
        ("kind", format!("stream of {}", request.format)),
        ("filters", request.filters.join(" && ")),
        ("space_groups", request.space_groups.to_string()),
        ("shard_rows", part.shard_rows.to_string()),
        ("row_group_rows", part.row_group_rows.to_string()),
    ]
    .map(|(option, value)| (option.to_owned(), value))
    .into_iter()
    .chain(request.bounds.options())
    .collect()
}

/// Returns a row that describes what was written.
fn receipt(part: &PartRequest, manifest: &Manifest) -> Result<RecordBatch, ArrowError> {
    // The numbers are signed, because Spark has no unsigned types.
    let number = |count: u64| -> ArrayRef {
        Arc::new(Int64Array::from(vec![i64::try_from(count).unwrap_or(i64::MAX)]))
    };
    let counts = &manifest.counts;
    let store: ArrayRef = Arc::new(StringArray::from(vec![part.store.to_string_lossy().into_owned()]));
    RecordBatch::try_from_iter([
        ("store", store),
        ("read", number(counts.read)),
        ("kept", number(counts.kept)),
        ("filtered", number(counts.filtered)),
        ("rejected", number(counts.rejected)),
    ])
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn request(bounds: Bounds) -> WorkerRequest {
        WorkerRequest {
            format: EntryFormat::Cif,
            name: "lab".to_owned(),
            settings: FeatureSettings::default(),
            bounds,
            filters: Vec::new(),
            space_groups: false,
        }
    }

    fn part_request(store: PathBuf) -> PartRequest {
        let part = Part::new(1, 2).expect("the first of two");
        PartRequest { store, part, shard_rows: 8, row_group_rows: 8, force: false }
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = folder.path().join("store");
        for (bounds, option) in [
            (Bounds { max_sites: 0, ..Bounds::default() }, "max_sites"),
            (Bounds { min_volume: f64::NAN, ..Bounds::default() }, "min_volume"),
            (Bounds { min_distance: -1.0, ..Bounds::default() }, "min_distance"),
        ] {
            let request = request(bounds);
            let rows = features(&request, io::empty(), io::sink()).expect_err("a bad limit");
            let written = part(&request, &part_request(store.clone()), io::empty(), io::sink());
            for error in [rows, written.expect_err("a bad limit")] {
                assert!(error.to_string().starts_with(&format!("{option} = ")), "{option}: {error}");
            }
            assert!(!store.exists(), "{option}");
        }
    }

    /// Parts with other limits are not merged, because their options differ.
    #[test]
    fn the_options_of_a_part_have_all_limits() {
        let bounds = Bounds { min_volume: 1.5, min_distance: 0.5, ..Bounds::default() };
        let options = options(&request(bounds), &part_request("store".into()));
        assert_eq!(options.get("min_volume").map(String::as_str), Some("1.5"));
        assert_eq!(options.get("min_distance").map(String::as_str), Some("0.5"));
        assert_eq!(options.get("max_sites"), Some(&bounds.max_sites.to_string()));
    }
}
