//! `trainer finetune`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{ArgGroup, Args, ValueEnum};
use schemas::count::{agree, counted};
use trainer::config::finetune::Loss;
use trainer::config::{Config, Purpose};
use trainer::evaluate::{default_out, remove_results};
use trainer::finetune::ensemble::Member;
use trainer::finetune::member::Encoders;
use trainer::finetune::request::{RequestError, Target, TargetRequest, require_effect};
use trainer::finetune::{Request, Summary, finetune_reporting, recipe};
use trainer::ranks::Ranks;
use trainer::report::json;
use trainer::report::part::Part;
use trainer::run::folder::{BEST_FILE, Existing};
use trainer::run::interrupt::Interrupt;
use trainer::run::progress::Progress;
use trainer::task::rule::{LEAST_FOLDS, MOST_FOLDS};
use trainer::task::{self, Task, Transform};
use trainer::unit;

use super::Outcome;
use super::evaluate;
use super::hints;
use super::out::{remark, remark_undescribed, say};
use super::settings::{Machine, Settings};
use super::suggestions;
use super::weights::located;

/// Default folder of all runs.
const DEFAULT_FOLDER: &str = "runs";
/// Maximum number of excluded crystals that are named on the terminal.
const MOST_NAMED: usize = 10;
/// Parts of the model that can be frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Frozen {
    Encoder,
}

/// Transforms of a property to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TransformName {
    /// The property itself, as without a transform: targets are always standardised for training
    #[value(alias = "standard")]
    None,
    /// Decadic logarithm
    Log10,
    /// Natural logarithm of 1 + value
    Log1p,
    /// Square root
    Sqrt,
}

impl From<TransformName> for Transform {
    fn from(name: TransformName) -> Self {
        match name {
            TransformName::None => Self::None,
            TransformName::Log10 => Self::Log10,
            TransformName::Log1p => Self::Log1p,
            TransformName::Sqrt => Self::Sqrt,
        }
    }
}

/// The paper's groups of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Matbench,
    Other,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer finetune --property band_gap_ev --shards data/oqmd --from-scratch
  trainer finetune --task matbench_jdft2d --shards data/jdft2d \\
      --weights runs/a/best.safetensors --seeds 1,2,3 --tensorboard boards")]
#[command(group(ArgGroup::new("start").required(true).args(["weights", "from_scratch"])))]
#[command(group(ArgGroup::new("target").required(true).args(["task", "property"])))]
pub(crate) struct FinetuneArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    machine: Machine,
    /// A built-in task, such as matbench_jdft2d, or a TOML file of one
    #[arg(long, value_name = "TASK", value_parser = suggestions::tasks(), hide_possible_values = true)]
    task: Option<String>,
    /// A property column of the store, such as band_gap_ev, instead of a task; its members are tested at the end. Several
    /// columns, separated by commas, are learnt by one model. A column of texts is one of classes, one of lists holds a
    /// number of every site
    #[arg(
        long,
        value_name = "COLUMN",
        value_delimiter = ',',
        num_args = 1..,
        value_parser = suggestions::properties(),
        hide_possible_values = true
    )]
    property: Vec<String>,
    /// Transform of every property, in their order: the model learns its values. Predictions are in the property's unit
    // Beside a task `requires` asks for nothing, since the group excludes the property that it names.
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        value_delimiter = ',',
        num_args = 1..,
        requires = "property",
        conflicts_with = "task"
    )]
    transform: Vec<TransformName>,
    /// Predict classes: each different whole number of the property is one
    #[arg(long, requires = "property", conflicts_with_all = ["task", "transform"])]
    classify: bool,
    /// Predict whether the property is above this value, as two classes
    #[arg(
        long,
        value_name = "VALUE",
        allow_negative_numbers = true,
        requires = "property",
        conflicts_with_all = ["task", "transform", "classify"]
    )]
    above: Option<f64>,
    /// Weights to begin with, pre-trained or fine-tuned: a file (safetensors), or a name of `trainer weights list`
    #[arg(long, value_name = "WEIGHTS", value_parser = suggestions::weights(), hide_possible_values = true)]
    weights: Option<PathBuf>,
    /// Begin with fresh weights
    #[arg(long)]
    from_scratch: bool,
    /// Folder of all members; runs/<TASK> or runs/<COLUMN> unless given
    #[arg(long, value_name = "FOLDER", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Seeds, one member each (and for each fold)
    #[arg(
        long,
        value_name = "SEED",
        value_delimiter = ',',
        num_args = 1..,
        conflicts_with = "seed",
        help_heading = "Folds and seeds"
    )]
    seeds: Vec<u64>,
    /// Folds to train, by number from 0; every one unless given
    #[arg(long, value_name = "FOLD", value_delimiter = ',', num_args = 1.., help_heading = "Folds and seeds")]
    fold: Option<Vec<usize>>,
    /// Of a property: cross-validation by so many folds of the same size and with values alike. Without this and --split,
    /// the folds of the store, or 5 below 5,000 crystals
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(LEAST_FOLDS..=MOST_FOLDS),
        requires = "property",
        conflicts_with_all = ["task", "split"],
        help_heading = "Folds and seeds"
    )]
    folds: Option<u64>,
    /// List of the crystals of every part (JSON or CSV), for tasks that are divided by one. Of a property also a split
    /// column of the store, or `hash` for a tenth each of validation and test by identifier
    #[arg(long, value_name = "COLUMN|FILE|hash", help_heading = "Folds and seeds")]
    split: Option<String>,
    /// Accept parts that are smaller than the task says
    #[arg(long, help_heading = "Folds and seeds")]
    allow_partial: bool,
    /// Recipe of the paper's MatBench tasks or of its others, instead of that of the task's group
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Training")]
    regime: Option<Group>,
    /// Share of the training crystals to use, from 0 to 1
    #[arg(long, value_name = "SHARE", help_heading = "Folds and seeds")]
    fraction: Option<f64>,
    /// Part of the model that stays as it is
    #[arg(long, value_enum, value_name = "PART", help_heading = "Training")]
    freeze: Option<Frozen>,
    /// Passes over the data
    #[arg(long, value_name = "N", help_heading = "Training")]
    epochs: Option<u64>,
    /// Learning rate of the encoders
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    learning_rate: Option<f64>,
    /// Learning rate of the head
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    head_learning_rate: Option<f64>,
    /// Stop a member after so many epochs without a lower validation error
    #[arg(long, value_name = "EPOCHS", help_heading = "Training")]
    early_stop: Option<u64>,
    /// Go on with the members in --out from their last checkpoints
    #[arg(long, help_heading = "Output")]
    resume: bool,
    /// Remove the members in --out and begin anew
    #[arg(long, conflicts_with = "resume", help_heading = "Output")]
    overwrite: bool,
    /// Also write the records as event files for TensorBoard, in a folder of the run's name in this one
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    tensorboard: Option<PathBuf>,
    /// No progress
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

impl FinetuneArguments {
    pub(crate) fn run(&self, ranks: &Arc<dyn Ranks>) -> anyhow::Result<Outcome> {
        let weights = self.weights.as_deref();
        let weights = weights.map(|weights| located(weights, self.quiet || !ranks.leads())).transpose()?;
        let device = self.machine.prepare()?;
        let Target { task, split_file, labelled, remarks } = self.target()?;
        let config = self.resolve(&task, labelled, weights.as_deref())?;
        require_effect(&task, &self.settings.overrides()?)?;
        let existing = Existing::of(self.resume, self.overwrite);
        let request = Request {
            folder: self.out.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FOLDER).join(&task.name)),
            seeds: if self.seeds.is_empty() { vec![config.seed] } else { self.seeds.clone() },
            task,
            config,
            weights,
            folds: self.fold.clone(),
            split_file,
            allow_partial: self.allow_partial,
            existing,
            remove_results,
            device,
            ranks: Arc::clone(ranks),
            tensorboard: self.tensorboard.clone(),
            quiet: self.quiet,
        };
        self.settings.require_outside(&request.folder, existing)?;
        let interrupt = Interrupt::install()?;
        let summary = finetune_reporting(&request, &interrupt, |runs| {
            // When nothing is at fault, and before the training, which may take long.
            for unusual in &remarks {
                remark!("trainer: {}", hints::remarked(unusual));
            }
            Progress::new(runs, request.quiet)
        })?;
        let is_property = !self.property.is_empty();
        let outcome = report(&request, &summary, is_property)?;
        if !is_property || outcome != Outcome::Clean || !ranks.leads() {
            return Ok(outcome);
        }
        let Request { folder, device, .. } = request;
        let (out, shards, authors) = (default_out(&folder), Vec::new(), String::new());
        let part = Part::Test;
        let show = Vec::new();
        evaluate::test(&evaluate::Request { folder, out, part, shards, authors, show, device, interrupt })
    }

    /// Loads the task, or makes that of the property.
    fn target(&self) -> anyhow::Result<Target> {
        let request = TargetRequest {
            task: self.task.clone(),
            properties: self.property.clone(),
            transforms: self.transform.iter().map(|&name| name.into()).collect(),
            classify: self.classify,
            above: self.above,
            folds: self.folds,
            split: self.split.clone(),
        };
        request.load(|| self.settings.shards_and_seed()).map_err(with_option)
    }

    /// Resolves the configuration over the recipe of a task, or of a property with so many labelled crystals, for the
    /// encoders of a weights file if there is one.
    fn resolve(
        &self,
        task: &Task,
        labelled: Option<usize>,
        weights: Option<&Path>,
    ) -> anyhow::Result<Config> {
        let group = self.regime.map(|regime| match regime {
            Group::Matbench => task::Group::Matbench,
            Group::Other => task::Group::Other,
        });
        let encoders = weights.map(Encoders::read).transpose()?;
        self.settings.resolve_over(
            recipe(task, group, encoders.as_ref(), labelled),
            Some(if self.seeds.is_empty() { Purpose::Finetuning } else { Purpose::FinetuningBySeeds }),
            &[
                ("--epochs", "run.epochs", self.epochs.map(|value| value.to_string())),
                ("--early-stop", "run.early_stop", self.early_stop.map(|value| value.to_string())),
                (
                    "--learning-rate",
                    "optimiser.learning_rate",
                    self.learning_rate.map(|value| format!("{value:e}")),
                ),
                (
                    "--head-learning-rate",
                    "finetune.head_learning_rate",
                    self.head_learning_rate.map(|value| format!("{value:e}")),
                ),
                ("--fraction", "finetune.fraction", self.fraction.map(|value| value.to_string())),
                ("--freeze", "finetune.freeze_encoder", self.freeze.map(|_| true.to_string())),
            ],
        )
    }
}

/// Returns an error with the option in the place of the setting. All others are refused with the arguments, or name none.
fn with_option(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<RequestError>() {
        Ok(error @ RequestError::Transforms { .. }) => anyhow::anyhow!("--{error}"),
        Ok(error) => error.into(),
        Err(other) => other,
    }
}

/// Returns the name of the validation loss of a task, and its unit with a space before it.
fn validation_loss(task: &Task, loss: Loss) -> (&'static str, String) {
    let of_numbers = if loss == Loss::Quantile { loss.reported() } else { "MAE" };
    match (task.classes().is_empty(), task.further.is_empty()) {
        (false, _) => ("cross entropy", String::new()),
        (true, true) => (of_numbers, unit::shown(" ", &task.target_unit(), "")),
        (true, false) => (of_numbers, " standard deviations".to_owned()),
    }
}

/// Reports the results of the members, on one of the processes. `is_tested` tells whether they are tested next.
fn report(request: &Request, summary: &Summary, is_tested: bool) -> anyhow::Result<Outcome> {
    if !request.ranks.leads() {
        return Ok(Outcome::of(summary.interrupted));
    }
    if let Some(weights) = request.weights.as_ref().filter(|_| !summary.described) {
        remark_undescribed(weights);
    }
    for excluded in summary.excluded.iter().take(MOST_NAMED) {
        let value = excluded.value.as_ref().map(|value| format!(" ({value})")).unwrap_or_default();
        remark!("trainer: left out: {}{value}: {}", excluded.material_id, excluded.reason);
    }
    if summary.excluded.len() > MOST_NAMED {
        eprintln!("trainer: left out: {} more", summary.excluded.len() - MOST_NAMED);
    }
    for unusual in &summary.remarks {
        remark!("trainer: {}", hints::remarked(unusual));
    }
    let (loss, unit) = validation_loss(&request.task, request.config.finetune.loss);
    // The last member of an interrupted training is the one that has not come to its end.
    let unfinished = summary.members.last().filter(|_| summary.interrupted);
    for member in &summary.members {
        let Member { fold, seed, train, validation_error, best_epoch, epochs, .. } = member;
        let epochs = if unfinished == Some(member) { &request.config.run.epochs } else { epochs };
        let best = match (validation_error, best_epoch) {
            (Some(error), Some(epoch)) => {
                format!("validation {loss} {}{unit} in epoch {epoch}", unit::number(*error, *error, 5))
            }
            _ => "no epoch is done".to_owned(),
        };
        say!("{fold}, seed {seed}: {best} of {epochs}; {} trained on", counted(*train, "crystal"));
    }
    let folder = request.folder.display();
    // An interrupted training is not tested next.
    if (!is_tested || summary.interrupted) && has_scores_of_earlier_weights(request, summary) {
        remark!("trainer: {} has the scores of earlier weights", default_out(&request.folder).display());
    }
    if summary.interrupted {
        say!("interrupted; --resume goes on from {folder}");
        return Ok(Outcome::Interrupted);
    }
    let (count, them) = (summary.members.len(), agree(&summary.members.len(), "it", "them"));
    match is_tested {
        true => say!("{}: {folder}", counted(count, "member")),
        false => say!("{}: {folder}; trainer evaluate {folder} tests {them}", counted(count, "member")),
    }
    Ok(Outcome::Clean)
}

/// Whether a member's weights are newer than the scores of the fine-tuning.
fn has_scores_of_earlier_weights(request: &Request, summary: &Summary) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let Some(scored) = modified(&default_out(&request.folder).join(json::file(Part::Test))) else {
        return false;
    };
    summary
        .members
        .iter()
        .filter_map(|member| modified(&member.folder.join(BEST_FILE)))
        .any(|best| best > scored)
}
