//! `trainer pretrain`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use schemas::count::counted;
use trainer::config::{Config, Purpose};
use trainer::pretrain::recipe::recipe;
use trainer::pretrain::{Request, Summary, pretrain};
use trainer::ranks::Ranks;
use trainer::run::folder::Existing;
use trainer::run::interrupt::Interrupt;
use trainer::run::training_run::Ending;

use super::Outcome;
use super::out::say;
use super::settings::{Machine, Settings};
use super::suggestions;
use super::weights::located;

/// Default folder of a run.
const DEFAULT_FOLDER: &str = "runs/pretrain";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer pretrain --shards data/oqmd data/jarvis --out runs/a --epochs 10
  trainer pretrain --shards data/oqmd data/jarvis --out runs/a --epochs 10 --resume")]
pub(crate) struct PretrainArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    machine: Machine,
    /// Folder of the run: configuration, records, curves, best weights, last checkpoint
    #[arg(long, default_value = DEFAULT_FOLDER, value_name = "FOLDER", help_heading = "Output")]
    out: PathBuf,
    /// Go on with the run in --out from its last checkpoint
    #[arg(long, conflicts_with_all = ["overwrite", "weights"], help_heading = "Output")]
    resume: bool,
    /// Remove the run in --out and begin anew; other files stay
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    /// Weights to begin with: a file (safetensors), or a name of `trainer weights list`
    #[arg(
        long,
        value_name = "WEIGHTS",
        value_parser = suggestions::weights(),
        hide_possible_values = true,
        help_heading = "Training"
    )]
    weights: Option<PathBuf>,
    /// The pre-training: mmpt, crystal-twins, infograph, denoise or mmpt+denoise
    #[arg(
        long,
        value_name = "NAME",
        value_parser = suggestions::methods(),
        hide_possible_values = true,
        help_heading = "Training"
    )]
    method: Option<String>,
    /// Passes over the data
    #[arg(long, value_name = "N", help_heading = "Training")]
    epochs: Option<u64>,
    /// Learning rate
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    learning_rate: Option<f64>,
    /// Stop after so many epochs without a better loss
    #[arg(long, value_name = "EPOCHS", help_heading = "Training")]
    early_stop: Option<u64>,
    /// Labels of the periodic attributes: centred or cell
    #[arg(
        long,
        value_name = "KIND",
        value_parser = suggestions::labels(),
        hide_possible_values = true,
        help_heading = "Training"
    )]
    labels: Option<String>,
    /// Show sizes and memory, time a few steps on crystals drawn from the whole store, say how long an epoch
    /// and the run take; train nothing
    #[arg(long)]
    dry_run: bool,
    /// Also write the records as event files for TensorBoard, in a folder of the run's name in this one
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run", help_heading = "Output")]
    tensorboard: Option<PathBuf>,
    /// No progress
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

impl PretrainArguments {
    pub(crate) fn run(&self, ranks: &Arc<dyn Ranks>) -> anyhow::Result<Outcome> {
        let weights = self.weights.as_deref();
        let weights = weights.map(|weights| located(weights, self.quiet || !ranks.leads())).transpose()?;
        let device = self.machine.prepare()?;
        let config = self.resolve()?;
        if self.dry_run {
            anyhow::ensure!(ranks.is_alone(), "--dry-run is for one process, not {}", ranks.count());
            super::bench::dry_run(config, device, weights)?;
            return Ok(Outcome::Clean);
        }
        let existing = Existing::of(self.resume, self.overwrite);
        self.settings.require_outside(&self.out, existing)?;
        let request = Request {
            config,
            folder: self.out.clone(),
            existing,
            device,
            ranks: Arc::clone(ranks),
            weights,
            tensorboard: self.tensorboard.clone(),
            quiet: self.quiet,
        };
        let summary = pretrain(request, &Interrupt::install()?)?;
        self.report(&summary, ranks.leads())
    }

    fn resolve(&self) -> anyhow::Result<Config> {
        let flags = [
            ("--method", "pretrain.method", self.method.clone()),
            ("--epochs", "run.epochs", self.epochs.map(|value| value.to_string())),
            (
                "--learning-rate",
                "optimiser.learning_rate",
                self.learning_rate.map(|value| format!("{value:e}")),
            ),
            ("--early-stop", "run.early_stop", self.early_stop.map(|value| value.to_string())),
            ("--labels", "pretrain.mmpt.labels", self.labels.clone()),
        ];
        self.settings.resolve_over(recipe, Some(Purpose::Pretraining), &flags)
    }

    /// Reports the result of the run, on one of the processes.
    fn report(
        &self,
        Summary { ending, state, last, constants }: &Summary,
        leads: bool,
    ) -> anyhow::Result<Outcome> {
        if !leads {
            return Ok(Outcome::of(*ending == Ending::Interrupted));
        }
        let folder = self.out.display();
        if *ending == Ending::Interrupted {
            say!("interrupted in epoch {}; --resume goes on from {folder}", state.epoch + 1);
            return Ok(Outcome::Interrupted);
        }
        let early = if *ending == Ending::EarlyStopped { ", stopped early" } else { "" };
        say!("{}{early}, {}: {folder}", counted(state.epoch, "epoch"), counted(state.step, "step"));
        for (name, value) in last.iter().flatten() {
            match constants.get(name) {
                Some(constant) => say!("{name:>7} {value:>9.4}   a constant predictor: {constant:.4}"),
                None => say!("{name:>7} {value:>9.4}"),
            }
        }
        Ok(Outcome::Clean)
    }
}
