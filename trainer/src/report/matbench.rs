//! MatBench's record of a task: the files `results.json.gz` and `info.json` of its submission guide.
//!
//! The record is the JSON that `MatbenchBenchmark.to_file` writes for a benchmark with a single task: for every fold
//! the prediction of each test crystal by its identifier (`mb-jdft2d-001`), the scores and free parameters of the
//! fold, and a SHA-256 over the Python text of all of it. `from_file` loads it if all five folds hold exactly their
//! official crystals. [`write`](super::write()) requires the same, except that it takes the fold of a crystal from the
//! store. The record has no uncertainties, since the spread of an ensemble is not calibrated.
//!
//! `from_dict` of the package loads such a record (version 0.6, with the folds of the test as its splits). The
//! released `from_file` reads only plain JSON; the compressed file needs the version in the repository.
//!
//! Predictions must be in the unit of the data set's target, `log10(GPa)` for `matbench_log_kvrh`.
//!
//! Sources: `bench.py`, `task.py`, `util.py`, `data_ops.py` and the guide "Submit to leaderboard" of
//! `materialsproject/matbench`, version 0.6.

mod fold;
mod incomplete;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use schemas::bounded;
use schemas::hash::sha256;
use serde_json::{Map, Value, json};

pub(super) use self::fold::PublishedFold;
use self::fold::published;
pub use self::incomplete::Incomplete;
use self::incomplete::check_crystals;
use super::Evaluation;
use super::error::ReportError;
use super::python;
use crate::atomic;

/// File name of the record in the submission guide.
pub const RESULTS: &str = "results.json.gz";
/// File name of the description of the algorithm in the submission guide.
pub const INFO: &str = "info.json";

/// Name of the benchmark.
const BENCHMARK: &str = "matbench_v0.1";
/// Version of the package with this layout.
const VERSION: &str = "0.6";
/// Date stamp of the record. It is constant, so that the bytes are too.
const DATESTAMP: &str = "1970.01.01 00:00.00";
/// Operating system "unknown" in a gzip file (RFC 1952), which is the same on all systems.
const UNKNOWN_SYSTEM: u8 = 255;
/// First bytes of the compressed record: magic, method, no flags, no time, best compression, system.
const RESULTS_BEGINNING: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, UNKNOWN_SYSTEM];
/// Maximum number of bytes of a description of the algorithm that is read.
const MAX_INFO_BYTES: u64 = 1 << 20;
/// Beginning of the requirement that names this program in the description.
const PACKAGE_BEGINNING: &str = concat!(env!("CARGO_CRATE_NAME"), "==");

/// The MatBench data set of a task, and the description of the algorithm in `info.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matbench {
    /// Name of the data set, one of [`schemas::matbench::TASKS`].
    pub dataset: String,
    /// Authors of the submission.
    pub authors: String,
    /// Short name of the algorithm, 5 to 15 characters.
    pub algorithm: String,
    /// Description of the algorithm.
    pub algorithm_long: String,
    /// Unit of the predictions if they are of a transform of the data set's target, such as `log10(eV)`.
    pub transformed: Option<String>,
}

/// Returns the text of the record; `None` for a task that is not in MatBench.
///
/// # Errors
/// [`Incomplete`] for the first thing that is missing.
pub(super) fn record(evaluation: &Evaluation) -> Option<Result<String, Incomplete>> {
    let matbench = evaluation.matbench.as_ref()?;
    let folds: Vec<PublishedFold<'_>> = evaluation.folds.iter().map(published).collect();
    Some(complete_record(matbench, &folds, &evaluation.settings))
}

/// Returns the text of the record of a data set.
///
/// # Errors
/// [`Incomplete`] for the first thing that is missing.
pub(super) fn complete_record(
    matbench: &Matbench,
    folds: &[PublishedFold<'_>],
    settings: &[(String, String)],
) -> Result<String, Incomplete> {
    if let Some(unit) = matbench.transformed.clone() {
        return Err(Incomplete::Transform { dataset: matbench.dataset.clone(), unit });
    }
    check_crystals(folds, &matbench.dataset)?;
    let parameters: BTreeMap<_, _> = settings.iter().cloned().collect();
    let results = folds
        .iter()
        .map(|fold| Ok((fold.name.replace('-', "_"), fold_record(fold, &parameters)?)))
        .collect::<Result<Map<_, _>, _>>()?;
    let task = json!({
        "@module": "matbench.task",
        "@class": "MatbenchTask",
        "benchmark_name": BENCHMARK,
        "dataset_name": matbench.dataset,
        "results": results,
    });
    let mut document = json!({
        "@module": "matbench.bench",
        "@class": "MatbenchBenchmark",
        "version": VERSION,
        "benchmark_name": BENCHMARK,
        "datestamp": DATESTAMP,
        "user_metadata": {"algorithm": matbench.algorithm},
        "tasks": {matbench.dataset.as_str(): task},
    });
    let hash = sha256(python::text(&document));
    if let Value::Object(entries) = &mut document {
        entries.insert("hash".to_owned(), Value::String(hash));
    }
    Ok(python::text(&document))
}

/// Returns a fold as `MatbenchTask.record` stores it.
fn fold_record(fold: &PublishedFold<'_>, parameters: &BTreeMap<String, String>) -> Result<Value, Incomplete> {
    let undefined = || Incomplete::Scores { fold: fold.name.to_owned() };
    let data: BTreeMap<_, _> = fold.predictions.iter().copied().collect();
    Ok(json!({
        "data": data,
        "parameters": {"seeds": fold.seeds, "settings": parameters},
        "scores": fold.scores.as_ref().ok_or_else(undefined)?,
        "uncertainty": null,
    }))
}

/// Writes the compressed record.
pub(super) fn write_results(path: &Path, text: &str) -> Result<(), ReportError> {
    atomic::write(path, |out| {
        let builder = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
        let mut archive = builder.write(out, Compression::best());
        archive.write_all(text.as_bytes())?;
        archive.finish().map(drop)
    })
    .map_err(ReportError::io("write", path))
}

/// Whether a file is a compressed record of this module. Those of other programs store a time or their system.
pub(super) fn is_results(path: &Path) -> bool {
    bounded::begins_with(path, &RESULTS_BEGINNING).unwrap_or(false)
}

/// Whether a file is a description of the algorithm of this module.
pub(super) fn is_info(path: &Path) -> bool {
    let info = bounded::read(path, MAX_INFO_BYTES);
    let info = info.ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let names_us = |value: &Value| value.as_str().is_some_and(|name| name.starts_with(PACKAGE_BEGINNING));
    info.is_some_and(|info| info.pointer("/requirements/rust/0").is_some_and(names_us))
}

/// Writes the description of the algorithm. References and notes are left empty, for the authors to fill in.
pub(super) fn write_info(path: &Path, matbench: &Matbench) -> Result<(), ReportError> {
    let info = json!({
        "authors": matbench.authors,
        "algorithm": matbench.algorithm,
        "algorithm_long": matbench.algorithm_long,
        "bibtex_refs": "",
        "notes": "",
        "requirements": {
            "python": [format!("matbench=={VERSION}")],
            "rust": [format!("{}=={}", env!("CARGO_CRATE_NAME"), env!("CARGO_PKG_VERSION"))],
        },
    });
    atomic::write(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &info)?;
        out.write_all(b"\n")
    })
    .map_err(ReportError::io("write", path))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::report::example::{jdft2d, outcome};

    #[test]
    fn the_record_holds_every_fold_and_a_hash_over_the_rest() {
        let evaluation = jdft2d();
        let text = record(&evaluation).expect("it is a MatBench task").expect("it is complete");
        assert!(
            text.starts_with("{\"@class\": \"MatbenchBenchmark\", \"@module\": \"matbench.bench\", "),
            "{text}"
        );
        let document: Value = serde_json::from_str(&text).expect("it is JSON");
        let results = &document["tasks"]["matbench_jdft2d"]["results"];
        assert_eq!(results.as_object().expect("it is an object").len(), 5);
        let fold = &results["fold_3"];
        assert_eq!(fold["data"].as_object().expect("it is an object").len(), 127);
        assert_eq!(fold["data"]["mb-jdft2d-004"], evaluation.folds[3].outcomes[0].prediction);
        assert!(fold["scores"].as_object().expect("it is an object").values().all(Value::is_f64), "{fold}");
        let hash = document["hash"].as_str().expect("it is text");
        let rest = text.replace(&format!("\"hash\": \"{hash}\", "), "");
        assert_eq!(hash, sha256(rest));
    }

    #[test]
    fn scores_are_matbench_s() {
        let mut fold = jdft2d().folds.remove(0);
        fold.outcomes =
            vec![outcome("a", 2.0, 1.0, &[]), outcome("b", 4.0, 7.0, &[]), outcome("c", 1e-6, 2.0, &[])];
        let scores =
            fold_record(&published(&fold), &BTreeMap::new()).expect("there are targets")["scores"].clone();
        // The last target is too small for a percentage: (1/2 + 3/4) / 2.
        assert_eq!(scores["mape"], 0.625);
        assert_eq!(scores["max_error"], 3.0);
        let zero = outcome("a", 0.0, 1.0, &[]);
        fold.outcomes = vec![zero];
        assert!(matches!(fold_record(&published(&fold), &BTreeMap::new()), Err(Incomplete::Scores { .. })));
    }

    #[test]
    fn the_compressed_record_is_the_same_every_time() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(RESULTS);
        write_results(&path, "{\"a\": 1}").expect("it is writable");
        let first = std::fs::read(&path).expect("it is there");
        assert_eq!(first[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255], "no time, no system");
        write_results(&path, "{\"a\": 1}").expect("it is writable");
        assert_eq!(std::fs::read(&path).expect("it is there"), first);
        let mut text = String::new();
        flate2::read::GzDecoder::new(first.as_slice()).read_to_string(&mut text).expect("it is gzip");
        assert_eq!(text, "{\"a\": 1}");
    }

    #[test]
    fn the_description_has_the_keys_of_the_guide() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(INFO);
        write_info(&path, jdft2d().matbench.as_ref().expect("it is there")).expect("it is writable");
        let info: Value =
            serde_json::from_slice(&std::fs::read(&path).expect("it is there")).expect("it is JSON");
        for key in ["authors", "algorithm", "algorithm_long", "bibtex_refs", "notes"] {
            assert!(info[key].is_string(), "{key}");
        }
        assert_eq!(info["requirements"]["python"][0], "matbench==0.6");
    }
}
