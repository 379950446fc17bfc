//! What a shell and `man` want to know of a program: completion scripts and manual pages, both derived
//! from the program's [`clap::Command`]; and the messages about its arguments.
//!
//! * [`Program`]: the command line with the meaning of its exit statuses
//! * [`CompletionsArguments`] and [`ManArguments`]: the two commands that a program offers
//! * [`Page`]: one manual page, rendered
//! * [`parse()`]: arguments, with messages that quote them as the program likes
//!
//! Nothing here reads a clock, the environment or the terminal: one version of a program always gives
//! the same bytes.

mod arguments;
mod completions;
mod pages;
mod parse;
mod status;

pub use arguments::{CompletionsArguments, ManArguments, PagesError};
pub use pages::Page;
pub use parse::parse;
pub use status::{Status, summary};

/// A program, as far as its manual is concerned.
#[derive(Debug, Clone)]
pub struct Program {
    /// The command line, not built yet.
    command: clap::Command,
    /// What the program's exit statuses mean, in rising order.
    statuses: &'static [Status],
}

impl Program {
    /// A program by its command line, as `CommandFactory::command` gives it, and its exit statuses.
    pub fn new(command: clap::Command, statuses: &'static [Status]) -> Self {
        Self { command, statuses }
    }
}

#[cfg(test)]
mod example {
    //! A program with all that the real ones have.

    use std::path::PathBuf;

    use clap::{Args, CommandFactory, Parser, Subcommand};

    use super::{Program, Status};

    /// Exit statuses of the example.
    pub(crate) const STATUSES: [Status; 2] = [Status::new(0, "done"), Status::new(2, "not done")];

    /// Weighs crystals.
    #[derive(Debug, Parser)]
    #[command(name = "scales", version = "1.2.3", about, after_help = "Exit status: 0 done, 2 not done.")]
    struct Arguments {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        /// Weigh one crystal
        Weigh(WeighArguments),
        /// Zero the scales
        Zero,
    }

    #[derive(Debug, Args)]
    #[command(after_help = "\
A crystal is weighed
in air:
  scales weigh --out 'a b' quartz.cif
.hidden files are weighed as well.")]
    struct WeighArguments {
        /// Crystal to weigh
        crystal: PathBuf,
        /// Densities
        #[arg(long, value_name = "PATH", num_args = 1..)]
        densities: Vec<String>,
        /// Table to write
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Folder of the weights
        #[arg(long, value_name = "DIR")]
        weights: Option<PathBuf>,
        /// Least height in Å
        #[arg(long, value_name = "Å")]
        height: Option<f64>,
    }

    /// The example.
    pub(crate) fn scales() -> Program {
        Program::new(Arguments::command(), &STATUSES)
    }
}
