//! The jobs of a grid.
//!
//! | folder | content |
//! |---|---|
//! | `pretrain/NAME` | a run of `trainer pretrain` |
//! | `cells/TASK/START/FRACTION` | a fine-tuning, with its evaluation in `evaluation` |
//! | `logs/...` | the output of the jobs |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::CompareError;
use super::grid::{Grid, StartSection, TaskSection, assignments};
use super::job::{Job, JobKind, operand, text};
use crate::config::{Config, ConfigError, Override, Purpose};
use crate::error::TrainError;
use crate::evaluate::default_out;
use crate::finetune::member::{Encoders, configure, recipe_of};
use crate::pretrain::recipe::recipe;
use crate::report::json;
use crate::run::folder::BEST_FILE;
use crate::task::Task;
use crate::weights::Description;

/// Table of the settings of every fine-tuning.
const SETTINGS: &str = "settings";
const PRETRAIN_FOLDER: &str = "pretrain";
const CELLS_FOLDER: &str = "cells";
const LOGS_FOLDER: &str = "logs";
/// Ending of a log file.
const LOG_ENDING: &str = "log";

/// A cell of the grid: a fine-tuning with its evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Name of the task.
    pub task: String,
    /// Name of the start.
    pub start: String,
    /// Share of the training crystals.
    pub fraction: f64,
    /// Folder of the fine-tuning.
    pub folder: PathBuf,
    /// File of the scores.
    pub evaluation: PathBuf,
    /// Index of the job that writes the scores. The job before it is the fine-tuning.
    pub job: usize,
}

/// The jobs of a comparison, in the order in which they begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Jobs. Each follows those that it needs.
    pub jobs: Vec<Job>,
    /// Cells, ordered by task, start and fraction.
    pub cells: Vec<Cell>,
    /// Units of the targets by task.
    pub units: BTreeMap<String, String>,
}

impl Plan {
    /// Plans the product of tasks, starts and fractions, and each pre-training that a start needs once. `path` is the
    /// file of the grid for error messages; `folder` is the folder of the comparison. Nothing is written.
    ///
    /// # Errors
    /// [`CompareError::Settings`] or [`CompareError::Task`] for sections that no job could use, and
    /// [`CompareError::Input`] for settings that contradict the weights of a start.
    pub fn new(grid: &Grid, path: &Path, folder: &Path) -> Result<Self, CompareError> {
        let plan = Self { jobs: Vec::new(), cells: Vec::new(), units: BTreeMap::new() };
        let mut planner = Planner { grid, path, folder, pretrained: BTreeMap::new(), plan };
        for start in &grid.starts {
            planner.pretrain(start)?;
        }
        for task in &grid.tasks {
            for start in &grid.starts {
                planner.cells(task, start)?;
            }
        }
        Ok(planner.plan)
    }
}

/// A plan under construction.
struct Planner<'a> {
    grid: &'a Grid,
    path: &'a Path,
    folder: &'a Path,
    /// Indices and configurations of the pre-trainings planned so far.
    pretrained: BTreeMap<&'a str, (usize, Config)>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    /// Plans the pre-training of a start, if it has one.
    fn pretrain(&mut self, start: &str) -> Result<(), CompareError> {
        let name = self.grid.start.get(start).and_then(|section| section.pretrain.as_deref());
        let Some((name, section)) = name.and_then(|name| self.grid.pretrain.get_key_value(name)) else {
            return Ok(());
        };
        if self.pretrained.contains_key(name.as_str()) {
            return Ok(());
        }
        let settings = assignments(&section.settings);
        let config = Config::resolve_over(recipe, section.config.as_deref(), &settings)
            .and_then(|config| {
                Purpose::Pretraining.require_effect(&config, &overrides(&settings)?)?;
                Ok(config)
            })
            .map_err(self.unusable(format!("pretrain.{name}"), &[&format!("pretrain.{name}.settings")]))?;
        let place = Path::new(PRETRAIN_FOLDER).join(name);
        let folder = self.folder.join(&place);
        let mut arguments = words(&["pretrain", "--out"]);
        arguments.push(text(&folder));
        push_settings(&mut arguments, section.config.as_deref(), &settings);
        push_shards(&mut arguments, &section.shards);
        self.pretrained.insert(name, (self.plan.jobs.len(), config));
        self.plan.jobs.push(Job {
            kind: JobKind::Pretrain,
            subject: name.clone(),
            arguments,
            inputs: section.config.iter().cloned().collect(),
            output: folder.join(BEST_FILE),
            folder,
            log: self.log(&place),
            after: Vec::new(),
        });
        Ok(())
    }

    /// Plans the cells of a task and a start.
    fn cells(&mut self, task: &str, start: &str) -> Result<(), CompareError> {
        let (Some(task_section), Some(start_section)) =
            (self.grid.task.get(task), self.grid.start.get(start))
        else {
            return Ok(());
        };
        let named = task_section.file.as_deref().map_or_else(|| task.to_owned(), text);
        let definition = Task::load(&named).map_err(|source| CompareError::Task {
            path: self.path.to_owned(),
            section: format!("task.{task}"),
            source: Box::new(source),
        })?;
        if !definition.classes().is_empty() || !definition.further.is_empty() || definition.per_site {
            let (path, section) = (self.path.to_owned(), format!("task.{task}"));
            return Err(CompareError::NoNumber { path, section, task: definition.name });
        }
        let shared = [&self.grid.settings, &task_section.settings].into_iter().flat_map(assignments);
        let own = assignments(&start_section.settings);
        let mut settings: Vec<String> = shared.chain(own.iter().cloned()).collect();
        let section = format!("task.{task}] with [start.{start}");
        let unfit = |source| CompareError::Input {
            path: self.path.to_owned(),
            job: format!("[{section}]"),
            source: Box::new(source),
        };
        let begun = self.begun(start_section).map_err(unfit)?;
        let recipe = |config: &Config| match &begun {
            Some((_, description)) => recipe_of(description, definition.group, &definition.name),
            None => definition.group.recipe(config.model.kind, config.pretrain.method, &definition.name),
        };
        // The last value counts.
        let tables =
            [format!("start.{start}.settings"), format!("task.{task}.settings"), SETTINGS.to_owned()];
        let config = Config::resolve_over(recipe, start_section.config.as_deref(), &settings)
            .and_then(|config| {
                let purpose = Purpose::FinetuningBySeeds;
                // Those of several starts need not have an effect on each.
                let is_hindered = |text: &_| {
                    Override::parse(SETTINGS, text)
                        .is_ok_and(|given| purpose.hindrance(&config, &given.key).is_some())
                };
                settings.retain(|text| own.contains(text) || !is_hindered(text));
                purpose.require_effect(&config, &overrides(&settings)?)?;
                Ok(config)
            })
            .map_err(self.unusable(section.clone(), &tables))?;
        let shards = task_section.shards_of(config.model.edges());
        if let Some((path, description)) = begun {
            configure(&description, config).map_err(|source| unfit(TrainError::Weights { path, source }))?;
        }
        self.plan.units.insert(task.to_owned(), definition.target_unit());
        let beginning = self.start(start_section);
        for &fraction in &self.grid.fractions {
            let subject = format!("{task}/{start}/{fraction}");
            let place = Path::new(CELLS_FOLDER).join(&subject);
            let folder = self.folder.join(&place);
            let mut arguments = words(&["finetune", "--task"]);
            arguments.extend([named.clone(), "--out".to_owned(), text(&folder)]);
            arguments.extend(beginning.arguments.iter().cloned());
            arguments.extend(["--fraction".to_owned(), fraction.to_string()]);
            arguments.extend(["--seeds".to_owned(), joined(&self.grid.seeds)]);
            push_division(&mut arguments, task_section);
            push_settings(&mut arguments, start_section.config.as_deref(), &settings);
            push_shards(&mut arguments, shards);
            let inputs =
                [&task_section.file, &task_section.split, &start_section.config, &start_section.weights];
            let log = self.log(&place);
            let evaluation = default_out(&folder);
            self.plan.jobs.push(Job {
                kind: JobKind::Finetune,
                subject: subject.clone(),
                arguments,
                inputs: inputs.into_iter().flatten().cloned().collect(),
                // Written when it begins; whether it has ended, the journal says.
                output: folder.clone(),
                folder: folder.clone(),
                log: log.clone(),
                after: beginning.after.clone(),
            });
            let finetuning = self.plan.jobs.len() - 1;
            self.plan.jobs.push(Job {
                kind: JobKind::Evaluate,
                subject,
                arguments: vec!["evaluate".to_owned(), text(&folder)],
                inputs: Vec::new(),
                output: evaluation.join(json::FILE),
                folder: folder.clone(),
                log,
                after: vec![finetuning],
            });
            self.plan.cells.push(Cell {
                task: task.to_owned(),
                start: start.to_owned(),
                fraction,
                folder,
                evaluation: evaluation.join(json::FILE),
                job: finetuning + 1,
            });
        }
        Ok(())
    }

    /// Returns the weights that a start begins with and their description; `None` for fresh ones.
    fn begun(&self, start: &StartSection) -> Result<Option<(PathBuf, Description)>, TrainError> {
        let pretrained = start.pretrain.as_deref().and_then(|name| self.pretrained.get(name));
        if let Some((job, pretraining)) = pretrained {
            let path = self.plan.jobs.get(*job).map(|job| job.output.clone()).unwrap_or_default();
            return Ok(Some((path, Description::of_pretraining(pretraining))));
        }
        let Some(path) = &start.weights else { return Ok(None) };
        Ok(Some((path.clone(), Encoders::read(path)?.description)))
    }

    /// Returns the arguments of a start, and the jobs that it needs.
    fn start(&self, section: &StartSection) -> JobStart {
        let planned = section.pretrain.as_deref().and_then(|name| self.pretrained.get(name));
        let pretraining = planned.and_then(|&(job, _)| Some((job, self.plan.jobs.get(job)?)));
        match (pretraining, &section.weights) {
            (Some((job, pretraining)), _) => JobStart {
                arguments: vec!["--weights".to_owned(), text(&pretraining.output)],
                after: vec![job],
            },
            (None, Some(weights)) => {
                JobStart { arguments: vec!["--weights".to_owned(), text(weights)], after: Vec::new() }
            }
            (None, None) => JobStart { arguments: words(&["--from-scratch"]), after: Vec::new() },
        }
    }

    fn log(&self, place: &Path) -> PathBuf {
        // Not `with_extension`: the fraction 0.5 has none.
        PathBuf::from(format!("{}.{LOG_ENDING}", text(&self.folder.join(LOGS_FOLDER).join(place))))
    }

    /// Returns the error for invalid settings of a section. `tables` are the grid's tables with these settings; the
    /// first that has a key is its place.
    fn unusable(
        &self,
        section: String,
        tables: &[impl AsRef<str>],
    ) -> impl FnOnce(ConfigError) -> CompareError {
        move |source| {
            let place = |key: &str| {
                let keys = tables.iter().map(|table| format!("{}.{key}", table.as_ref()));
                keys.filter_map(|key| self.grid.place_of(&key, self.path)).next()
            };
            let (path, source) = (self.path.to_owned(), Box::new(source.relocated(place)));
            CompareError::Settings { path, section, source }
        }
    }
}

/// The weights that a fine-tuning begins with.
struct JobStart {
    arguments: Vec<String>,
    after: Vec<usize>,
}

/// Parses settings as overrides.
fn overrides(settings: &[String]) -> Result<Vec<Override>, ConfigError> {
    settings.iter().map(|text| Override::parse(SETTINGS, text)).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn joined(numbers: &[impl ToString]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Appends the arguments for the split of a task.
fn push_division(arguments: &mut Vec<String>, section: &TaskSection) {
    if let Some(folds) = &section.folds {
        arguments.extend(["--fold".to_owned(), joined(folds)]);
    }
    if let Some(split) = &section.split {
        arguments.extend(["--split".to_owned(), text(split)]);
    }
    if section.allow_partial {
        arguments.push("--allow-partial".to_owned());
    }
}

fn push_settings(arguments: &mut Vec<String>, config: Option<&Path>, settings: &[String]) {
    if let Some(config) = config {
        arguments.extend(["--config".to_owned(), text(config)]);
    }
    for setting in settings {
        // No key begins with a hyphen: unknown ones were refused.
        arguments.extend(["--set".to_owned(), setting.clone()]);
    }
}

fn push_shards(arguments: &mut Vec<String>, shards: &[String]) {
    arguments.push("--shards".to_owned());
    arguments.extend(shards.iter().map(|shard| operand(shard)));
}
