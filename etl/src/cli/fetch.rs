//! `etl fetch`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use etl::fetch::{Database, FetchProgress, FetchRequest, Fetched, Place, TerminalProgress, fetch};
use schemas::count::counted;

use super::{Outcome, print, print_json};

/// Arguments of `etl fetch`.
#[derive(Debug, Args)]
pub(crate) struct FetchArguments {
    #[arg(help = format!("Database: {}", Database::ALL.map(Database::as_str).join(", ")))]
    database: Database,
    /// One task of it (dft_3d, splits, jdft2d, ...); everything unless given
    task: Option<String>,
    /// Folder of raw files; each database has its own in it
    #[arg(long, value_name = "DIR", default_value = "data/raw")]
    to: PathBuf,
    /// Copy the files from this folder, where they lie as <DATABASE>/<NAME>
    #[arg(long, value_name = "DIR", conflicts_with = "base_url")]
    mirror: Option<PathBuf>,
    /// Download the files from this HTTP root, where they lie as <DATABASE>/<NAME>
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Take a downloaded file that differs from the published one
    #[arg(long)]
    allow_unverified: bool,
    /// Print what was fetched as JSON
    #[arg(long)]
    json: bool,
}

impl FetchArguments {
    /// Fetches the files.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let place = match (self.mirror, self.base_url) {
            (Some(folder), _) => Place::Mirror(folder),
            (None, Some(url)) => Place::BaseUrl(url),
            (None, None) => Place::Published,
        };
        let request = FetchRequest {
            task: self.task,
            destination: self.to,
            place,
            allow_unverified: self.allow_unverified,
            ..FetchRequest::new(self.database)
        };
        let mut bar = TerminalProgress::new();
        let progress: &mut dyn FetchProgress = if self.json { &mut () } else { &mut bar };
        let fetched = fetch(&request, progress)?;
        if self.json {
            let text = serde_json::to_string_pretty(&fetched)?;
            print_json(&format!("{text}\n"))?;
        } else {
            print(|out| fetched.iter().try_for_each(|file| write_line(out, file)))?;
        }
        Ok(Outcome::Clean)
    }
}

fn write_line(out: &mut impl Write, fetched: &Fetched) -> io::Result<()> {
    let verified = match &fetched.note {
        None => "verified".to_owned(),
        Some(note) => format!("not verified: {note}"),
    };
    let path = fetched.path.display();
    writeln!(out, "{path}  {}  sha256 {}  {verified}", counted(fetched.bytes, "byte"), fetched.sha256)
}
