//! Arguments of the commands about the space of embeddings.

use std::path::{Path, PathBuf};

use clap::Args;
use trainer::config::Purpose;
use trainer::embed::Vector;
use trainer::space::Origin;

use super::out;
use super::settings::{Machine, Settings};
use super::suggestions;
use super::weights::located;

/// Where embeddings come from.
#[derive(Debug, Args)]
pub(super) struct SpaceArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    machine: Machine,
    /// Weights that embed the crystals: a run's best.safetensors, its last checkpoint, a PyTorch user's file, or a
    /// name of `trainer weights list`
    #[arg(long, value_name = "WEIGHTS", value_parser = suggestions::weights(), hide_possible_values = true)]
    weights: Option<PathBuf>,
    /// Embeddings of the same shards that `trainer embed` wrote as .parquet, instead of computing them
    /// again; with --weights, it is checked that they are of these
    #[arg(long, value_name = "FILE")]
    embeddings: Option<PathBuf>,
    #[arg(
        long,
        value_name = "NAME",
        default_value_t = Vector::default(),
        help = format!("The vector of a crystal: {}", Vector::names())
    )]
    vector: Vector,
}

impl SpaceArguments {
    /// Sets up the threads, and returns where the embeddings come from. `out` must not be the configuration file.
    pub(super) fn origin(&self, out: Option<&Path>) -> anyhow::Result<Origin> {
        let weights = self.weights.as_deref().map(|weights| located(weights, false)).transpose()?;
        let device = self.machine.prepare()?;
        let config = self.settings.resolve(Some(Purpose::Embedding), &[])?;
        if let Some(out) = out {
            self.settings.require_apart(out)?;
        }
        Ok(Origin {
            weights,
            embeddings: self.embeddings.clone(),
            data: config.data,
            vector: self.vector,
            device,
        })
    }

    /// Warns of weights without a description.
    pub(super) fn warn(&self, undescribed: bool) {
        if let Some(weights) = self.weights.as_ref().filter(|_| undescribed) {
            out::remark_undescribed(weights);
        }
    }
}
