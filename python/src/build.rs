//! Stores of structures that Python holds.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use etl::pipeline::{BuildProgress, BuildRequest, BuildSummary, Position, build_from};
use etl::source::SourceOptions;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::json;

use crate::entries::{Entries, open};
use crate::fault::Fault;
use crate::memory::Inputs;
use crate::options;
use crate::work::{self, Caller, Progress};

/// Builds a store of entries with their labels. Returns the numbers of entries by outcome as JSON.
#[pyfunction]
#[pyo3(signature = (entries, store, labels, name, threads, force, options, progress))]
#[expect(clippy::too_many_arguments, reason = "they are keywords of Python")]
pub(crate) fn build(
    py: Python<'_>,
    entries: &Entries,
    store: PathBuf,
    labels: Vec<PathBuf>,
    name: Option<String>,
    threads: Option<usize>,
    force: bool,
    options: &Bound<'_, PyDict>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let read = || -> Result<_, Fault> { Ok((options::features(options)?, options::threads(threads)?)) };
    let ((settings, bounds), threads) = read().map_err(|fault| fault.raise(py))?;
    let items = entries.take();
    work::run(py, progress, move |caller| {
        let source = SourceOptions { name, ..SourceOptions::default() };
        let inputs = Inputs::of(&items).map_err(|error| Fault::other(&error))?;
        let (mut opened, kind) = open(items, &source)?;
        if opened.inputs.is_empty() {
            // A list names none.
            opened.inputs.clone_from(&inputs.paths);
        }
        let request = BuildRequest {
            source,
            labels,
            settings,
            bounds,
            threads,
            force,
            ..BuildRequest::new(kind, Vec::new(), store)
        };
        let watched = Watched { caller, cancel: AtomicBool::new(false) };
        let summary = build_from(opened, &request, &watched, &watched.cancel)?;
        let BuildSummary { manifest, unmatched_labels, first_unmatched, notes, .. } = summary;
        let counts = serde_json::to_value(&manifest.counts).map_err(|error| Fault::other(&error))?;
        let summary = json!({
            "counts": counts,
            "unmatched_labels": unmatched_labels,
            "first_unmatched": first_unmatched,
            "notes": notes,
        });
        Ok(summary.to_string())
    })
}

/// A build that is watched from Python.
pub(crate) struct Watched<'a> {
    pub(crate) caller: &'a Caller,
    /// Set once the caller has asked the work to stop.
    pub(crate) cancel: AtomicBool,
}

impl BuildProgress for Watched<'_> {
    fn position(&self, Position { bytes_read, total_bytes }: Position) {
        self.caller.tell(Progress { done: bytes_read, total: Some(total_bytes), text: "bytes".to_owned() });
        if self.caller.interrupt.requested() {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }

    fn entries(&self, _rows: u64, _rejects: u64) {}
}
