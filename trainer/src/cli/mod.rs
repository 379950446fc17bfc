//! The command line.
//!
//! | status | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | done, but a comparison went beyond its limits, one of its jobs failed, entries were left out, or the same crystal is in different parts |
//! | 2 | not done: wrong arguments, unreadable input, unwritable output, a loss that is not a number |
//! | 130 | stopped by Ctrl-C; a run can be resumed |

mod about;
mod bar;
mod bench;
mod compare;
mod config;
mod duplicates;
mod embed;
mod evaluate;
mod finetune;
mod hints;
mod map;
mod neighbours;
mod out;
mod part;
mod predict;
mod pretrain;
mod settings;
mod space;
mod structures;
mod suggestions;
mod tasks;
mod text_table;
mod verify;
mod weights;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use manual::{CompletionsArguments, ManArguments, Status};
use schemas::text;
use trainer::ranks::{self, AbortOnPanic, Ranks};
use trainer::run::interrupt::INTERRUPTED_STATUS;

/// Result of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Done without findings.
    Clean,
    /// Done with findings.
    Findings,
    /// Stopped by Ctrl-C.
    Interrupted,
}

impl Outcome {
    /// Returns the result of a run that was interrupted or not.
    fn of(interrupted: bool) -> Self {
        if interrupted { Self::Interrupted } else { Self::Clean }
    }
}

/// Time that a process other than the first waits before it reports a failure. A common failure is reported by the
/// first process, which ends the others.
const PRECEDENCE: Duration = Duration::from_secs(3);
/// Exit status of a command with findings.
const FINDINGS: u8 = 1;
/// Exit status of a failed command.
const FAILED: u8 = 2;
/// Exit status after Ctrl-C.
const INTERRUPTED: u8 = INTERRUPTED_STATUS as u8;
/// All exit statuses, for the manual.
const STATUSES: [Status; 4] = [
    Status::new(0, "done"),
    Status::new(FINDINGS, "something was found wrong"),
    Status::new(FAILED, "not done"),
    Status::new(INTERRUPTED, "interrupted"),
];

/// Feature stores through MMPT: pre-training, fine-tuning, tests, predictions, embeddings, speed.
#[derive(Debug, Parser)]
#[command(
    name = "trainer",
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
    /// Pre-train on the shards of one or more stores
    Pretrain(Box<pretrain::PretrainArguments>),
    /// Fine-tune on a property: a task's folds and seeds
    Finetune(Box<finetune::FinetuneArguments>),
    /// Test the members of a fine-tuning: scores, report, leaderboard files
    Evaluate(evaluate::EvaluateArguments),
    /// Predict a property of new structures or of a store's crystals
    Predict(predict::PredictArguments),
    /// Run a grid of pre-trainings and fine-tunings, or search settings; write tables and figures
    Compare(compare::CompareArguments),
    /// List the built-in tasks, or tell more of one
    Tasks(tasks::TasksArguments),
    /// List the weights that have a name, tell more of some, or fetch them
    Weights(weights::WeightsArguments),
    /// Write the embeddings of a store's crystals as a table
    Embed(embed::EmbedArguments),
    /// Find the crystals nearest to others by their embeddings
    Neighbours(neighbours::NeighboursArguments),
    /// Find crystals that occur more than once, and those in different parts of a split
    Duplicates(duplicates::DuplicatesArguments),
    /// Draw a map of a store's crystals by their embeddings
    Map(map::MapArguments),
    /// Print the configuration: the defaults, or what a file and --set make of them
    Config(config::ConfigArguments),
    /// Time training steps and the data path; say how long a run takes, and how much memory
    Bench(bench::BenchArguments),
    /// Compare with the numbers of another implementation, tensor by tensor
    Verify(verify::VerifyArguments),
    /// Print the script by which a shell completes this program's commands and options
    #[command(after_help = CompletionsArguments::examples("trainer"))]
    Completions(CompletionsArguments),
    /// Write this program's manual pages into a folder
    #[command(after_help = ManArguments::examples("trainer"))]
    Man(ManArguments),
}

impl Command {
    /// Joins the processes in which the command runs.
    fn join(&self) -> anyhow::Result<Arc<dyn Ranks>> {
        if matches!(self, Self::Pretrain(_) | Self::Finetune(_)) {
            return Ok(ranks::join()?);
        }
        if matches!(self, Self::Completions(_) | Self::Man(_)) {
            return Ok(ranks::alone());
        }
        let count = ranks::launched_processes();
        anyhow::ensure!(
            count <= 1,
            "only pretrain and finetune run in several processes, not {count} of these"
        );
        Ok(ranks::alone())
    }
}

/// Texts in libtorch's messages when a device is out of memory: its own, and that of the library of matrix products.
const OUT_OF_MEMORY: [&str; 2] = ["out of memory", "CUBLAS_STATUS_ALLOC_FAILED"];

/// Reports a device without memory in one line instead of a panic's message, since libtorch does not return this
/// error. The process ends, and with it all ranks.
fn report_missing_memory(ranks: &Arc<dyn Ranks>) {
    let default = std::panic::take_hook();
    // The hook lives as long as the process, and the ranks part when the last one lets go of them.
    let ranks = Arc::downgrade(ranks);
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if OUT_OF_MEMORY.iter().any(|text| message.contains(text)) {
            eprintln!(
                "trainer: the device is out of memory: lower --batch, or set --batch-triplets so that large \
                 crystals make small batches"
            );
            if let Some(ranks) = ranks.upgrade() {
                ranks.abort(FAILED.into());
            }
            std::process::exit(FAILED.into());
        }
        default(panic);
    }));
}

/// Parses the arguments, runs the command and reports a failure in one line.
pub(crate) fn run() -> ExitCode {
    let command = match manual::parse::<Arguments>(std::env::args_os(), text::about_arguments) {
        Ok(arguments) => arguments.command,
        Err(status) => return status,
    };
    let ranks = match command.join() {
        Ok(ranks) => ranks,
        Err(error) => {
            eprintln!("trainer: {}", hints::told(&error));
            return ExitCode::from(FAILED);
        }
    };
    report_missing_memory(&ranks);
    let _abort = AbortOnPanic::of(&ranks);
    let outcome = match command {
        Command::Pretrain(arguments) => arguments.run(&ranks),
        Command::Finetune(arguments) => arguments.run(&ranks),
        Command::Evaluate(arguments) => arguments.run(),
        Command::Predict(arguments) => arguments.run(),
        Command::Compare(arguments) => arguments.run(),
        Command::Tasks(arguments) => arguments.run(),
        Command::Weights(arguments) => arguments.run(),
        Command::Embed(arguments) => arguments.run(),
        Command::Neighbours(arguments) => arguments.run(),
        Command::Duplicates(arguments) => arguments.run(),
        Command::Map(arguments) => arguments.run(),
        Command::Config(arguments) => arguments.run(),
        Command::Bench(arguments) => arguments.run(),
        Command::Verify(arguments) => arguments.run(),
        Command::Completions(arguments) => about::complete(&arguments),
        Command::Man(arguments) => about::describe(&arguments),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(FINDINGS),
        Ok(Outcome::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) if ranks.leads() => {
            eprintln!("trainer: {}", hints::told(&error));
            ranks.abort(FAILED.into());
            ExitCode::from(FAILED)
        }
        Err(error) => {
            std::thread::sleep(PRECEDENCE);
            eprintln!("trainer: process {}: {}", ranks.rank(), hints::told(&error));
            ranks.abort(FAILED.into());
            ExitCode::from(FAILED)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use manual::EXAMPLES;

    use super::*;

    /// Least number of examples of a command.
    const LEAST_EXAMPLES: usize = 2;

    /// Commands of a help text's examples, each in one line and without what the shell does with their output.
    fn examples(help: &str) -> Vec<String> {
        let (_, examples) = help.split_once(&format!("{EXAMPLES}\n")).expect("examples");
        let joined = examples.replace("\\\n", " ");
        let ends = [" > ", " && ", " # "];
        let command = |line: &str| {
            ends.iter().fold(line.trim().to_owned(), |line, end| {
                line.split(end).next().unwrap_or_default().to_owned()
            })
        };
        joined.lines().map(command).collect()
    }

    /// Words of a command, in which quotes hold words together.
    fn words(command: &str) -> Vec<String> {
        let parts = command.split('\'').enumerate();
        let mut words = vec![String::new()];
        for (index, part) in parts {
            if index % 2 == 1 {
                words.last_mut().expect("one at least").push_str(part);
                continue;
            }
            for (place, word) in part.split(' ').enumerate() {
                if place > 0 {
                    words.push(String::new());
                }
                words.last_mut().expect("one at least").push_str(word);
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_has_examples_that_it_takes() {
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = examples(&help);
            assert!(examples.len() >= LEAST_EXAMPLES, "{name}: {help}");
            for example in examples {
                let words = words(&example);
                assert_eq!(words[..2], ["trainer", name], "{example}");
                if let Err(error) = Arguments::try_parse_from(&words) {
                    panic!("{example}: {error}");
                }
            }
        }
    }

    #[test]
    fn options_stand_under_headings() {
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            for argument in command.get_arguments() {
                let heading = argument.get_help_heading();
                let expected = match argument.get_long() {
                    Some("device" | "threads" | "devices" | "jobs") => "Machine",
                    Some("batch" | "batch-triplets") => "Batches",
                    Some("config" | "set" | "seed") => "Configuration",
                    Some("epochs" | "learning-rate" | "early-stop") => "Training",
                    Some("resume" | "overwrite" | "quiet" | "tensorboard" | "json") => "Output",
                    _ => continue,
                };
                assert_eq!(heading, Some(expected), "{name} --{}", argument.get_id());
            }
        }
    }
}
