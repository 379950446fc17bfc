//! `etl merge`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use etl::parts::{MergeRequest, MergeSummary, merge};
use schemas::count::counted;
use schemas::layout::without_sidecars;

use super::{Outcome, print, print_json};

/// Arguments of `etl merge`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shards are taken over byte for byte, as hard links where the file system has them. Every part must be
finished and undamaged, there once, and built with the same software, inputs and options.
Rejects were told by the builds of the parts: they are joined, and the status is 0.")]
pub(crate) struct MergeArguments {
    /// Folders of all parts, in any order; the folders beside them, PART.store, may be among them
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    /// Folder of the merged store: the shards; manifest and rejects stand beside it, in DIR.store
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace the store in --out; files that no earlier build has written stay
    #[arg(long)]
    force: bool,
    /// Print the manifest
    #[arg(long)]
    json: bool,
    /// No summary
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

impl MergeArguments {
    /// Merges the parts.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let parts = without_sidecars(self.parts)?;
        let request = MergeRequest { parts, store: self.out, force: self.force };
        let MergeSummary { manifest, untouched } = merge(&request)?;
        if self.json {
            print_json(&manifest.to_json())?;
        } else if !self.quiet {
            let (store, counts) = (request.store.display(), &manifest.counts);
            let how = if untouched { "merged before" } else { "merged" };
            print(|out| {
                writeln!(
                    out,
                    "{store}: {how} from {}, {} in {}, {} filtered, {} rejected",
                    counted(request.parts.len(), "part"),
                    counted(counts.kept, "crystal"),
                    counted(manifest.shards.len(), "shard"),
                    counts.filtered,
                    counts.rejected
                )
            })?;
        }
        Ok(Outcome::Clean)
    }
}
