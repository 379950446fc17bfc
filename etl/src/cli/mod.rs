//! The command line of the program.
//!
//! | status | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | done, but some entries were rejected or something was found wrong |
//! | 2 | not done: wrong arguments, unreadable input, unwritable output |
//! | 130 | stopped by Ctrl-C; a build can be resumed |

mod about;
mod build;
mod export;
mod fetch;
mod hints;
mod merge;
mod options;
mod progress;
mod reports;
mod worker;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::{Parser, Subcommand};
use etl::export::ExportError;
use etl::pipeline::BuildError;
use manual::{CompletionsArguments, ManArguments, Status};
use schemas::text;

/// The outcome of a command that completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing was found.
    Clean,
    /// Entries were rejected, or a check failed.
    Findings,
}

/// Exit status of a command with findings.
const FINDINGS: u8 = 1;
/// Exit status of a command that failed.
const FAILED: u8 = 2;
/// Exit status after Ctrl-C: 128 + SIGINT.
const INTERRUPTED: u8 = 130;
/// All exit statuses, for the manual.
const STATUSES: [Status; 4] = [
    Status::new(0, "done"),
    Status::new(FINDINGS, "done with rejects or findings"),
    Status::new(FAILED, "not done"),
    Status::new(INTERRUPTED, "interrupted"),
];

/// Published crystal databases into Parquet feature stores.
#[derive(Debug, Parser)]
#[command(
    name = "etl",
    version,
    long_version = about::LONG_VERSION.as_str(),
    about,
    after_help = manual::summary(&STATUSES)
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a published file, compute features, write a store
    Build(Box<build::BuildArguments>),
    /// List the columns of a store with their units and meanings
    Columns(reports::ColumnsArguments),
    /// Print the script by which a shell completes this program's commands and options
    #[command(after_help = CompletionsArguments::examples("etl"))]
    Completions(CompletionsArguments),
    /// Find crystals that may be equal, in one store or in two, by their structure hashes
    Duplicates(reports::DuplicatesArguments),
    /// Write crystals of a store as CIFs, POSCARs, extended XYZ or JSON of pymatgen
    Export(export::ExportArguments),
    /// Fetch the published files of a database, or copy them from a mirror
    Fetch(fetch::FetchArguments),
    /// Show one crystal of a store and its neighbours by shell
    Inspect(reports::InspectArguments),
    /// Write this program's manual pages into a folder
    #[command(after_help = ManArguments::examples("etl"))]
    Man(ManArguments),
    /// Join the parts that `etl build --part` or `etl worker --out` wrote into one store
    Merge(merge::MergeArguments),
    /// Count and chart what is in a store
    Stats(reports::StatsArguments),
    /// Check a store's files, rows and features
    Validate(reports::ValidateArguments),
    /// Compute features of the entries that another program streams in
    Worker(worker::WorkerArguments),
}

/// Parses the arguments and runs the command. An error is printed in one line.
pub(crate) fn run() -> ExitCode {
    let arguments = match manual::parse::<Arguments>(std::env::args_os(), text::about_arguments) {
        Ok(arguments) => arguments,
        Err(status) => return status,
    };
    let outcome = match arguments.command {
        Command::Build(arguments) => arguments.run(),
        Command::Columns(arguments) => arguments.run(),
        Command::Completions(arguments) => about::complete(&arguments),
        Command::Duplicates(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(),
        Command::Fetch(arguments) => arguments.run(),
        Command::Inspect(arguments) => arguments.run(),
        Command::Man(arguments) => about::describe(&arguments),
        Command::Merge(arguments) => arguments.run(),
        Command::Stats(arguments) => arguments.run(),
        Command::Validate(arguments) => arguments.run(),
        Command::Worker(arguments) => arguments.run(),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(FINDINGS),
        Err(error) => {
            eprintln!("etl: {}", hints::told(&error));
            let interrupted = matches!(error.downcast_ref(), Some(BuildError::Cancelled { .. }))
                || matches!(error.downcast_ref(), Some(ExportError::Cancelled { .. }));
            ExitCode::from(if interrupted { INTERRUPTED } else { FAILED })
        }
    }
}

/// Writes to standard output with hidden characters escaped. See [`text::page`].
pub(crate) fn print(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = Vec::new();
    write(&mut out).context("cannot write the output")?;
    put(&text::page(&String::from_utf8_lossy(&out)))
}

/// Returns a flag that the first Ctrl-C sets. The second one ends the program at once.
pub(crate) fn cancel_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&cancel);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(cancel)
}

/// Writes JSON to standard output. The values are not escaped.
pub(crate) fn print_json(json: &str) -> anyhow::Result<()> {
    put(&text::json(json))
}

/// Writes to standard output. A closed pipe (`| head`) is not an error.
fn put(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the output")
        }
        _ => Ok(()),
    }
}
