//! `trainer neighbours`

use std::path::PathBuf;

use clap::Args;
use schemas::count::counted;
use trainer::neighbours::{DEFAULT_NEIGHBOURS, Request, Row, neighbours};

use super::Outcome;
use super::out::{say, say_noted};
use super::space::SpaceArguments;
use super::structures::StructureArguments;
use super::text_table::{Side, print_table};

#[derive(Debug, Args)]
#[command(after_help = "\
Distance: the numbers of an embedding are divided by their standard deviations over the crystals of the shards; the \
distance is the root mean square of the differences, and two crystals drawn at random are about 1.4 apart. The search is \
exact. Columns of the table: query, query_formula, rank, material_id, formula, distance. An identifier of the shards comes \
before a file of that name, and is not its own neighbour. A structure that cannot be read ends the search.

Examples:
  trainer neighbours new.cif --shards data/oqmd --weights runs/a/best.safetensors
  trainer neighbours new.cif -k 20 --shards data/oqmd --weights best.safetensors --out near.csv")]
pub(crate) struct NeighboursArguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// Identifiers of crystals of the shards, or structures: CIFs, POSCARs, folders and archives of them;
    /// before --shards, which takes all that follows it
    #[arg(required = true, value_name = "QUERY")]
    queries: Vec<String>,
    /// Neighbours of each crystal
    #[arg(short, value_name = "N", default_value_t = DEFAULT_NEIGHBOURS)]
    k: usize,
    /// Write a table instead of printing one: .parquet, .csv, .json or .jsonl
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Replace the table in --out
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    #[command(flatten)]
    structures: StructureArguments,
}

impl NeighboursArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let request = Request {
            origin: self.space.origin(self.out.as_deref())?,
            queries: self.queries.clone(),
            kind: self.structures.kind,
            bounds: self.structures.bounds(),
            k: self.k,
            out: self.out.clone(),
            overwrite: self.overwrite,
            threads: rayon::current_num_threads(),
        };
        let found = neighbours(&request)?;
        self.space.warn(found.undescribed);
        match &self.out {
            Some(out) => say!(
                "{} among {}: {}",
                counted(found.rows.len(), "neighbour"),
                counted(found.crystals, "crystal"),
                out.display()
            ),
            None => print(&found.rows)?,
        }
        say_noted(&found.noted)?;
        Ok(Outcome::Clean)
    }
}

/// Prints the neighbours.
fn print(rows: &[Row]) -> anyhow::Result<()> {
    let columns = [
        ("query", Side::Left),
        ("rank", Side::Right),
        ("distance", Side::Right),
        ("neighbour", Side::Left),
        ("formula", Side::Left),
    ];
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            let distance = format!("{:.4}", row.distance);
            [row.query.clone(), row.rank.to_string(), distance, row.material_id.clone(), row.formula.clone()]
        })
        .collect();
    print_table(columns, &cells)
}
