//! Error messages with the option that helps.

use std::error::Error;

use etl::pipeline::BuildError;
use etl::source::SourceError;
use schemas::settings::{FeatureSettings, Neighbours, SettingsError};
use schemas::{StoreError, in_one_line};
use trainer::TrainError;
use trainer::catalogue::CatalogueError;
use trainer::compare::CompareError;
use trainer::config::ConfigError;
use trainer::data::DataError;
use trainer::device::DeviceError;
use trainer::predict::PredictError;
use trainer::ranks::RanksError;
use trainer::report::ReportError;
use trainer::run::RunError;
use trainer::space::SpaceError;
use trainer::task::TaskError;

/// Hint for an output that already exists.
const OVERWRITE: &str = "; --overwrite replaces it";
/// Hint for files that no command has written.
const OWN_FOLDER: &str = "; give --out a folder of its own";
/// Hint for a batch that is too large.
const BATCH: &str = " (--batch, --batch-triplets)";
/// Hint for an input of another kind.
const KIND: &str = "; --kind says how an input is read";

/// Returns the message of an error in one line.
pub(super) fn told(error: &anyhow::Error) -> String {
    let hint = None
        .or_else(|| error.downcast_ref().map(of_training))
        .or_else(|| error.downcast_ref().map(of_catalogue))
        .or_else(|| error.downcast_ref().map(of_configuration))
        .or_else(|| error.downcast_ref().map(of_device))
        .or_else(|| error.downcast_ref().map(of_ranks))
        .or_else(|| error.downcast_ref().map(of_comparison))
        .or_else(|| error.downcast_ref().map(of_prediction))
        .or_else(|| error.downcast_ref().map(of_run))
        .or_else(|| error.downcast_ref().map(of_space))
        .or_else(|| error.downcast_ref().map(of_report))
        .or_else(|| error.downcast_ref().map(of_task));
    let build = error.chain().find_map(of_settings).unwrap_or_default();
    in_one_line(error.as_ref()) + hint.unwrap_or_default() + &build
}

/// Returns the command that builds a store with the settings that a model needs, if options of it can say them.
fn of_settings(error: &(dyn Error + 'static)) -> Option<String> {
    let SettingsError::Mismatch { wanted, .. } = error.downcast_ref()? else { return None };
    let FeatureSettings { neighbours, cutoff_angstrom, ties, .. } = **wanted;
    let settable = FeatureSettings { neighbours, cutoff_angstrom, ties, ..FeatureSettings::default() };
    if settable != **wanted {
        return None;
    }
    let ties = match neighbours {
        Neighbours::Nearest(_) => format!(" --ties {ties}"),
        Neighbours::All => String::new(),
    };
    Some(format!("; etl build --neighbours {neighbours} --cutoff {cutoff_angstrom}{ties} makes one"))
}

fn of_training(error: &TrainError) -> &'static str {
    match error {
        TrainError::Config(error) => of_configuration(error),
        TrainError::Catalogue(error) => of_catalogue(error),
        TrainError::Data(error) => of_data(error),
        TrainError::Device(error) => of_device(error),
        TrainError::Ranks(error) => of_ranks(error),
        TrainError::Run(error) => of_run(error),
        TrainError::Report(error) => of_report(error),
        TrainError::Task(error) => of_task(error),
        TrainError::NotFinetuned { .. } => "; trainer finetune --weights makes a model that does",
        TrainError::NoShards => ": give --shards, or data.shards in the configuration",
        TrainError::OtherConfiguration { .. } => "; without --resume and with another --out a new run begins",
        TrainError::OtherShards { .. } | TrainError::OtherCrystals { .. } => {
            "; build the store as it was, or train anew with --overwrite or another --out"
        }
        TrainError::Memory { .. } => BATCH,
        TrainError::PerAtomCsv { .. } => "; give --out such an ending, or leave --per-atom out",
        TrainError::Exists { .. } => OVERWRITE,
        _ => "",
    }
}

fn of_catalogue(error: &CatalogueError) -> &'static str {
    match error {
        CatalogueError::Unknown { .. } | CatalogueError::Nothing { .. } => {
            "; `trainer weights list` lists the names"
        }
        CatalogueError::NoCache { .. } => "; set one of them",
        CatalogueError::Fetch { source, .. } if source.is_unreachable() => {
            "; trainer weights get --mirror takes them from elsewhere"
        }
        CatalogueError::Io { .. } => "; the environment variable CRYSTAL_MMPT_CACHE names another folder",
        _ => "",
    }
}

fn of_configuration(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::UnknownKey { suggestion: None, .. } => "; `trainer config` prints all keys",
        _ => "",
    }
}

fn of_data(error: &DataError) -> &'static str {
    match error {
        DataError::Store(StoreError::Unfinished { .. }) => {
            ": repeat the command that builds it (etl build with --resume)"
        }
        DataError::BatchTooLarge { .. } => BATCH,
        _ => "",
    }
}

fn of_device(error: &DeviceError) -> &'static str {
    match error {
        DeviceError::WithoutLibtorch { .. } => {
            ": `make libtorch`, then build with `--features mmpt-trainer/tch`"
        }
        DeviceError::Missing { available, .. } if !available.contains("cuda") => {
            "; a GPU needs NVIDIA's driver, as `nvidia-smi` shows it, and a build with libtorch for CUDA: `make libtorch CUDA=yes`"
        }
        _ => "",
    }
}

fn of_ranks(error: &RanksError) -> &'static str {
    match error {
        RanksError::WithoutMpi { .. } => " (`--features mmpt-trainer/mpi`)",
        _ => "",
    }
}

fn of_comparison(error: &CompareError) -> &'static str {
    match error {
        CompareError::Settings { source, .. } => of_configuration(source),
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
        PredictError::Kind(_)
        | PredictError::Structures(BuildError::Source(
            SourceError::OtherName { .. } | SourceError::OtherLook { .. },
        )) => KIND,
        PredictError::Data(error) => of_data(error),
        _ => "",
    }
}

fn of_run(error: &RunError) -> &'static str {
    match error {
        RunError::NotEmpty { .. } => ": --resume continues the run in it, --overwrite replaces it",
        RunError::Events { .. } => "; give --tensorboard another folder, or --overwrite to replace the run",
        RunError::BestMissing { .. } => "; --overwrite begins anew",
        _ => "",
    }
}

fn of_space(error: &SpaceError) -> &'static str {
    match error {
        SpaceError::Train(error) => of_training(error),
        SpaceError::Data(error) => of_data(error),
        SpaceError::Kind(error) => of_prediction(error),
        SpaceError::NoEmbeddings => " (--weights, --embeddings)",
        SpaceError::NoWeights { .. } => ": give --weights",
        SpaceError::NoVector { .. } => ": give another --vector",
        SpaceError::OtherWeights { .. } | SpaceError::OtherShards { .. } => {
            "; trainer embed makes the table anew, or leave --embeddings out"
        }
        SpaceError::Exists { .. } => OVERWRITE,
        SpaceError::Foreign { .. } => ": give another --out",
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
        TaskError::Data(error) => of_data(error),
        TaskError::Settings { .. } => ", and give it by --config",
        TaskError::SplitFileNeeded { .. } => ": give it by --split",
        TaskError::SplitFileWithFolds { .. } => "; leave --split out",
        TaskError::NoClasses { .. } => "; --above VALUE divides a column of numbers into two",
        TaskError::Missing { .. } => "; --allow-partial goes on without them",
        TaskError::Counts { .. } | TaskError::Crystals { .. } => {
            "; --allow-partial goes on with what there is"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use schemas::settings::Ties;
    use trainer::config::Config;

    use super::*;

    #[test]
    fn the_command_that_builds_another_graph_is_named() {
        let stored = FeatureSettings::default();
        let refusal = |wanted: &FeatureSettings| {
            let source = wanted.require(&stored).expect_err("another graph");
            let store = || StoreError::Settings { path: "a.parquet".into(), source: source.clone() };
            let lines = [
                told(&TrainError::from(DataError::from(store())).into()),
                told(&PredictError::from(DataError::from(store())).into()),
            ];
            assert_eq!(lines[0], lines[1]);
            lines[0].clone()
        };
        let within = |cutoff_angstrom| FeatureSettings {
            cutoff_angstrom,
            neighbours: Neighbours::All,
            ..FeatureSettings::default()
        };
        let differs = "a.parquet: the store has cutoff_angstrom = 8, but 5 is needed";
        let line = format!("{differs}; etl build --neighbours all --cutoff 5 makes one");
        assert_eq!(refusal(&within(5.0)), line);
        let nearest = FeatureSettings { neighbours: Neighbours::Nearest(32), ..stored.clone() };
        let line = refusal(&FeatureSettings { ties: Ties::Cut, ..nearest });
        assert!(line.ends_with("; etl build --neighbours 32 --cutoff 8 --ties cut makes one"), "{line}");
        let line = refusal(&FeatureSettings { wrap_tolerance: 0.0, ..within(5.0) });
        assert_eq!(line, differs);
    }

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
        let error = TaskError::SplitFileNeeded { task: "gaps".into(), name: "list.json".into() };
        assert_eq!(
            told(&TrainError::from(error).into()),
            "the task 'gaps' needs a split file with list.json: give it by --split"
        );
        let error = PredictError::Exists { path: "p.csv".into() };
        assert_eq!(told(&error.into()), "p.csv already exists; --overwrite replaces it");
    }

    #[test]
    fn options_follow_the_settings_that_they_set() {
        let error = TrainError::Memory { crystals: 64, edges: 1, needed: 2 << 20, available: 1 << 20 };
        let line = told(&error.into());
        assert!(line.contains("lower data.batch_crystals, or set data.batch_triplets"), "{line}");
        assert!(line.ends_with(" (--batch, --batch-triplets)"), "{line}");
        let unfinished = || DataError::from(StoreError::Unfinished { path: "data/oqmd".into() });
        for error in [
            TrainError::from(unfinished()).into(),
            PredictError::from(unfinished()).into(),
            TaskError::from(unfinished()).into(),
        ] {
            assert_eq!(
                told(&error),
                "data/oqmd: an unfinished store: repeat the command that builds it (etl build with --resume)"
            );
        }
        let key = Config::resolve(None, &["qqqq=1"]).expect_err("it is unknown");
        assert_eq!(told(&key.into()), "settings: unknown key 'qqqq'; `trainer config` prints all keys");
    }
}
