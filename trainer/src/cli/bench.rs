//! `trainer bench`, and what `trainer pretrain --dry-run` shows.

use std::num::NonZeroUsize;

use clap::Args;
use trainer::bench::{Report, Request, bench};
use trainer::config::Config;
use trainer::device::DeviceName;

use super::Outcome;
use super::out::{say, write};
use super::settings::{Machine, Settings};

/// Tensors of every parameter that training holds: weight, gradient, two running means.
const TENSORS_A_PARAMETER: usize = 4;
/// Bytes of a single-precision number.
const BYTES: usize = 4;

/// Steps that are timed unless asked for otherwise.
const DEFAULT_STEPS: NonZeroUsize = NonZeroUsize::new(10).expect("ten is not nought");

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    machine: Machine,
    /// Steps to time
    #[arg(long, default_value_t = DEFAULT_STEPS, value_name = "N")]
    steps: NonZeroUsize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl BenchArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let device = self.machine.prepare()?;
        let config = self.settings.resolve(&[])?;
        let report = bench(&Request { config, device, steps: self.steps.get() })?;
        match self.json {
            true => say!("{}", serde_json::to_string(&report)?),
            false => print(&report)?,
        }
        Ok(Outcome::Clean)
    }
}

/// Sizes, memory and one timed step.
pub(crate) fn dry_run(config: Config, device: DeviceName) -> anyhow::Result<()> {
    write(format_args!("{}", config.to_toml()))?;
    print(&bench(&Request { config, device, steps: 1 })?)
}

fn print(report: &Report) -> anyhow::Result<()> {
    let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let size = &report.size;
    say!(
        "batch        {} crystals, {} atoms, {} edges, {} triplets",
        size.crystals,
        size.atoms,
        size.edges,
        size.triplets
    );
    let bytes = report.parameters * TENSORS_A_PARAMETER * BYTES;
    say!("parameters   {}; weights, gradients and optimiser {:.0} MiB", report.parameters, mebibytes(bytes));
    say!(
        "step         {:.1} ms at best, {:.1} ms in the middle; {:.0} crystals/s on {}",
        1e3 * report.seconds.step.min,
        1e3 * report.seconds.step.median,
        report.crystals_per_s_min_step,
        report.device
    );
    say!(
        "data path    {:.0} crystals/s with {} building thread(s)",
        report.data_path.crystals_per_s,
        report.data_path.workers
    );
    say!(
        "memory       {:.0} MiB resident; a batch of this size needs about {:.0} MiB beside the weights",
        report.resident_bytes as f64 / f64::from(1 << 20),
        report.estimated_batch_bytes as f64 / f64::from(1 << 20)
    );
    Ok(())
}
