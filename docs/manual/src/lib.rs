//! Shell completions, manual pages and argument parsing for a command-line program. Completions and pages are derived
//! from the program's [`clap::Command`].
//!
//! * [`Program`]: a command line and the meaning of its exit statuses
//! * [`CompletionsArguments`] and [`ManArguments`]: the commands `completions` and `man`
//! * [`Page`]: one rendered manual page
//! * [`suggesting`]: values that shells offer
//! * [`parse()`]: parses arguments and lets the program edit the error messages
//!
//! The output does not depend on the time, the environment or the terminal: a version of a program always produces
//! the same bytes.

mod arguments;
mod completions;
mod pages;
mod parse;
mod status;
mod suggest;

pub use arguments::{CompletionsArguments, ManArguments, PagesError};
pub use pages::Page;
pub use parse::parse;
pub use status::{Status, summary};
pub use suggest::{Suggesting, suggesting};

/// Line of a help text after which its examples follow, as indented commands.
pub const EXAMPLES: &str = "Examples:";

/// A command-line program to be documented.
#[derive(Debug, Clone)]
pub struct Program {
    /// The command line, before [`clap::Command::build`].
    command: clap::Command,
    /// The program's exit statuses in ascending order.
    statuses: &'static [Status],
}

impl Program {
    /// Creates a program from its command line, as `CommandFactory::command` returns it, and its exit statuses.
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
.hidden files are weighed as well.

Examples:
  scales weigh quartz.cif
  scales weigh --height 3 '.a b'")]
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
