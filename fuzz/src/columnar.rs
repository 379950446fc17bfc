//! As `entry`, for what is read by columns: tables and streams of others, and shards.
//!
//! The fuzz targets and the corpus test of the `etl` crate share this file.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use arrow::ipc::reader::StreamReader;
use etl::inspect;
use etl::pipeline::Bounds;
use etl::shard::{ShardFormat, file_metadata};
use etl::source::{EntryFormat, SourceKind};
use etl::validate::{ValidateOptions, validate};
use etl::worker::{WorkerRequest, features};
use schemas::StoreError;
use schemas::hash::file_sha256;
use schemas::layout::{REJECTS_FILE, StorePaths};
use schemas::manifest::{Counts, Manifest, ShardEntry};
use schemas::reader::Shard;
use schemas::settings::FeatureSettings;
use schemas::store::{FORMAT_VERSION, SOFTWARE_VERSION, reject_schema};
use schemas::view::CrystalView;

use super::entry::{Entry, read_source};

/// Every entry point by the name of its target.
pub const ENTRIES: [(&str, Entry); 6] = [
    ("arrow_stream", arrow_stream),
    ("colabfit", colabfit),
    ("lemat", lemat),
    ("parquet_table", parquet_table),
    ("resealed", resealed),
    ("shard", shard),
];

/// Name of the shard in a store.
const SHARD: &str = "fuzz-00000.parquet";
/// Largest crystal whose features are computed, in sites.
const MAX_SITES: usize = 200;
/// Crystals whose features are recomputed.
const SAMPLE: usize = 4;

/// A Parquet table with a column of CIFs.
pub fn parquet_table(bytes: &[u8]) {
    read_source(SourceKind::Table, ".parquet", bytes);
}

/// A Parquet table of LeMat-Bulk.
pub fn lemat(bytes: &[u8]) {
    read_source(SourceKind::Lemat, ".parquet", bytes);
}

/// A Parquet table of ColabFit.
pub fn colabfit(bytes: &[u8]) {
    read_source(SourceKind::Colabfit, ".parquet", bytes);
}

/// A stream of entries for `etl worker`: what it answers is a stream, and the same a second time.
pub fn arrow_stream(bytes: &[u8]) {
    let request = WorkerRequest {
        format: EntryFormat::Cif,
        name: "fuzz".to_owned(),
        settings: FeatureSettings::default(),
        bounds: Bounds { max_sites: MAX_SITES, ..Bounds::default() },
        filters: Vec::new(),
        space_groups: false,
    };
    let answer = || {
        let mut answer = Vec::new();
        features(&request, bytes, &mut answer).map(|()| answer).map_err(|error| error.to_string())
    };
    let once = answer();
    assert_eq!(once, answer());
    match once {
        Ok(stream) => {
            let batches = StreamReader::try_new(stream.as_slice(), None).expect("a stream");
            batches.for_each(|batch| drop(batch.expect("as it was written")));
        }
        Err(message) => assert!(!message.is_empty()),
    }
}

/// A shard by itself: every row can be used, or an error names the file.
pub fn shard(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join(SHARD);
    fs::write(&path, bytes).expect("the file can be written");
    if let Err(error) = read_shard(&path) {
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    }
}

/// Reads every row; the identifier of the first.
fn read_shard(path: &Path) -> Result<Option<String>, StoreError> {
    let mut first = None;
    for batch in Shard::open(path, None)?.crystals(None)? {
        let batch = batch?;
        for row in 0..batch.len() {
            let crystal = batch.row(row)?;
            check_row(&crystal);
            first.get_or_insert_with(|| crystal.material_id.to_owned());
        }
    }
    Ok(first)
}

/// What a row hands on fits together.
fn check_row(crystal: &CrystalView<'_>) {
    let sites = crystal.atomic_numbers.len();
    assert_eq!(crystal.fractional_site_positions.len(), 3 * sites);
    let edges = &crystal.edges;
    assert_eq!(edges.source.len(), edges.target.len());
    assert_eq!(edges.distance.len(), edges.target.len());
    assert!(edges.source.iter().chain(edges.target).all(|&site| (site as usize) < sites));
}

/// A shard in a store whose manifest says that it is the one that was written: what no checksum keeps from
/// the readers behind them.
pub fn resealed(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let store = &folder.path().join("x");
    let paths = StorePaths::new(store);
    for folder in [store.as_path(), paths.records()] {
        fs::create_dir(folder).expect("a folder can be made");
    }
    let path = store.join(SHARD);
    fs::write(&path, bytes).expect("the file can be written");
    let (rows, settings) = match Shard::open(&path, None) {
        Ok(shard) => (shard.rows(), shard.settings().clone()),
        Err(_) => (0, FeatureSettings::default()),
    };
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        software_version: SOFTWARE_VERSION.to_owned(),
        source: "fuzz".to_owned(),
        part: None,
        options: Default::default(),
        inputs: Vec::new(),
        counts: Counts { read: rows, kept: rows, ..Counts::default() },
        shards: vec![entry(store, SHARD, rows)],
        rejects: no_rejects(&paths),
        settings,
    };
    fs::write(paths.manifest(), manifest.to_json()).expect("the manifest can be written");
    let report =
        validate(store, &ValidateOptions { sample: Some(SAMPLE), seed: 0 }).expect("a store is there");
    let sealed = |check: &str| matches!(check, "sha256" | "bytes" | "manifest" | "counts");
    assert!(!report.problems.iter().any(|problem| sealed(&problem.check)), "{report}");
    let first = read_shard(&path).ok().flatten().unwrap_or_default();
    match inspect::find(store, &first) {
        Ok(crystal) => {
            let (mut text, mut json) = (Vec::new(), Vec::new());
            crystal.write_text(&mut text).expect("memory takes it");
            crystal.write_json(&mut json).expect("memory takes it");
            assert!(!text.is_empty() && !json.is_empty());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A file of a store as its manifest lists it.
fn entry(store: &Path, file: &str, rows: u64) -> ShardEntry {
    let (sha256, bytes) = file_sha256(&store.join(file)).expect("the file is there");
    ShardEntry { file: file.to_owned(), rows, bytes, sha256 }
}

/// Writes an empty table of rejects.
fn no_rejects(paths: &StorePaths) -> ShardEntry {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("rejects.parquet");
        let metadata = file_metadata(&FeatureSettings::default());
        let format = ShardFormat::new(reject_schema(), &metadata).expect("a valid schema");
        let writer = format.create(folder.path(), &path).expect("the file can be written");
        writer.finish().expect("the file can be written");
        fs::read(&path).expect("the file is there")
    });
    fs::write(paths.rejects(), table).expect("the file can be written");
    entry(paths.records(), REJECTS_FILE, 0)
}
