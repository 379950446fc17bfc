//! Tests of fine-tunings.

use std::path::PathBuf;

use pyo3::prelude::*;
use serde_json::{Value, json};
use trainer::TrainError;
use trainer::evaluate::{Request, Results, Summary, default_out, evaluate as evaluate_all};
use trainer::report::classes::json::ClassificationRecord;
use trainer::report::json::EvaluationRecord;
use trainer::report::part::Part;

use crate::fault::Fault;
use crate::options;
use crate::work;

/// Tests the members of a fine-tuning. Returns the scores of every property, as in `evaluation.json`, and the files
/// written.
#[pyfunction]
#[pyo3(signature = (folder, out, on_validation, shards, device, threads))]
pub(crate) fn evaluate(
    py: Python<'_>,
    folder: PathBuf,
    out: Option<PathBuf>,
    on_validation: bool,
    shards: Vec<String>,
    device: &str,
    threads: Option<usize>,
) -> PyResult<String> {
    let read = || -> Result<_, Fault> { Ok((options::device(device)?, options::threads(threads)?)) };
    let (device, threads) = read().map_err(|fault| fault.raise(py))?;
    work::run(py, None, move |caller| {
        options::with_threads(threads, || {
            let request = Request {
                out: out.unwrap_or_else(|| default_out(&folder)),
                folder,
                part: if on_validation { Part::Validation } else { Part::Test },
                shards,
                authors: String::new(),
                show: Vec::new(),
                device,
                interrupt: caller.interrupt.clone(),
            };
            let Summary { results, files } = evaluate_all(&request)?;
            let records = match &results {
                Results::Numbers(evaluations) => evaluations
                    .iter()
                    .map(|evaluation| value(&EvaluationRecord::new(evaluation).map_err(TrainError::from)?))
                    .collect::<Result<_, Fault>>()?,
                Results::Classes(evaluation) => vec![value(&ClassificationRecord::new(evaluation))?],
            };
            Ok(json!({ "scores": records, "files": files }).to_string())
        })
    })
}

fn value(record: &impl serde::Serialize) -> Result<Value, Fault> {
    serde_json::to_value(record).map_err(|error| Fault::other(&error))
}
