//! `trainer tasks`

use clap::Args;
use schemas::count::counted;
use trainer::task::{Metric, Task};
use trainer::unit;

use super::Outcome;
use super::out::say;
use super::suggestions;

/// Model whose published errors the list shows.
const MODEL: &str = "MMPT";
/// Stands for a number that is not known.
const UNKNOWN: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer tasks
  trainer tasks matbench_jdft2d")]
pub(crate) struct TasksArguments {
    /// A built-in task or a TOML file, to tell more of it
    #[arg(value_name = "TASK", value_parser = suggestions::tasks(), hide_possible_values = true)]
    task: Option<String>,
}

impl TasksArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        match &self.task {
            Some(name) => describe(&Task::load(name)?)?,
            None => list()?,
        }
        Ok(Outcome::Clean)
    }
}

/// Returns the number of crystals of a task, if it is known.
fn crystals(task: &Task) -> Option<usize> {
    let of_parts = || task.expected.map(|counts| counts.train + counts.validation + counts.test);
    task.crystals.or_else(of_parts)
}

/// Returns the unit of a task's target, or words for pure numbers, classes and several properties.
fn target(task: &Task) -> String {
    match (task.classes().len(), task.further.len()) {
        (0, 0) if unit::shown("", &task.target_unit(), "").is_empty() => "no unit".to_owned(),
        (0, 0) => task.target_unit(),
        (0, further) => counted(1 + further, "property"),
        (classes, _) => counted(classes, "class"),
    }
}

/// Prints a line for every built-in task.
fn list() -> anyhow::Result<()> {
    say!("{:24} {:>8} {:14} {:>11}  divided by", "task", "crystals", "target", "MMPT's MAE");
    for name in Task::names() {
        let task = Task::load(name)?;
        let count = crystals(&task).map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string());
        let error = task.literature.get(MODEL).map_or_else(|| UNKNOWN.to_owned(), f64::to_string);
        say!("{name:24} {count:>8} {:14} {error:>11}  {}", target(&task), task.split.summary());
    }
    say!("trainer tasks TASK tells more of one");
    Ok(())
}

/// Prints all that is known of a task.
fn describe(task: &Task) -> anyhow::Result<()> {
    say!("{}: {}", task.name, task.description);
    for column in task.targets() {
        let of_sites = if task.per_site { ", a number of every site" } else { "" };
        say!("property     {}{}{of_sites}", column.property, unit::shown(" in ", &column.unit, ""));
    }
    match task.classes() {
        [] => say!("target in    {}", target(task)),
        classes => say!("classes      {}", classes.join(", ")),
    }
    if let Some(count) = crystals(task) {
        say!("crystals     {count}");
    }
    say!("divided by   {}", task.split.summary());
    say!("store        {}", task.store);
    if !task.literature.is_empty() {
        let errors = task.literature.iter().map(|(model, error)| format!("{model} {error}"));
        let metric = match task.metric {
            Metric::Mae => "mean absolute errors",
            Metric::RocAuc => "areas under the receiver operating characteristic",
            Metric::BalancedAccuracy => "balanced accuracies",
        };
        say!("published    {} ({metric})", errors.collect::<Vec<_>>().join(", "));
    }
    Ok(())
}
