//! Predictions of fine-tuned models.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::json;
use trainer::data::BatchLimit;
use trainer::data::stream::{DEFAULT_QUEUE, DEFAULT_WORKERS};
use trainer::device;
use trainer::predict::{Member, Request, absent_members, predict as predict_all, weights_files};

use crate::entries::{Entries, given};
use crate::fault::Fault;
use crate::options;
use crate::work::{self, Progress};

/// Predicts into a table, whose ending chooses its format. Returns its path, that of the entries left out, and numbers
/// as JSON.
#[pyfunction]
#[pyo3(signature = (entries, weights, out, overwrite, device, threads, batch, batch_triplets, options, progress))]
#[expect(clippy::too_many_arguments, reason = "they are keywords of Python")]
pub(crate) fn predict(
    py: Python<'_>,
    entries: &Entries,
    weights: Vec<PathBuf>,
    out: PathBuf,
    overwrite: bool,
    device: &str,
    threads: Option<usize>,
    batch: usize,
    batch_triplets: usize,
    options: &Bound<'_, PyDict>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let read = || -> Result<_, Fault> {
        // The features are those of the models.
        let (_, bounds) = options::features(options)?;
        Ok((bounds, options::device(device)?, options::threads(threads)?))
    };
    let (bounds, device, threads) = read().map_err(|fault| fault.raise(py))?;
    let inputs = given(entries.take());
    work::run(py, progress, move |caller| {
        options::with_threads(threads, || {
            let device = device.open()?;
            let weights = weights.iter().map(|given| options::weights(given));
            let weights = weights.collect::<Result<Vec<_>, Fault>>()?;
            let absent = absent_members(&weights)?;
            let mut members = Vec::new();
            for path in weights_files(&weights)? {
                members.push(Member::load(path, &device)?);
            }
            let request = Request {
                inputs,
                kind: None,
                bounds,
                out,
                overwrite,
                limit: BatchLimit { crystals: batch, triplets: Some(batch_triplets) },
                threads,
                workers: DEFAULT_WORKERS,
                queue: DEFAULT_QUEUE,
                bases_on_device: !device::computes_on_host(&device),
                interrupt: caller.interrupt.clone(),
            };
            let mut tell = |position: trainer::predict::Position| {
                let (done, total) = (position.done, position.expected);
                caller.tell(Progress { done, total, text: String::new() });
            };
            let summary = predict_all(&request, &members, &mut tell)?;
            if summary.interrupted {
                return Err(Fault::Interrupted);
            }
            let noted: Vec<_> =
                summary.noted.iter().map(|(code, noted)| json!([code, noted.count])).collect();
            Ok(json!({
                "crystals": summary.crystals,
                "left_out": summary.left_out,
                "left_out_table": summary.left_out_table,
                "noted": noted,
                "unread": summary.unread.to_string(),
                "absent": absent,
            })
            .to_string())
        })
    })
}
