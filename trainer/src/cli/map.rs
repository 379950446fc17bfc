//! `trainer map`

use std::path::PathBuf;

use clap::Args;
use schemas::count::counted;
use trainer::map::{Request, map};

use super::Outcome;
use super::out::say;
use super::space::SpaceArguments;
use super::suggestions;

#[derive(Debug, Args)]
#[command(after_help = "\
The page is one file without external resources: a point for every crystal, at its embedding along the two principal \
components of the standardised numbers; pointing at it shows identifier, formula and value. Of more than 10,000 crystals \
every second, third, ... one is drawn.

Examples:
  trainer map --shards data/oqmd --weights runs/a/best.safetensors --out map.html
  trainer map --shards data/oqmd --embeddings h.parquet --colour band_gap_ev --out map.html")]
pub(crate) struct MapArguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// The page to write
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: PathBuf,
    /// Replace the page in --out, if it is another map
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    /// Colour the crystals by a property: a column that `etl columns` lists
    #[arg(
        long,
        value_name = "COLUMN",
        value_parser = suggestions::properties(),
        hide_possible_values = true
    )]
    colour: Option<String>,
}

impl MapArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let summary = map(&Request {
            origin: self.space.origin(Some(&self.out))?,
            colour: self.colour.clone(),
            out: self.out.clone(),
            overwrite: self.overwrite,
        })?;
        self.space.warn(summary.undescribed);
        if let (Some(coloured), Some(column)) = (summary.coloured, &self.colour) {
            say!("{} with {column}", counted(coloured, "crystal"));
        }
        let share = 100.0 * summary.shares.iter().sum::<f64>();
        say!(
            "{}, {share:.1} % of the variance: {}",
            counted(summary.crystals, "crystal"),
            self.out.display()
        );
        Ok(Outcome::Clean)
    }
}
