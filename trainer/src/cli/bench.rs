//! `trainer bench` and `trainer pretrain --dry-run`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use schemas::count::counted;
use schemas::text;
use trainer::bench::estimate::Estimate;
use trainer::bench::{Choice, Memory, Report, Request, Training, bench};
use trainer::config::{Config, Purpose};
use trainer::data::size::LargestBatch;
use trainer::device::DeviceName;
use trainer::pretrain::recipe::recipe;
use trainer::run::span::about;

use super::Outcome;
use super::out::{say, write};
use super::settings::{Machine, Settings};

/// Number of tensors per parameter during training: weight, gradient and two running means.
const TENSORS_A_PARAMETER: usize = 4;
/// Number of bytes of a single-precision number.
const BYTES: usize = 4;

/// Default number of timed steps.
const DEFAULT_STEPS: NonZeroUsize = NonZeroUsize::new(10).expect("ten is not nought");

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer bench --shards data/oqmd
  trainer bench --shards data/oqmd --finetune --device libtorch --steps 20 --json")]
pub(crate) struct BenchArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    machine: Machine,
    /// Steps to time, each on other crystals drawn from the whole store
    #[arg(long, default_value_t = DEFAULT_STEPS, value_name = "N")]
    steps: NonZeroUsize,
    /// Time every step on the first batch of the store, as for a comparison with another program
    #[arg(long)]
    first_batch: bool,
    /// Time the training of a property's model instead of a pre-training
    #[arg(long)]
    finetune: bool,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl BenchArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let device = self.machine.prepare()?;
        let (training, purpose) = match self.finetune {
            true => (Training::Finetuning, Purpose::Finetuning),
            false => (Training::Pretraining, Purpose::Pretraining),
        };
        let config = match training {
            Training::Finetuning => self.settings.resolve(Some(purpose), &[])?,
            Training::Pretraining => self.settings.resolve_over(recipe, Some(purpose), &[])?,
        };
        let choice = if self.first_batch { Choice::First } else { Choice::Drawn };
        let (steps, weights) = (self.steps.get(), None);
        let report = bench(&Request { config, device, steps, choice, training, weights })?;
        match self.json {
            true => say!("{}", text::json(&serde_json::to_string(&report)?)),
            false => print(&report)?,
        }
        Ok(Outcome::Clean)
    }
}

/// Prints the configuration, then times a few steps, from the weights of a file if there is one, and prints sizes,
/// memory and estimated times.
pub(crate) fn dry_run(config: Config, device: DeviceName, weights: Option<PathBuf>) -> anyhow::Result<()> {
    write(format_args!("{}", config.to_toml()))?;
    let (steps, choice, training) = (DEFAULT_STEPS.get(), Choice::Drawn, Training::Pretraining);
    print(&bench(&Request { config, device, steps, choice, training, weights })?)
}

fn print(report: &Report) -> anyhow::Result<()> {
    let size = &report.size;
    let numbers = format!(
        "{}, {}, {}, {}",
        counted(size.crystals, "crystal"),
        counted(size.atoms, "atom"),
        counted(size.edges, "edge"),
        counted(size.triplets, "triplet")
    );
    match report.estimate {
        Some(_) => say!("batch        {numbers}: the mean of {} drawn", report.batches),
        None => say!("batch        {numbers}: the first"),
    }
    let bytes = report.parameters * TENSORS_A_PARAMETER * BYTES;
    say!(
        "parameters   {}; weights, gradients and optimiser {} MiB",
        report.parameters,
        mebibytes(bytes as u64)
    );
    say!(
        "step         {:.1} ms at best, {:.1} ms in the middle; {:.0} crystals/s on {}",
        1e3 * report.seconds.step.min,
        1e3 * report.seconds.step.median,
        report.crystals_per_s,
        report.device
    );
    say!(
        "data path    {:.0} crystals/s with {}",
        report.data_path.crystals_per_s,
        counted(report.data_path.workers, "building thread")
    );
    print_memory(&report.memory)?;
    if let Some(Estimate { epoch_seconds, epochs, run_seconds, may_stop_early }) = report.estimate {
        let most = if may_stop_early { "at most about" } else { "about" };
        say!(
            "time         an epoch takes about {}, the run {most} {} ({})",
            about(epoch_seconds),
            about(run_seconds),
            counted(epochs, "epoch")
        );
    }
    Ok(())
}

fn print_memory(memory: &Memory) -> anyhow::Result<()> {
    let LargestBatch { crystals, size } = memory.largest_batch;
    let (most, step) = (mebibytes(memory.bound_bytes), mebibytes(memory.largest_batch_bytes));
    let largest = format!(
        "the largest batch that can occur, {} with {},",
        counted(crystals, "crystal"),
        counted(size.edges, "edge")
    );
    match memory.steps_on_host {
        true => say!("memory       a run takes at most {most} MiB; {largest} needs {step} MiB of them"),
        false => say!(
            "memory       a run takes at most {most} MiB; {largest} needs about {step} MiB on the device"
        ),
    }
    if let Some(available) = memory.available_bytes.filter(|available| *available < memory.bound_bytes) {
        say!(
            "             only {} MiB are free: --batch-triplets bounds what large crystals take",
            mebibytes(available)
        );
    }
    Ok(())
}

/// Converts bytes to mebibytes, rounded up.
fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
