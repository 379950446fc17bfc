//! `trainer evaluate`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use schemas::count::{counted, plural};
use trainer::TrainError;
pub(super) use trainer::evaluate::Request;
use trainer::evaluate::{Results, Summary, default_out, evaluate};
use trainer::predict::weights_files;
use trainer::report::bootstrap::ConfidenceInterval;
use trainer::report::classes::json::{CalibrationRecord, ClassificationRecord};
use trainer::report::classes::scores::{ACCURACY, BALANCED_ACCURACY, F1, ROC_AUC};
use trainer::report::json::{EvaluationRecord, IntervalRecord};
use trainer::run::interrupt::Interrupt;
use trainer::unit::{self, DECIMALS};

use super::Outcome;
use super::out::{remark_unfinished, say};
use super::part::PartName;
use super::settings::Machine;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer evaluate runs/matbench_jdft2d
  trainer evaluate runs/matbench_jdft2d --out results --authors 'A. Author'
  trainer evaluate runs/matbench_jdft2d --on validation      # tests nothing")]
pub(crate) struct EvaluateArguments {
    #[command(flatten)]
    machine: Machine,
    /// Folder of a fine-tuning
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Folder of the results; evaluation in FOLDER unless given
    #[arg(long, value_name = "FOLDER", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Part of every fold that is scored. Of validation parts the scores alone are written
    #[arg(long, value_name = "PART", default_value = "test")]
    on: PartName,
    /// Shards instead of those that the fine-tuning was begun with
    #[arg(long, value_name = "PATH", num_args = 1..)]
    shards: Vec<String>,
    /// Who submits, for MatBench's record
    #[arg(long, default_value = "", value_name = "NAMES", help_heading = "Output")]
    authors: String,
    /// Test crystals that the page shows in space beside the worst
    #[arg(long, value_name = "ID", num_args = 1.., help_heading = "Output")]
    show: Vec<String>,
}

impl EvaluateArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        anyhow::ensure!(
            self.show.is_empty() || matches!(self.on, PartName::Test),
            "--show: without a test there is no page that shows crystals"
        );
        let device = self.machine.prepare()?;
        let request = Request {
            folder: self.folder.clone(),
            out: self.out.clone().unwrap_or_else(|| default_out(&self.folder)),
            part: self.on.into(),
            shards: self.shards.clone(),
            authors: self.authors.clone(),
            show: self.show.clone(),
            device,
            // Ctrl-C ends the program, and nothing is written.
            interrupt: Interrupt::default(),
        };
        test(&request)
    }
}

/// Scores the members of a fine-tuning and prints the scores.
pub(super) fn test(request: &Request) -> anyhow::Result<Outcome> {
    let Summary { results, files } = match evaluate(request) {
        Err(TrainError::Interrupted) => return Ok(Outcome::Interrupted),
        evaluated => evaluated?,
    };
    remark_unfinished(&weights_files(std::slice::from_ref(&request.folder))?);
    match &results {
        Results::Numbers(evaluations) => {
            for evaluation in evaluations {
                if evaluations.len() > 1 {
                    say!("{}", evaluation.property);
                }
                numbers(&EvaluationRecord::new(evaluation)?)?;
            }
        }
        Results::Classes(evaluation) => classes(&ClassificationRecord::new(evaluation))?,
    }
    for file in &files {
        say!("{}", file.display());
    }
    Ok(Outcome::Clean)
}

/// Least number of characters of an error in a column.
const WIDTH: usize = 10;

/// Formats an error.
fn written(error: f64) -> String {
    unit::number(error, error, DECIMALS)
}

/// Prints the scores of a number.
fn numbers(record: &EvaluationRecord) -> anyhow::Result<()> {
    let EvaluationRecord { unit, folds, mean, std, interval, mae_interval, .. } = record;
    let unit = unit::shown(" ", unit, "");
    let is_of_sites = folds.iter().any(|fold| fold.test_sites.is_some());
    let noun = if is_of_sites { "site" } else { "crystal" };
    let errors = folds.iter().map(|fold| [fold.mae, fold.rmse, fold.dummy_mae].map(written));
    let errors: Vec<[String; 3]> = errors.collect();
    let width = errors.iter().flatten().map(String::len).fold(WIDTH, usize::max);
    for (fold, [mae, rmse, median]) in folds.iter().zip(&errors) {
        let tested = fold.test_sites.unwrap_or(fold.test);
        let of = fold.test_sites.map(|_| format!(", of {}", counted(fold.test, "crystal")));
        say!(
            "{:<10} {:>7} {:<8}  MAE {mae:>width$}  RMSE {rmse:>width$}  R2 {:>8}  median {median:>width$}{unit}{}",
            fold.name,
            tested,
            plural(&tested, noun),
            fold.r2.map_or_else(|| "-".to_owned(), |r2| format!("{r2:.4}")),
            of.unwrap_or_default(),
        );
    }
    if let Some(std) = std.mae {
        let std = unit::number(std, mean.mae, DECIMALS);
        say!("MAE {} +- {std}{unit}; median {}", written(mean.mae), written(mean.dummy_mae));
    }
    if let Some(interval) = mae_interval {
        confidence("MAE", interval, |end| unit::number(end, interval.high, DECIMALS), &unit)?;
    }
    if let Some(IntervalRecord { coverage, half_width, validation_crystals, covered }) = interval {
        say!(
            "intervals of {:.0} %: +- {}{unit}, by {}; {:.1} % of the test {noun}s lie within",
            100.0 * coverage,
            written(*half_width),
            counted(*validation_crystals, &format!("validation {noun}")),
            100.0 * covered
        );
    }
    Ok(())
}

/// Prints the confidence interval of a score, whose ends `written` formats.
fn confidence(
    score: &str,
    interval: &ConfidenceInterval,
    written: impl Fn(f64) -> String,
    unit: &str,
) -> anyhow::Result<()> {
    let ConfidenceInterval { low, high, confidence, resamples } = interval;
    let (low, high, share) = (written(*low), written(*high), 100.0 * confidence);
    say!("{score} within {low} to {high}{unit} ({share:.0} % confidence, {resamples} resamples)");
    Ok(())
}

/// Prints the scores of classes.
fn classes(record: &ClassificationRecord) -> anyhow::Result<()> {
    const SHOWN: [(&str, &str); 4] =
        [(ROC_AUC, "ROC-AUC"), (BALANCED_ACCURACY, "balanced accuracy"), (F1, "F1"), (ACCURACY, "accuracy")];
    let score = |scores: &BTreeMap<String, f64>, name| {
        scores.get(name).map_or_else(|| "     -".to_owned(), |score| format!("{score:.4}"))
    };
    let line = |scores: &BTreeMap<String, f64>| {
        SHOWN.map(|(name, heading)| format!("{heading} {}", score(scores, name))).join("  ")
    };
    for fold in &record.folds {
        let (name, test, dummy) = (&fold.name, fold.test, fold.dummy_accuracy);
        say!(
            "{name:<10} {test:>7} {:<8}  {}  commonest {dummy:.4}",
            plural(&test, "crystal"),
            line(&fold.scores)
        );
    }
    if record.folds.len() > 1 {
        let spread = SHOWN.map(|(name, heading)| match record.std.get(name) {
            Some(std) => format!("{heading} {} +- {std:.4}", score(&record.mean, name)),
            None => format!("{heading} {}", score(&record.mean, name)),
        });
        say!("{}", spread.join("; "));
    }
    for (name, heading) in SHOWN {
        if let Some(interval) = record.intervals.get(name) {
            confidence(heading, interval, |end| format!("{end:.4}"), "")?;
        }
    }
    if let Some(CalibrationRecord { temperature, validation_crystals }) = record.calibration {
        let crystals = counted(validation_crystals, "validation crystal");
        say!("probabilities calibrated by {crystals}: temperature {temperature:.3}");
    }
    Ok(())
}
