//! `trainer predict`

use std::path::PathBuf;

use clap::Args;
use schemas::count::counted;
use trainer::data::BatchLimit;
use trainer::data::stream::{DEFAULT_QUEUE, DEFAULT_WORKERS};
use trainer::device;
use trainer::predict::{
    DEFAULT_BATCH_CRYSTALS, DEFAULT_BATCH_TRIPLETS, Given, Member, Request, Summary, absent_members, predict,
    weights_files,
};
use trainer::run::interrupt::Interrupt;

use super::Outcome;
use super::bar::Bar;
use super::out::{remark, remark_unfinished, say, say_noted};
use super::settings::Machine;
use super::structures::StructureArguments;
use super::suggestions;
use super::weights::located;

#[derive(Debug, Args)]
#[command(after_help = "\
Columns: material_id, formula, property, unit (of the property), prediction (the mean of several models), deviation \
(population standard deviation of several models), lower_90 and upper_90 (an interval that holds the values of 90 % of \
such crystals; empty unless the models were kept after their last epoch, as of --property) and, for a transformed \
target, transformed. Of classes: prediction is the most probable one, with its confidence and the probability of \
each. Of a \
folder the CIFs and POSCARs are read, by their names; archives, JSON files and tables are to be named. Stores \
are taken as they were built: --max-sites, --min-contact and --reject-isolated are about structures. What cannot \
be read is listed in OUT's name with .rejects.csv; the exit status is then 1, or 2 if nothing could be predicted. \
Ctrl-C keeps the finished rows in OUT's name with .partial before its ending.

Examples:
  trainer predict structures/ --weights runs/band_gap_ev --out predictions.csv
  trainer predict data/oqmd --weights best.safetensors --out p.parquet --overwrite")]
pub(crate) struct PredictArguments {
    #[command(flatten)]
    machine: Machine,
    /// CIFs, POSCARs, folders and archives of them, extended XYZ, JSON files, tables, ASE-LMDB; or stores
    /// and shards
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Fine-tuned weights (safetensors), the folder of a fine-tuned task with all its members, a pattern, or a
    /// name of `trainer weights list`; may be given several times for an ensemble
    #[arg(
        long,
        required = true,
        value_name = "WEIGHTS",
        value_parser = suggestions::weights(),
        hide_possible_values = true
    )]
    weights: Vec<PathBuf>,
    /// The table to write: .parquet, .csv, .json or .jsonl
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the table in --out, that of the entries it left out and those of an interruption, but no other file
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    #[command(flatten)]
    structures: StructureArguments,
    /// Crystals in a batch
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BATCH_CRYSTALS, help_heading = "Batches")]
    batch: usize,
    /// Most triplets in a batch, so that large crystals cannot exhaust the memory
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BATCH_TRIPLETS, help_heading = "Batches")]
    batch_triplets: usize,
    /// Threads that turn crystals into batches
    #[arg(long, value_name = "N", default_value_t = DEFAULT_WORKERS, help_heading = "Batches")]
    workers: usize,
    /// Exit with status 0 even if entries were left out
    #[arg(long, help_heading = "Output")]
    allow_rejects: bool,
    /// No progress and no summary
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

impl PredictArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let weights = self.weights.iter().map(|weights| located(weights, self.quiet));
        let weights = weights.collect::<anyhow::Result<Vec<_>>>()?;
        let device = self.machine.prepare()?.open()?;
        let mut members = Vec::new();
        let files = weights_files(&weights)?;
        for folder in absent_members(&weights)? {
            remark!(
                "trainer: {} has no weights yet and predicts nothing: --resume of its training goes on",
                folder.display()
            );
        }
        remark_unfinished(&files);
        for path in files {
            members.push(Member::load(path, &device)?);
        }
        let request = Request {
            inputs: Given::Paths(self.inputs.clone()),
            kind: self.structures.kind,
            bounds: self.structures.bounds(),
            out: self.out.clone(),
            overwrite: self.overwrite,
            limit: BatchLimit { crystals: self.batch, triplets: Some(self.batch_triplets) },
            threads: rayon::current_num_threads(),
            workers: self.workers,
            queue: DEFAULT_QUEUE,
            bases_on_device: !device::computes_on_host(&device),
            interrupt: Interrupt::install()?,
        };
        let bar = Bar::new(self.quiet);
        let summary = predict(&request, &members, &mut |position| bar.show(position));
        drop(bar);
        let summary = summary?;
        if summary.interrupted {
            self.report_interruption(&summary)?;
            return Ok(Outcome::Interrupted);
        }
        if !self.quiet {
            say!("{}: {}", counted(summary.crystals, "crystal"), self.out.display());
            if !summary.unread.is_empty() {
                say!("not read: {}", summary.unread);
            }
            if let Some(table) = &summary.left_out_table {
                say!("{} left out: {}", counted(summary.left_out, "entry"), table.display());
            }
            say_noted(&summary.noted)?;
        }
        Ok(if summary.left_out > 0 && !self.allow_rejects { Outcome::Findings } else { Outcome::Clean })
    }

    /// Tells what an interruption has left.
    fn report_interruption(&self, summary: &Summary) -> anyhow::Result<()> {
        let crystals = counted(summary.crystals, "crystal");
        match &summary.table {
            Some(table) => say!("interrupted; {crystals} so far: {}", table.display()),
            None => say!("interrupted before the first crystal was predicted"),
        }
        if let Some(table) = &summary.left_out_table {
            say!("{} left out so far: {}", counted(summary.left_out, "entry"), table.display());
        }
        if summary.table.is_some() || summary.left_out_table.is_some() {
            say!("--overwrite begins anew and replaces what is there");
        }
        Ok(())
    }
}
