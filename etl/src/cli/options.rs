//! Options that several commands have.

use clap::Args;
use etl::pipeline::{DEFAULT_ROW_GROUP_ROWS, DEFAULT_SHARD_ROWS};
use schemas::settings::{DEFAULT_CUTOFF_ANGSTROM, DEFAULT_NEIGHBOURS, FeatureSettings, Ties};

/// Settings of the features.
#[derive(Debug, Args)]
pub(super) struct FeatureOptions {
    /// Radius of the neighbour search, in Å
    #[arg(long, value_name = "Å", default_value_t = DEFAULT_CUTOFF_ANGSTROM, help_heading = "Features")]
    cutoff: f64,
    /// Nearest neighbours of each atom
    #[arg(long, value_name = "N", default_value_t = DEFAULT_NEIGHBOURS, help_heading = "Features")]
    neighbours: usize,
    /// Neighbours that tie with the last one: keep the whole shell, or cut
    #[arg(long, value_name = "shell|cut", default_value_t = Ties::Shell, help_heading = "Features")]
    ties: Ties,
}

impl FeatureOptions {
    /// The settings that were asked for.
    pub(super) fn settings(&self) -> FeatureSettings {
        FeatureSettings {
            cutoff_angstrom: self.cutoff,
            neighbours: self.neighbours,
            ties: self.ties,
            ..FeatureSettings::default()
        }
    }
}

/// Sizes of a store's files.
#[derive(Debug, Args)]
pub(super) struct SizeOptions {
    /// Most rows of a shard
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SHARD_ROWS, help_heading = "Output")]
    pub(super) shard_rows: usize,
    /// Most rows of a row group
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROW_GROUP_ROWS, help_heading = "Output")]
    pub(super) row_group_rows: usize,
}
