//! `etl worker`.

use std::io;
use std::path::PathBuf;

use clap::Args;
use etl::source::EntryFormat;
use etl::worker::{PartRequest, WorkerRequest, features, part};
use schemas::name::parse_source;
use schemas::part::Part;

use super::Outcome;
use super::options::{BoundOptions, FeatureOptions, SizeOptions};

/// Arguments of `etl worker`.
#[derive(Debug, Args)]
#[command(after_help = "\
Standard input is an Arrow IPC stream with the columns id (text), text (text or bytes, one entry each) and
any of numbers and booleans, which become properties by their names. Standard output is another one:
  without --out: the columns of a store, all nullable, with reject_kind and reject_message, which are null
                 for a crystal; in the order of the input, flushed after every batch
  with --out:    one row with the folder of the part and its numbers of entries, once the part is finished
Bad entries are rows of the output and change no status. A stream that is damaged or ends without its mark
is status 2.")]
pub(crate) struct WorkerArguments {
    /// What a text is: cif, poscar, jarvis, oqmd (an element of their JSON arrays) or pymatgen (a
    /// structure's dictionary)
    #[arg(long, value_name = "FORMAT", default_value_t = EntryFormat::Cif)]
    format: EntryFormat,
    /// Value of the `source` column and first part of the shards' names; the format unless given
    #[arg(long, value_parser = parse_source)]
    name: Option<String>,

    /// Keep only entries for which the expression is true; may be given several times
    #[arg(long, value_name = "EXPRESSION", help_heading = "Filters")]
    filter: Vec<String>,
    #[command(flatten)]
    bounds: BoundOptions,
    #[command(flatten)]
    features: FeatureOptions,

    /// Write the rows into a part of a store, in this folder
    #[arg(long, value_name = "DIR", requires = "part", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Which part of the store the stream is, the third of eight for example
    #[arg(long, value_name = "i/n", requires = "out", help_heading = "Output")]
    part: Option<Part>,
    #[command(flatten)]
    sizes: SizeOptions,
    /// Replace a finished part
    #[arg(long, requires = "out", help_heading = "Output")]
    force: bool,
}

impl WorkerArguments {
    /// Processes the stream to its end.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let request = WorkerRequest {
            format: self.format,
            name: self.name.unwrap_or_else(|| self.format.to_string()),
            settings: self.features.settings(),
            bounds: self.bounds.bounds(),
            filters: self.filter,
            space_groups: self.features.space_groups,
        };
        let (input, output) = (io::stdin().lock(), io::stdout().lock());
        match (self.out, self.part) {
            (Some(store), Some(of)) => {
                let target = PartRequest {
                    store,
                    part: of,
                    shard_rows: self.sizes.shard_rows,
                    row_group_rows: self.sizes.row_group_rows,
                    force: self.force,
                };
                part(&request, &target, input, output)?;
            }
            _ => features(&request, input, output)?,
        }
        Ok(Outcome::Clean)
    }
}
