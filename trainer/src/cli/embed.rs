//! `trainer embed`

use std::path::PathBuf;

use clap::Args;
use schemas::count::counted;
use trainer::config::Purpose;
use trainer::embed::{Request, embed};
use trainer::run::interrupt::Interrupt;

use super::Outcome;
use super::bar::Bar;
use super::out::{remark_undescribed, say};
use super::settings::{Machine, Settings};
use super::suggestions;
use super::weights::located;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer embed --shards data/oqmd --weights runs/a/best.safetensors --out h.csv
  trainer embed --shards data/oqmd --weights runs/a/best.safetensors --out h.parquet --per-atom")]
pub(crate) struct EmbedArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    machine: Machine,
    /// Weights: a run's best.safetensors, its last checkpoint, a PyTorch user's file, or a name of `trainer weights
    /// list`
    #[arg(long, value_name = "WEIGHTS", value_parser = suggestions::weights(), hide_possible_values = true)]
    weights: PathBuf,
    /// The table to write: .parquet, .csv, .json or .jsonl
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: PathBuf,
    /// Replace the table in --out
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    /// Add h_s: one vector for every site; not in a CSV
    #[arg(long, help_heading = "Output")]
    per_atom: bool,
}

impl EmbedArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let weights = located(&self.weights, false)?;
        let device = self.machine.prepare()?;
        let config = self.settings.resolve(Some(Purpose::Embedding), &[])?;
        self.settings.require_apart(&self.out)?;
        let request = Request {
            weights,
            data: config.data,
            out: self.out.clone(),
            overwrite: self.overwrite,
            per_atom: self.per_atom,
            device,
            // Ctrl-C ends the program, and nothing is written.
            interrupt: Interrupt::default(),
        };
        let bar = Bar::new(false);
        let summary = embed(&request, &mut |position| bar.show(position));
        drop(bar);
        let summary = summary?;
        if !summary.described {
            remark_undescribed(&self.weights);
        }
        say!("{}: {}", counted(summary.crystals, "crystal"), self.out.display());
        Ok(Outcome::Clean)
    }
}
