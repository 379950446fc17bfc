//! Fine-tuning on properties of a store, or on a task.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use serde_json::json;
use trainer::config::{Config, ConfigError, Override, Purpose};
use trainer::evaluate::remove_results;
use trainer::finetune::member::Encoders;
use trainer::finetune::request::{Target, TargetRequest, require_effect};
use trainer::finetune::{Request, Summary, finetune_reporting, recipe};
use trainer::ranks::Alone;
use trainer::run::folder::Existing;
use trainer::run::progress::{Progress as Report, Standing};
use trainer::task::{Remark, Transform};

use crate::fault::Fault;
use crate::options;
use crate::work::{self, Caller, Progress};

/// Name of the settings in errors.
const SETTINGS: &str = "settings";

/// Settings, by their keys and by keyword. Their values are texts, TOML or bare words.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct GivenSettings {
    /// Settings as `key=value`.
    settings: Vec<String>,
    epochs: Option<String>,
    learning_rate: Option<String>,
    seed: Option<String>,
    batch: Option<String>,
}

impl GivenSettings {
    /// Returns them as overrides. A keyword has its own name, and may not contradict a setting.
    fn overrides(&self) -> Result<Vec<Override>, ConfigError> {
        let mut overrides = Vec::new();
        for text in &self.settings {
            overrides.push(Override::parse(SETTINGS, text)?);
        }
        for (name, key, value) in [
            ("epochs", "run.epochs", &self.epochs),
            ("learning_rate", "optimiser.learning_rate", &self.learning_rate),
            ("seed", "seed", &self.seed),
            ("batch", "data.batch_crystals", &self.batch),
        ] {
            let given = |value: &String| Override { name, key: key.to_owned(), value: value.clone() };
            overrides.extend(value.as_ref().map(given));
        }
        Ok(overrides)
    }
}

/// Checks settings as far as they can be without the data and the weights: that they exist, that their values are of their
/// types, and that none contradicts another.
#[pyfunction]
pub(crate) fn check_settings(py: Python<'_>, given: GivenSettings) -> PyResult<()> {
    let checked = given.overrides().and_then(|overrides| seed(&overrides));
    checked.map(drop).map_err(|error| Fault::from(error).raise(py))
}

/// What is learnt and how, by keyword.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct FinetuneOptions {
    /// Shards, folders of shards or patterns.
    shards: Vec<String>,
    /// Property columns; none for a task.
    properties: Vec<String>,
    /// Name or file of a task.
    task: Option<String>,
    /// Transform of every property.
    transforms: Vec<String>,
    classify: bool,
    above: Option<f64>,
    /// Weights to begin with, or their name in the catalogue; fresh ones if `None`.
    weights: Option<PathBuf>,
    out: PathBuf,
    seeds: Vec<u64>,
    fold: Option<Vec<usize>>,
    folds: Option<u64>,
    split: Option<String>,
    given: GivenSettings,
    resume: bool,
    overwrite: bool,
    device: String,
    threads: Option<usize>,
}

/// Fine-tunes. Returns the members as JSON.
#[pyfunction]
pub(crate) fn finetune(
    py: Python<'_>,
    options: FinetuneOptions,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    work::run(py, progress, move |caller| {
        let threads = options::threads(options.threads)?;
        options::with_threads(threads, || run(&options, caller))
    })
}

fn run(options: &FinetuneOptions, caller: &Caller) -> Result<String, Fault> {
    let device = options::device(&options.device)?;
    let mut overrides = options.given.overrides()?;
    let shards = serde_json::to_string(&options.shards).map_err(|error| Fault::other(&error))?;
    overrides.push(Override { name: "shards", key: "data.shards".to_owned(), value: shards });
    let Target { task, split_file, labelled, remarks } = target(options, &overrides)?;
    let weights = options.weights.as_deref().map(options::weights).transpose()?;
    let encoders = weights.as_deref().map(Encoders::read).transpose()?;
    let config = Config::resolve_named(recipe(&task, None, encoders.as_ref(), labelled), None, &overrides)?;
    let by_seeds = !options.seeds.is_empty();
    let purpose = if by_seeds { Purpose::FinetuningBySeeds } else { Purpose::Finetuning };
    purpose.require_effect(&config, &overrides)?;
    require_effect(&task, &overrides)?;
    let request = Request {
        seeds: if by_seeds { options.seeds.clone() } else { vec![config.seed] },
        task,
        config,
        weights,
        folds: options.fold.clone(),
        split_file,
        allow_partial: false,
        folder: options.out.clone(),
        existing: Existing::of(options.resume, options.overwrite),
        remove_results,
        device,
        ranks: Arc::new(Alone),
        tensorboard: None,
        quiet: true,
    };
    let teller = caller.clone();
    let report = |runs| Report::watched(runs, move |standing| teller.tell(shown(standing)));
    let summary = finetune_reporting(&request, &caller.interrupt, report)?;
    match summary.interrupted {
        true => Err(Fault::Interrupted),
        false => Ok(told(&summary, &remarks)),
    }
}

/// Loads the task, or makes that of the properties.
fn target(options: &FinetuneOptions, overrides: &[Override]) -> Result<Target, Fault> {
    let mut transforms = Vec::new();
    for name in &options.transforms {
        let known = [Transform::None, Transform::Log10, Transform::Log1p, Transform::Sqrt];
        let found = known.into_iter().find(|transform| transform.name() == name);
        let refuse = || Fault::of_value(format!("transform = {name}: none, log10, log1p or sqrt"), name);
        transforms.push(found.ok_or_else(refuse)?);
    }
    let request = TargetRequest {
        task: options.task.clone(),
        properties: options.properties.clone(),
        transforms,
        classify: options.classify,
        above: options.above,
        folds: options.folds,
        split: options.split.clone(),
    };
    request.load(|| -> Result<_, Fault> { Ok((options.shards.clone(), seed(overrides)?)) })
}

/// Returns the seed, which no recipe decides. The ranges of other settings may depend on those of a recipe, and are
/// checked when that is known.
fn seed(overrides: &[Override]) -> Result<u64, ConfigError> {
    let mut found = None;
    let keep = |config: &Config| {
        found = Some(config.seed);
        Vec::new()
    };
    let checked = Config::resolve_named(keep, None, overrides);
    match found {
        Some(seed) => Ok(seed),
        None => checked.map(|config| config.seed),
    }
}

fn shown(standing: Standing) -> Progress {
    let Standing { run, runs, epoch, epochs, loss, done, total } = standing;
    let member = if runs > 1 { format!("member {} of {runs}, ", run + 1) } else { String::new() };
    let text = format!("{member}epoch {epoch} of {epochs}, loss {loss:.4}");
    Progress { done, total: Some(total), text }
}

/// Returns a remark with the keyword that helps.
fn remarked(remark: &Remark) -> String {
    match remark {
        Remark::UnusedSplit { columns } => {
            let column = serde_json::Value::from(columns.first().map(String::as_str).unwrap_or_default());
            let it = if columns.len() > 1 { "the first" } else { "it" };
            format!("{remark}; split={column} divides the crystals by {it}")
        }
        _ => remark.to_string(),
    }
}

/// Returns the result as JSON. `remarks` are those about the choice of the division.
fn told(summary: &Summary, remarks: &[Remark]) -> String {
    let members = summary.members.iter().map(|member| {
        json!({
            "fold": member.fold,
            "seed": member.seed,
            "folder": member.folder,
            "train": member.train,
            "validation_error": member.validation_error,
            "best_epoch": member.best_epoch,
            "epochs": member.epochs,
        })
    });
    let excluded = summary.excluded.iter().map(|excluded| {
        json!({
            "id": excluded.material_id,
            "value": excluded.value.as_ref().map(ToString::to_string),
            "reason": excluded.reason.to_string(),
        })
    });
    json!({
        "members": members.collect::<Vec<_>>(),
        "excluded": excluded.collect::<Vec<_>>(),
        "remarks": remarks.iter().chain(&summary.remarks).map(remarked).collect::<Vec<_>>(),
        "described": summary.described,
    })
    .to_string()
}
