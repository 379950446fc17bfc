//! `trainer compare`

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use schemas::count::{agree, counted};
use schemas::limits::MAX_THREADS;
use trainer::compare::schedule::{State, slots};
use trainer::compare::{Chosen, Request, compare, planned};
use trainer::device::DeviceName;
use trainer::run::interrupt::Interrupt;

use super::Outcome;
use super::out::say;
use super::part::PartName;
use super::suggestions;

#[derive(Debug, Args)]
#[command(after_help = "\
trainer/grids holds grids to begin with; the documentation of trainer::compare::grid explains every key. \
What is done already is not done again: the same command goes on after Ctrl-C, a failure or a power cut. \
The exit status is 1 if a job has failed, or a search could not choose.

A grid can search settings of a start, as in
  [start.mmpt.search]
  optimiser.learning_rate = [1e-4, 3e-4, 1e-3]
The candidates are ranked by the validation parts, and the best one of each task and start alone is tested.

Examples:
  trainer compare trainer/grids/smoke.toml --out runs/smoke --dry-run
  trainer compare trainer/grids/search.toml --out runs/search
  trainer compare trainer/grids/jdft2d.toml --out runs/jdft2d --on validation     # tests nothing
  trainer compare trainer/grids/table2.toml --out runs/table2 --devices cuda:0,cuda:1")]
pub(crate) struct CompareArguments {
    /// What is compared (TOML)
    #[arg(value_name = "GRID")]
    grid: PathBuf,
    /// Parts by whose scores the runs are ranked; test unless the grid searches settings
    ///
    /// With validation, nothing is tested but what a search has chosen.
    #[arg(long, value_name = "PART")]
    on: Option<PartName>,
    /// Folder of the runs, tables and figures
    #[arg(long, value_name = "FOLDER", help_heading = "Output")]
    out: PathBuf,
    /// Where jobs run, one at a time each: cpu, libtorch, cuda:0,cuda:1
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "cpu",
        value_parser = suggestions::devices(),
        hide_possible_values = true,
        help_heading = "Machine"
    )]
    devices: Vec<String>,
    /// Jobs at a time on a device that is no CUDA device
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Machine")]
    jobs: NonZeroUsize,
    /// Threads that all jobs share; every core unless given
    #[arg(long, value_name = "N", help_heading = "Machine")]
    threads: Option<NonZeroUsize>,
    /// Show the jobs, run none
    #[arg(long)]
    dry_run: bool,
    /// No progress, failures alone
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

impl CompareArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let mut devices: Vec<DeviceName> = Vec::with_capacity(self.devices.len());
        for name in &self.devices {
            let device = name.parse()?;
            anyhow::ensure!(!devices.contains(&device), "--devices names {device} twice");
            devices.push(device);
        }
        let threads = match self.threads {
            Some(threads) => threads,
            None => std::thread::available_parallelism().context("cannot count the cores")?,
        };
        for (option, count) in [("--threads", threads.get()), ("--jobs", self.jobs.get())] {
            anyhow::ensure!(count <= MAX_THREADS, "{option} {count}: must be at most {MAX_THREADS}");
        }
        let request = Request {
            grid: self.grid.clone(),
            folder: self.out.clone(),
            ranking: self.on.map(Into::into),
            slots: slots(&devices, self.jobs.get(), threads.get()),
            quiet: self.quiet,
        };
        if self.dry_run {
            for job in planned(&request)? {
                let state = if job.finished { "done " } else { "to do" };
                say!("{state} {}: {}", job.name, job.command);
            }
            return Ok(Outcome::Clean);
        }
        for device in &devices {
            device.open()?;
        }
        let interrupt = Interrupt::install()?;
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let summary = compare(&request, program, &|| interrupt.requested())?;
        for Chosen { group, settings } in &summary.chosen {
            match settings {
                Some(settings) => say!("chosen for {group}: {settings}"),
                None => say!("chosen for {group}: nothing yet, not all settings have a score"),
            }
        }
        for file in &summary.files {
            say!("{}", file.display());
        }
        let count = |is: fn(&State) -> bool| summary.jobs.iter().filter(|(_, state)| is(state)).count();
        let (all, done) = (summary.jobs.len(), count(|state| *state == State::Finished));
        let failed = count(|state| matches!(state, State::Failed(_)));
        let skipped = count(|state| matches!(state, State::Skipped(_)));
        let jobs = format!("{} {}", counted(all, "job"), agree(&done, "is", "are"));
        say!("{done} of {jobs} done, {failed} failed, {skipped} skipped: {}", self.out.display());
        if interrupt.requested() && done + failed + skipped < all {
            let kept = if done > 0 { " what is done is kept, and in the tables;" } else { "" };
            say!("interrupted;{kept} the same command goes on");
            return Ok(Outcome::Interrupted);
        }
        let is_undecided = summary.chosen.iter().any(|chosen| chosen.settings.is_none());
        Ok(if failed > 0 || is_undecided { Outcome::Findings } else { Outcome::Clean })
    }
}
