//! Error messages with the option that helps.

use schemas::in_one_line;
use trainer::TrainError;
use trainer::compare::CompareError;
use trainer::predict::PredictError;
use trainer::report::ReportError;
use trainer::run::RunError;
use trainer::task::TaskError;

/// Hint for an output that already exists.
const OVERWRITE: &str = "; --overwrite replaces it";
/// Hint for files that no command has written.
const OWN_FOLDER: &str = "; give --out a folder of its own";

/// Returns the message of an error in one line.
pub(super) fn told(error: &anyhow::Error) -> String {
    let hint = None
        .or_else(|| error.downcast_ref().map(of_training))
        .or_else(|| error.downcast_ref().map(of_comparison))
        .or_else(|| error.downcast_ref().map(of_prediction))
        .or_else(|| error.downcast_ref().map(of_run))
        .or_else(|| error.downcast_ref().map(of_report))
        .or_else(|| error.downcast_ref().map(of_task));
    in_one_line(error.as_ref()) + hint.unwrap_or_default()
}

fn of_training(error: &TrainError) -> &'static str {
    match error {
        TrainError::Run(error) => of_run(error),
        TrainError::Report(error) => of_report(error),
        TrainError::Task(error) => of_task(error),
        TrainError::NotFinetuned { .. } => "; trainer finetune --weights makes a model that does",
        TrainError::NoShards => ": give --shards, or data.shards in the configuration",
        TrainError::OtherConfiguration { .. } => "; without --resume and with another --out a new run begins",
        TrainError::Exists { .. } => OVERWRITE,
        _ => "",
    }
}

fn of_comparison(error: &CompareError) -> &'static str {
    match error {
        CompareError::Input { source, .. } => of_training(source),
        CompareError::Task { source, .. } => of_task(source),
        CompareError::Report(error) => of_report(error),
        CompareError::Foreign { .. } => OWN_FOLDER,
        _ => "",
    }
}

fn of_prediction(error: &PredictError) -> &'static str {
    match error {
        PredictError::NoModels => ": name at least one file with --weights",
        PredictError::Exists { .. } => OVERWRITE,
        PredictError::Foreign { .. } => ", or choose another --out",
        PredictError::DifferentKinds { .. } => ", or say --kind",
        PredictError::Kind(_) => "; --kind says how an input is read",
        _ => "",
    }
}

fn of_run(error: &RunError) -> &'static str {
    match error {
        RunError::NotEmpty { .. } => ": --resume continues the run in it, --overwrite replaces it",
        RunError::BestMissing { .. } => "; --overwrite begins anew",
        _ => "",
    }
}

fn of_report(error: &ReportError) -> &'static str {
    match error {
        ReportError::Foreign { .. } => OWN_FOLDER,
        _ => "",
    }
}

fn of_task(error: &TaskError) -> &'static str {
    match error {
        TaskError::Missing { .. } => "; --allow-partial goes on without them",
        TaskError::Counts { .. } | TaskError::Crystals { .. } => {
            "; --allow-partial goes on with what there is"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_is_said_last() {
        let occupied = || RunError::NotEmpty { path: "runs/a".into() };
        let line = "runs/a is not empty: --resume continues the run in it, --overwrite replaces it";
        for error in [occupied().into(), TrainError::from(occupied()).into()] {
            assert_eq!(told(&error), line);
        }
        let path = || "grids/a.toml".into();
        let error = CompareError::Input {
            path: path(),
            job: "[pretrain.a]".into(),
            source: Box::new(TrainError::NoShards),
        };
        assert_eq!(
            told(&error.into()),
            "grids/a.toml: [pretrain.a]: no shards are named: give --shards, or data.shards in the configuration"
        );
        let error = PredictError::Exists { path: "p.csv".into() };
        assert_eq!(told(&error.into()), "p.csv already exists; --overwrite replaces it");
    }
}
