//! `trainer duplicates`

use std::path::PathBuf;

use clap::Args;
use schemas::count::{agree, counted};
use trainer::duplicates::{DEFAULT_TOLERANCE, Request, Row, Summary, duplicates};

use super::Outcome;
use super::out::say;
use super::space::SpaceArguments;
use super::text_table::{Side, print_table};

/// Number of pairs that are printed.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = "\
Two crystals are the same structure if they have the same reduced formula, volumes per atom within a factor of \
(1 + TOLERANCE)^3, and sites that can be paired in proportion, each with one of the same element and the same \
surroundings: to neighbours of each element, in order of their distance, the distances differ by no more than TOLERANCE of \
themselves, among the 1,000 nearest neighbours. Cell, origin, orientation, order of the atoms and mirror images make no \
difference. Columns of the table: first, first_formula, second, second_formula, same_structure, distance (of the \
embeddings, if given), leak (columns `split`, `split_*` and `fold` in which the two lie in different parts). The exit status \
is 1 if any pair does.

Examples:
  trainer duplicates --shards data/oqmd data/jarvis --out pairs.csv
  trainer duplicates --shards data/oqmd --weights best.safetensors --within 0.05")]
pub(crate) struct DuplicatesArguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// Share by which distances between atoms may differ in the same structure
    #[arg(long, value_name = "TOLERANCE", default_value_t = DEFAULT_TOLERANCE)]
    tolerance: f64,
    /// List pairs whose embeddings are at most this far apart, too; needs --weights or --embeddings
    #[arg(long, value_name = "DISTANCE")]
    within: Option<f64>,
    /// Write all pairs as a table: .parquet, .csv, .json or .jsonl
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Replace the table in --out
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
}

impl DuplicatesArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let request = Request {
            origin: self.space.origin(self.out.as_deref())?,
            tolerance: self.tolerance,
            within: self.within,
            out: self.out.clone(),
            overwrite: self.overwrite,
            shown: SHOWN,
        };
        let summary = duplicates(&request)?;
        self.space.warn(summary.undescribed);
        if self.out.is_none() && !summary.first.is_empty() {
            print(&summary)?;
        }
        self.conclude(&summary)?;
        Ok(if summary.leaks() { Outcome::Findings } else { Outcome::Clean })
    }

    /// Prints the counts.
    fn conclude(&self, summary: &Summary) -> anyhow::Result<()> {
        let crystals = counted(summary.crystals, "crystal");
        say!("{crystals}: {} of the same structure", counted(summary.same_structure, "pair"));
        if let Some(within) = self.within {
            let others = agree(&summary.near_alone, "other pair", "other pairs");
            say!("{} {others} within {within} of each other", summary.near_alone);
        }
        for (column, count) in &summary.leaks {
            say!("{column}: {} in different parts", counted(*count, "pair"));
        }
        if let Some(first) = summary.uncompared.first() {
            let count = counted(summary.uncompared.len(), "crystal");
            say!("{count} not compared; the first: {}: {}", first.material_id, first.reason);
        }
        if let Some(out) = &self.out {
            say!("{}: {}", counted(summary.pairs(), "pair"), out.display());
        }
        Ok(())
    }
}

/// Prints the first pairs.
fn print(summary: &Summary) -> anyhow::Result<()> {
    let columns = [
        ("first", Side::Left),
        ("second", Side::Left),
        ("formulas", Side::Left),
        ("structure", Side::Left),
        ("distance", Side::Right),
        ("leak", Side::Left),
    ];
    let cells = |row: &Row| {
        let formulas = match row.first_formula == row.second_formula {
            true => row.first_formula.clone(),
            false => format!("{}, {}", row.first_formula, row.second_formula),
        };
        [
            row.first.clone(),
            row.second.clone(),
            formulas,
            if row.same_structure { "same" } else { "other" }.to_owned(),
            row.distance.map_or_else(|| "-".to_owned(), |distance| format!("{distance:.4}")),
            row.leak.clone().unwrap_or_default(),
        ]
    };
    print_table(columns, &summary.first.iter().map(cells).collect::<Vec<_>>())?;
    let left = summary.pairs() - summary.first.len() as u64;
    if left > 0 {
        say!("... and {left} more: --out lists all of them");
    }
    Ok(())
}
