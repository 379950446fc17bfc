//! Arguments that several commands share.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use schemas::limits::MAX_THREADS;
use schemas::output;
use trainer::config::{Config, Override, Purpose};
use trainer::device::{self, DeviceName};
use trainer::ranks;
use trainer::run::folder::Existing;

use super::suggestions;

/// A command-line option, the key that it sets, and its value if given.
pub(crate) type FlagValue = (&'static str, &'static str, Option<String>);

/// Configuration file and what overrides it.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Configuration file (TOML); `trainer config` prints one with every key
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    /// Override a key of the configuration, such as optimiser.learning_rate=1e-3
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Configuration")]
    overrides: Vec<String>,
    /// Shards, folders of shards or glob patterns
    #[arg(long, value_name = "PATH", num_args = 1..)]
    shards: Vec<String>,
    /// Crystals in a batch; of several processes, in each one's share
    #[arg(long, value_name = "N", help_heading = "Batches")]
    batch: Option<usize>,
    /// Most triplets in a batch, so that large crystals cannot exhaust the memory
    #[arg(long, value_name = "N", help_heading = "Batches")]
    batch_triplets: Option<usize>,
    /// Seed of initial weights, shuffling and masks
    #[arg(long, help_heading = "Configuration")]
    seed: Option<u64>,
}

impl Settings {
    /// Resolves the configuration: defaults, file, and then `--set` and options, which may not contradict each other. `more`
    /// are the options of a single command. Options and `--set` must have an effect on `purpose`, if there is one.
    pub(crate) fn resolve(&self, purpose: Option<Purpose>, more: &[FlagValue]) -> anyhow::Result<Config> {
        self.resolve_over(|_| Vec::new(), purpose, more)
    }

    /// Resolves the configuration as [`Settings::resolve`] does, over the defaults of a recipe.
    pub(crate) fn resolve_over(
        &self,
        recipe: impl FnOnce(&Config) -> Vec<(String, String)>,
        purpose: Option<Purpose>,
        more: &[FlagValue],
    ) -> anyhow::Result<Config> {
        let shards = (!self.shards.is_empty()).then(|| serde_json::to_string(&self.shards)).transpose()?;
        let shared = [
            ("--shards", "data.shards", shards),
            ("--batch", "data.batch_crystals", self.batch.map(|value| value.to_string())),
            ("--batch-triplets", "data.batch_triplets", self.batch_triplets.map(|value| value.to_string())),
            ("--seed", "seed", self.seed.map(|value| value.to_string())),
        ];
        let given = |&(name, key, ref value): &FlagValue| {
            Some(Override { name, key: key.to_owned(), value: value.clone()? })
        };
        let mut overrides = self.overrides()?;
        overrides.extend(shared.iter().chain(more).filter_map(given));
        let config = Config::resolve_named(recipe, self.config.as_deref(), &overrides)?;
        if let Some(purpose) = purpose {
            purpose.require_effect(&config, &overrides)?;
        }
        Ok(config)
    }

    /// Returns shards and seed, which no recipe decides. The ranges of other settings may depend on those of a recipe, and
    /// are checked when that is known.
    ///
    /// # Errors
    /// For a configuration that cannot be read, and for unknown keys.
    pub(crate) fn shards_and_seed(&self) -> anyhow::Result<(Vec<String>, u64)> {
        let mut found = None;
        let keep = |config: &Config| {
            found = Some((config.data.shards.clone(), config.seed));
            Vec::new()
        };
        let checked = self.resolve_over(keep, None, &[]);
        match found {
            Some(found) => Ok(found),
            None => checked.map(|config| (config.data.shards, config.seed)),
        }
    }

    /// Returns the settings given by `--set`.
    ///
    /// # Errors
    /// For a text that is no assignment.
    pub(crate) fn overrides(&self) -> anyhow::Result<Vec<Override>> {
        let overrides = self.overrides.iter().map(|text| Override::parse("--set", text));
        Ok(overrides.collect::<Result<Vec<_>, _>>()?)
    }

    /// Checks that the configuration file is not the table that a command writes.
    pub(crate) fn require_apart(&self, out: &Path) -> anyhow::Result<()> {
        Ok(output::require_apart(out, &self.config)?)
    }

    /// Checks that the configuration file is not inside a folder of runs that is replaced.
    pub(crate) fn require_outside(&self, folder: &Path, existing: Existing) -> anyhow::Result<()> {
        if existing == Existing::Overwrite {
            output::require_outside(folder, &self.config)?;
        }
        Ok(())
    }
}

/// Where and on how many threads the model runs.
#[derive(Debug, Args)]
pub(crate) struct Machine {
    /// cpu, libtorch, cuda or cuda:N; of several processes on a machine, cuda gives each a device of
    /// its own
    #[arg(
        long,
        default_value = "cpu",
        value_name = "NAME",
        value_parser = suggestions::devices(),
        hide_possible_values = true,
        help_heading = "Machine"
    )]
    device: String,
    /// Threads of the model on the CPU; every core unless given. The results do not depend on it
    #[arg(long, value_name = "N", help_heading = "Machine")]
    threads: Option<usize>,
}

impl Machine {
    /// Sets up the threads and parses the name of the device.
    pub(crate) fn prepare(&self) -> anyhow::Result<DeviceName> {
        let threads = match self.threads {
            Some(threads) => threads,
            None => std::thread::available_parallelism()?.get(),
        };
        anyhow::ensure!(threads <= MAX_THREADS, "--threads {threads}: must be at most {MAX_THREADS}");
        let mut pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        if threads > 1 {
            // The model's own thread takes its share, instead of sleeping until the others are done.
            pool = pool.use_current_thread();
        }
        pool.build_global().context("cannot start the threads")?;
        if let Some(threads) = self.threads {
            // Otherwise libtorch has a default of its own, which OMP_NUM_THREADS sets.
            device::set_threads(threads);
        }
        match (self.device.as_str(), ranks::local_rank()) {
            ("cuda", Some(local)) => Ok(DeviceName::of_process(local)),
            (name, _) => Ok(name.parse()?),
        }
    }
}
