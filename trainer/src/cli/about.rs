//! `trainer --version`, `trainer completions` and `trainer man`.

use std::env::consts::{ARCH, OS};
use std::io::Write;
use std::sync::LazyLock;

use anyhow::Context;
use clap::CommandFactory;
use manual::{CompletionsArguments, ManArguments, Program};
use schemas::store::{FORMAT_VERSION, SOFTWARE_VERSION};
use trainer::atomic;
use trainer::device::BUILT_FOR;

use super::out::say;
use super::{Arguments, Outcome, STATUSES};

/// Whether several processes can train together.
const SEVERAL_PROCESSES: &str = if cfg!(feature = "mpi") { "by MPI" } else { "no (built without MPI)" };

/// Text of `trainer --version`, with the details for a bug report. `trainer -V` prints only the first line.
pub(super) static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{SOFTWARE_VERSION}\nstore format {FORMAT_VERSION}\nbuilt for {OS} on {ARCH}\ndevices: {BUILT_FOR}\n\
         several processes: {SEVERAL_PROCESSES}"
    )
});

/// Prints a completion script.
pub(super) fn complete(arguments: &CompletionsArguments) -> anyhow::Result<Outcome> {
    arguments.print(&program()).context("cannot write the output")?;
    Ok(Outcome::Clean)
}

/// Writes the manual pages.
pub(super) fn describe(arguments: &ManArguments) -> anyhow::Result<Outcome> {
    let paths = arguments.write(&program(), |path, page| {
        atomic::write(path, |out| out.write_all(page))
            .with_context(|| format!("cannot write {}", path.display()))
    })?;
    for path in paths {
        say!("{}", path.display());
    }
    Ok(Outcome::Clean)
}

/// Returns the description of this program for its manual.
fn program() -> Program {
    Program::new(Arguments::command(), &STATUSES)
}
