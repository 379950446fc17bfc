//! `etl stats`, `etl inspect`, `etl columns`, `etl duplicates` and `etl validate`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use etl::atomic;
use etl::duplicates::duplicates;
use etl::inspect::columns;
use etl::stats::StoreStatistics;
use etl::validate::{DEFAULT_SAMPLE, DEFAULT_SEED, ValidateOptions};
use schemas::output::{self, folder_of};
use schemas::text::line;

use super::{Outcome, print, print_json};

/// Arguments of `etl stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// Folder of the store
    store: PathBuf,
    /// Write a page with charts to this file, outside the store; of files there only such pages are replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl StatsArguments {
    /// Prints the statistics.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        if let Some(path) = &self.html {
            output::require_apart(path, [&self.store])?;
            anyhow::ensure!(
                StoreStatistics::may_replace(path),
                "{}: no page of etl stats, and not replaced",
                path.display()
            );
        }
        let statistics = etl::stats::collect(&self.store)?;
        print(|out| statistics.write_text(out))?;
        if let Some(path) = self.html {
            let mut page = Vec::new();
            statistics.write_html(&mut page).with_context(|| format!("cannot write {}", path.display()))?;
            atomic::write(folder_of(&path), &path, &page)
                .with_context(|| format!("cannot write {}", path.display()))?;
            print(|out| writeln!(out, "\npage: {}", line(&path.display().to_string())))?;
        }
        Ok(Outcome::Clean)
    }
}

/// Arguments of `etl inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// Folder of the store
    store: PathBuf,
    /// Identifier of the crystal
    #[arg(value_name = "ID")]
    material_id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl InspectArguments {
    /// Prints the crystal.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let inspection = etl::inspect::find(&self.store, &self.material_id)?;
        if self.json {
            let mut json = Vec::new();
            inspection.write_json(&mut json).context("cannot write the output")?;
            print_json(&String::from_utf8_lossy(&json))?;
        } else {
            print(|out| inspection.write_text(out))?;
        }
        Ok(Outcome::Clean)
    }
}

/// Arguments of `etl columns`.
#[derive(Debug, Args)]
pub(crate) struct ColumnsArguments {
    /// Folder of the store
    store: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print statements by which DuckDB comments the store's properties and splits in the view `crystals`
    #[arg(long, conflicts_with = "json")]
    sql: bool,
}

impl ColumnsArguments {
    /// Prints the columns.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let columns = columns::columns(&self.store)?;
        match (self.json, self.sql) {
            (true, _) => print_json(&format!("{}\n", serde_json::to_string_pretty(&columns)?))?,
            (_, true) => print(|out| columns::write_sql(&columns, out))?,
            _ => print(|out| columns::write_text(&columns, out))?,
        }
        Ok(Outcome::Clean)
    }
}

/// Arguments of `etl duplicates`.
#[derive(Debug, Args)]
#[command(after_help = "\
Equal crystals have equal structure hashes, unless one of their numbers lies at an edge of rounding. Crystals
of equal hashes may be equal: they have formula and, rounded, volume per atom and near surroundings in common.
So have polytypes and orderings of one lattice. They have to be compared, as `trainer duplicates` does. The
exit status is 1 if there are any.

Examples:
  etl duplicates data/train data/test   # what a model may be tested on that it was trained on
  etl duplicates data/oqmd              # what the store may have several times")]
pub(crate) struct DuplicatesArguments {
    /// Folder of the store
    store: PathBuf,
    /// Folder of another store: only hashes that both have are listed
    other: Option<PathBuf>,
    /// Print all of them as JSON
    #[arg(long)]
    json: bool,
}

impl DuplicatesArguments {
    /// Prints the crystals.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let found = duplicates(&self.store, self.other.as_deref())?;
        if self.json {
            print_json(&format!("{}\n", serde_json::to_string_pretty(&found)?))?;
        } else {
            let stores: Vec<&Path> = [Some(&self.store), self.other.as_ref()]
                .into_iter()
                .flatten()
                .map(PathBuf::as_path)
                .collect();
            print(|out| found.write_text(&stores, out))?;
        }
        Ok(if found.groups.is_empty() { Outcome::Clean } else { Outcome::Findings })
    }
}

/// Arguments of `etl validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArguments {
    /// Folder of the store
    store: PathBuf,
    /// Crystals whose features are recomputed
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SAMPLE, conflicts_with = "all")]
    sample: usize,
    /// Recompute the features of every crystal
    #[arg(long)]
    all: bool,
    /// Seed by which the crystals are chosen
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
}

impl ValidateArguments {
    /// Prints every problem found.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let options = ValidateOptions { sample: (!self.all).then_some(self.sample), seed: self.seed };
        let report = etl::validate::validate(&self.store, &options)?;
        print(|out| write!(out, "{report}"))?;
        Ok(if report.is_valid() { Outcome::Clean } else { Outcome::Findings })
    }
}
