//! Planning of a grid's jobs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::CompareError;
use super::grid::{Candidate, Grid, StartSection, TaskSection, assignments};
use super::job::{Job, JobKind, joined, push_division, push_settings, push_shards, text, words};
use super::plan::{Cell, Measure, Plan, scoring};
use super::share;
use crate::catalogue;
use crate::config::place::Place;
use crate::config::{Config, ConfigError, Override, Purpose};
use crate::error::TrainError;
use crate::finetune::member::{Encoders, configure, recipe_of};
use crate::pretrain::recipe::recipe;
use crate::report::part::Part;
use crate::run::folder::BEST_FILE;
use crate::task::{Metric, Task};
use crate::unit::PURE;
use crate::weights::Description;

/// Table of the settings of every fine-tuning.
const SETTINGS: &str = "settings";
/// Setting of the share of the training crystals.
const FRACTION: &str = "finetune.fraction";
/// Setting of the shards.
const SHARDS: &str = "data.shards";
const PRETRAIN_FOLDER: &str = "pretrain";
const CELLS_FOLDER: &str = "cells";
const LOGS_FOLDER: &str = "logs";
/// Ending of a log file.
const LOG_ENDING: &str = "log";

/// Plans the product of tasks, starts, searched settings and fractions, and each pre-training that a start needs
/// once. Every fine-tuning is followed by the scoring of the part that is to rank: the test part by default, of a
/// grid that searches the validation part. `path` is the file of the grid for error messages; `folder` is the folder
/// of the comparison. Nothing is written.
///
/// # Errors
/// [`CompareError::Settings`] or [`CompareError::Task`] for sections that no job could use,
/// [`CompareError::Input`] for settings that contradict the weights of a start,
/// [`CompareError::SearchOnTest`] for a search that is to be ranked by the test parts, and
/// [`CompareError::TrainedOnValidation`] for validation parts that are trained on.
pub(super) fn plan(
    grid: &Grid,
    path: &Path,
    folder: &Path,
    ranking: Option<Part>,
) -> Result<Plan, CompareError> {
    let ranking = match (grid.searching(), ranking) {
        (Some(start), Some(Part::Test)) => {
            let place = grid.place_of(&format!("start.{start}.search"), path);
            return Err(CompareError::SearchOnTest { place: place.unwrap_or(Place::Text(path.to_owned())) });
        }
        (Some(_), _) => Part::Validation,
        (None, ranking) => ranking.unwrap_or_default(),
    };
    let plan = Plan { jobs: Vec::new(), cells: Vec::new(), ranking, measures: BTreeMap::new() };
    let mut planner =
        Planner { grid, path, folder, pretrained: BTreeMap::new(), begun: BTreeMap::new(), plan };
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

/// A task and a start, whose cells differ in searched settings and shares.
struct Pair<'a> {
    task: &'a str,
    start: &'a str,
    task_section: &'a TaskSection,
    start_section: &'a StartSection,
    definition: Task,
    /// The task as an argument.
    named: String,
    /// Weights that the start begins with and their description; `None` for fresh ones.
    begun: Option<(PathBuf, Description)>,
}

impl Pair<'_> {
    /// Returns the name of the sections in errors.
    fn section(&self) -> String {
        format!("task.{}] with [start.{}", self.task, self.start)
    }
}

/// A plan under construction.
struct Planner<'a> {
    grid: &'a Grid,
    path: &'a Path,
    folder: &'a Path,
    /// Indices and configurations of the pre-trainings planned so far.
    pretrained: BTreeMap<&'a str, (usize, Config)>,
    /// Weights read so far, by what the grid calls them.
    begun: BTreeMap<&'a Path, (PathBuf, Description)>,
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
                let given = overrides(&settings)?;
                Purpose::Pretraining.require_effect(&config, &given)?;
                require_shards(&given, &config, &section.shards)?;
                Ok(config)
            })
            .map_err(self.unusable(format!("pretrain.{name}"), &[&format!("pretrain.{name}.settings")]))?;
        let place = Path::new(PRETRAIN_FOLDER).join(name);
        let folder = self.folder.join(&place);
        let epochs = Some(config.run.epochs);
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
            shards: section.shards.clone(),
            output: folder.join(BEST_FILE),
            folder,
            log: self.log(&place),
            after: Vec::new(),
            epochs,
            seeds: Vec::new(),
            folds: None,
            pretrained: None,
            anew: false,
        });
        Ok(())
    }

    /// Plans the cells of a task and a start.
    fn cells(&mut self, task: &'a str, start: &'a str) -> Result<(), CompareError> {
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
        if !definition.further.is_empty() || definition.per_site {
            let (path, section) = (self.path.to_owned(), format!("task.{task}"));
            return Err(CompareError::NotOneProperty { path, section, task: definition.name });
        }
        self.require_published(task, definition.metric)?;
        // The unit of a property with classes is that of the value that divides them.
        let unit = if definition.classes().is_empty() { definition.target_unit() } else { PURE.to_owned() };
        let measure = Measure { metric: definition.metric, unit };
        self.plan.measures.insert(task.to_owned(), measure);
        let mut pair = Pair { task, start, task_section, start_section, definition, named, begun: None };
        pair.begun = self.begun(start_section).map_err(self.unfit(&pair))?;
        let candidates = self.grid.candidates(start);
        if candidates.is_empty() {
            return self.finetunings(&pair, None);
        }
        candidates.iter().try_for_each(|candidate| self.finetunings(&pair, Some(candidate)))
    }

    /// Checks that the published numbers for a task are of its metric.
    fn require_published(&self, task: &str, metric: Metric) -> Result<(), CompareError> {
        for entry in &self.grid.published {
            let (wrong, other) = match metric.is_of_classes() {
                true => (("mae", &entry.mae), "score"),
                false => (("score", &entry.score), "mae"),
            };
            if let Some(value) = wrong.1.get(task) {
                let key = format!("published.{}.{}.{task}", entry.model, wrong.0);
                let needed = format!("in `{other}`, since the metric of the task is {}", metric.title());
                return Err(self.grid.refusal(self.path, key, value.to_string(), needed));
            }
        }
        Ok(())
    }

    /// Plans the fine-tunings of a task, a start and searched settings, with the scoring of each.
    fn finetunings(&mut self, pair: &Pair<'a>, candidate: Option<&Candidate>) -> Result<(), CompareError> {
        let Pair { task, start, task_section, start_section, .. } = *pair;
        let (settings, config) = self.settings(pair, candidate)?;
        if self.plan.ranking == Part::Validation && config.finetune.train_on_validation {
            return Err(CompareError::TrainedOnValidation {
                path: self.path.to_owned(),
                section: pair.section(),
            });
        }
        let epochs = Some(config.run.epochs);
        let shards = task_section.shards_of(config.model.edges());
        if let Some((path, description)) = &pair.begun {
            let misfit = |source| TrainError::Weights { path: path.clone(), source };
            configure(description, config).map_err(misfit).map_err(self.unfit(pair))?;
        }
        let beginning = self.start(start_section);
        for &fraction in &self.grid.fractions {
            let share = share::of(fraction, task_section.fraction);
            let subject = match candidate {
                None => format!("{task}/{start}/{share}"),
                Some(candidate) => format!("{task}/{start}/{}/{share}", candidate.name()),
            };
            let place = Path::new(CELLS_FOLDER).join(&subject);
            let folder = self.folder.join(&place);
            let mut arguments = words(&["finetune", "--task"]);
            arguments.extend([pair.named.clone(), "--out".to_owned(), text(&folder)]);
            arguments.extend(beginning.arguments.iter().cloned());
            arguments.extend(["--fraction".to_owned(), share.to_string()]);
            arguments.extend(["--seeds".to_owned(), joined(&self.grid.seeds)]);
            push_division(&mut arguments, task_section);
            push_settings(&mut arguments, start_section.config.as_deref(), &settings);
            push_shards(&mut arguments, shards);
            let files = [&task_section.file, &task_section.split, &start_section.config];
            // A job names them as the grid does, so that it is the same wherever their copy lies.
            let begun = pair.begun.as_ref().filter(|_| start_section.weights.is_some());
            let weights = begun.map(|(path, _)| path);
            let finetuning = Job {
                kind: JobKind::Finetune,
                subject,
                arguments,
                inputs: files.into_iter().flatten().chain(weights).cloned().collect(),
                shards: shards.to_vec(),
                // Written when it begins; whether it has ended, the journal says.
                output: folder.clone(),
                folder: folder.clone(),
                log: self.log(&place),
                after: beginning.after.clone(),
                epochs,
                seeds: self.grid.seeds.clone(),
                folds: task_section.folds.clone(),
                pretrained: beginning.pretrained.clone(),
                anew: false,
            };
            let scores = scoring(self.plan.ranking, &finetuning, self.plan.jobs.len());
            self.plan.jobs.extend([finetuning, scores]);
            self.plan.cells.push(Cell {
                task: task.to_owned(),
                start: start.to_owned(),
                candidate: candidate.cloned(),
                fraction,
                share,
                folder,
                job: self.plan.jobs.len() - 1,
            });
        }
        Ok(())
    }

    /// Returns the settings `key=value` of fine-tunings, and their configuration.
    fn settings(
        &self,
        pair: &Pair<'_>,
        candidate: Option<&Candidate>,
    ) -> Result<(Vec<String>, Config), CompareError> {
        let Pair { task, start, task_section, start_section, definition, begun, .. } = pair;
        let shared = [&self.grid.settings, &task_section.settings].into_iter().flat_map(assignments);
        let mut own = assignments(&start_section.settings);
        own.extend(candidate.iter().flat_map(|candidate| candidate.assignments.iter().cloned()));
        let mut settings: Vec<String> = shared.chain(own.iter().cloned()).collect();
        let recipe = |config: &Config| match begun {
            Some((_, description)) => recipe_of(description, definition.group, &definition.name),
            None => definition.group.recipe(config.model.kind, config.pretrain.method, &definition.name),
        };
        // The last value counts.
        let tables = [
            format!("start.{start}.search"),
            format!("start.{start}.settings"),
            format!("task.{task}.settings"),
            SETTINGS.to_owned(),
        ];
        let config = Config::resolve_over(recipe, start_section.config.as_deref(), &settings)
            .and_then(|config| {
                let purpose = Purpose::FinetuningBySeeds;
                // Those of several starts need not have an effect on each.
                let is_hindered = |text: &_| {
                    Override::parse(SETTINGS, text)
                        .is_ok_and(|given| purpose.hindrance(&config, &given.key).is_some())
                };
                settings.retain(|text| own.contains(text) || !is_hindered(text));
                let given = overrides(&settings)?;
                purpose.require_effect(&config, &given)?;
                self.require_fractions(task_section, &given)?;
                require_shards(&given, &config, task_section.shards_of(config.model.edges()))?;
                Ok(config)
            })
            .map_err(self.unusable(pair.section(), &tables))?;
        Ok((settings, config))
    }

    /// Checks that no setting asks for another share of the training crystals than the shares of the grid and the task, which
    /// are options of the jobs.
    fn require_fractions(&self, task: &TaskSection, settings: &[Override]) -> Result<(), ConfigError> {
        let shares: Vec<f64> =
            self.grid.fractions.iter().map(|&part| share::of(part, task.fraction)).collect();
        let is_whole = |part: &f64| *part == share::WHOLE;
        let other = match (self.grid.fractions.iter().all(is_whole), is_whole(&task.fraction)) {
            (_, true) => "fractions",
            (true, false) => "the task's fraction",
            (false, false) => "the product of fractions and the task's fraction",
        };
        for Override { name, key, value } in settings.iter().filter(|given| given.key == FRACTION) {
            if shares.iter().any(|share| value.parse::<f64>() != Ok(*share)) {
                return Err(ConfigError::Contradiction {
                    place: Place::Override(name),
                    key: key.clone(),
                    value: value.clone(),
                    other,
                    found: joined(&shares).into(),
                });
            }
        }
        Ok(())
    }

    /// Returns the error for settings that contradict the weights of a start.
    fn unfit(&self, pair: &Pair<'_>) -> impl FnOnce(TrainError) -> CompareError {
        let (path, job) = (self.path.to_owned(), format!("[{}]", pair.section()));
        move |source| CompareError::Input { path, job, source: Box::new(source) }
    }

    /// Returns the weights that a start begins with and their description; `None` for fresh ones.
    fn begun(&mut self, start: &'a StartSection) -> Result<Option<(PathBuf, Description)>, TrainError> {
        let pretrained = start.pretrain.as_deref().and_then(|name| self.pretrained.get(name));
        if let Some((job, pretraining)) = pretrained {
            let path = self.plan.jobs.get(*job).map(|job| job.output.clone()).unwrap_or_default();
            return Ok(Some((path, Description::of_pretraining(pretraining))));
        }
        let Some(named) = start.weights.as_deref() else { return Ok(None) };
        if let Some(begun) = self.begun.get(named) {
            return Ok(Some(begun.clone()));
        }
        let path = catalogue::locate(named, &mut ())?.path;
        let begun = (path.clone(), Encoders::read(&path)?.description);
        self.begun.insert(named, begun.clone());
        Ok(Some(begun))
    }

    /// Returns the arguments of a start, and the jobs that it needs.
    fn start(&self, section: &StartSection) -> JobStart {
        let planned = section.pretrain.as_deref().and_then(|name| self.pretrained.get(name));
        let pretraining = planned.and_then(|&(job, _)| Some((job, self.plan.jobs.get(job)?)));
        match (pretraining, &section.weights) {
            (Some((job, pretraining)), _) => JobStart {
                arguments: vec!["--weights".to_owned(), text(&pretraining.output)],
                after: vec![job],
                pretrained: Some(pretraining.output.clone()),
            },
            (None, Some(weights)) => JobStart {
                arguments: vec!["--weights".to_owned(), text(weights)],
                after: Vec::new(),
                pretrained: None,
            },
            (None, None) => {
                JobStart { arguments: words(&["--from-scratch"]), after: Vec::new(), pretrained: None }
            }
        }
    }

    fn log(&self, place: &Path) -> PathBuf {
        // Not `with_extension`: the share 0.5 has none.
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
    /// The weights, if they are those of a pre-training of the comparison.
    pretrained: Option<PathBuf>,
}

/// Checks that no setting asks for other shards than those of the section, which are options of the jobs. `config` is that
/// of the settings.
fn require_shards(settings: &[Override], config: &Config, shards: &[String]) -> Result<(), ConfigError> {
    match settings.iter().rfind(|given| given.key == SHARDS) {
        Some(Override { name, key, value }) if config.data.shards != shards => {
            Err(ConfigError::Contradiction {
                place: Place::Override(name),
                key: key.clone(),
                value: value.clone(),
                other: "shards",
                found: joined(shards).into(),
            })
        }
        _ => Ok(()),
    }
}

/// Parses settings as overrides.
fn overrides(settings: &[String]) -> Result<Vec<Override>, ConfigError> {
    settings.iter().map(|text| Override::parse(SETTINGS, text)).collect()
}
