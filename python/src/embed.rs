//! Embeddings of the crystals of stores, and of structures that Python holds.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use etl::pipeline::{BuildRequest, build_from};
use etl::source::{ListItem, SourceOptions};
use pyo3::prelude::*;
use schemas::layout::StorePaths;
use trainer::config::DataConfig;
use trainer::embed::{Request, embed as embed_all};
use trainer::finetune::member::Encoders;

use crate::build::Watched;
use crate::entries::{Entries, open};
use crate::fault::Fault;
use crate::options;
use crate::table::Table;
use crate::work::{self, Caller, Progress};

/// Writes the embeddings of stores, or else of entries, into a table, whose ending chooses its format. Returns whether
/// the weights have a description, and the rejects among the entries.
#[pyfunction]
#[pyo3(signature = (shards, entries, weights, out, overwrite, per_atom, device, threads, batch, batch_triplets, progress))]
#[expect(clippy::too_many_arguments, reason = "they are keywords of Python")]
pub(crate) fn embed(
    py: Python<'_>,
    shards: Vec<String>,
    entries: Option<&Entries>,
    weights: PathBuf,
    out: PathBuf,
    overwrite: bool,
    per_atom: bool,
    device: &str,
    threads: Option<usize>,
    batch: usize,
    batch_triplets: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(bool, Option<Table>)> {
    let read = || -> Result<_, Fault> { Ok((options::device(device)?, options::threads(threads)?)) };
    let (device, threads) = read().map_err(|fault| fault.raise(py))?;
    let items = entries.map(Entries::take);
    work::run(py, progress, move |caller| {
        options::with_threads(threads, || {
            let weights = options::weights(&weights)?;
            let featurised =
                items.map(|items| Featurised::new(items, &weights, threads, caller)).transpose()?;
            let shards = featurised.as_ref().map_or(shards, |store| vec![store.path()]);
            let data = DataConfig { shards, batch_crystals: batch, batch_triplets, ..DataConfig::default() };
            let interrupt = caller.interrupt.clone();
            let request = Request { weights, data, out, overwrite, per_atom, device, interrupt };
            let summary = embed_all(&request, &mut |position| {
                let (done, total) = (position.done, position.expected);
                caller.tell(Progress { done, total, text: String::new() });
            })?;
            Ok((summary.described, featurised.map(|store| store.rejects()).transpose()?))
        })
    })
}

/// A store of entries, which is gone when it is dropped.
struct Featurised(tempfile::TempDir);

impl Featurised {
    /// Computes the features of entries with the settings that the weights need.
    fn new(items: Vec<ListItem>, weights: &Path, threads: usize, caller: &Caller) -> Result<Self, Fault> {
        let folder = tempfile::tempdir().map_err(|error| Fault::other(&error))?;
        let this = Self(folder);
        let (opened, kind) = open(items, &SourceOptions::default())?;
        let request = BuildRequest {
            settings: Encoders::read(weights)?.description.features.clone(),
            threads,
            ..BuildRequest::new(kind, Vec::new(), this.store())
        };
        let watched = Watched { caller, cancel: AtomicBool::new(false) };
        build_from(opened, &request, &watched, &watched.cancel)?;
        Ok(this)
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn path(&self) -> String {
        self.store().to_string_lossy().into_owned()
    }

    fn rejects(&self) -> Result<Table, Fault> {
        Table::of_parquet(&StorePaths::find(&self.store()).rejects())
    }
}
