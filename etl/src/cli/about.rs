//! The commands that describe the program: `etl --version`, `etl completions` and `etl man`.

use std::env::consts::{ARCH, OS};
use std::io::Write;
use std::sync::LazyLock;

use anyhow::Context;
use clap::CommandFactory;
use etl::atomic;
use manual::{CompletionsArguments, ManArguments, Program};
use schemas::output::folder_of;
use schemas::store::{FORMAT_VERSION, SOFTWARE_VERSION};

use super::{Arguments, Outcome, STATUSES, print};

/// Text of `etl --version`, which a bug report needs. `etl -V` prints its first line only.
pub(super) static LONG_VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{SOFTWARE_VERSION}\nstore format {FORMAT_VERSION}\nbuilt for {OS} on {ARCH}"));

/// Prints a completion script.
pub(super) fn complete(arguments: &CompletionsArguments) -> anyhow::Result<Outcome> {
    arguments.print(&program()).context("cannot write the output")?;
    Ok(Outcome::Clean)
}

/// Writes the manual pages.
pub(super) fn describe(arguments: &ManArguments) -> anyhow::Result<Outcome> {
    let paths = arguments.write(&program(), |path, page| -> anyhow::Result<()> {
        atomic::write(folder_of(path), path, page).with_context(|| format!("cannot write {}", path.display()))
    })?;
    print(|out| paths.iter().try_for_each(|path| writeln!(out, "{}", path.display())))?;
    Ok(Outcome::Clean)
}

/// Returns this program for its manual.
fn program() -> Program {
    Program::new(Arguments::command(), &STATUSES)
}
