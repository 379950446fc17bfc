//! Error messages with the option that helps.

use std::error::Error;

use etl::pipeline::BuildError;
use etl::source::SourceError;
use schemas::count::counted;
use schemas::settings::{FeatureSettings, Neighbours, SettingsError};
use schemas::{StoreError, in_one_line};
use trainer::TrainError;
use trainer::catalogue::CatalogueError;
use trainer::compare::CompareError;
use trainer::config::ConfigError;
use trainer::data::DataError;
use trainer::device::DeviceError;
use trainer::predict::{PredictError, weights_files};
use trainer::ranks::RanksError;
use trainer::report::ReportError;
use trainer::run::RunError;
use trainer::space::SpaceError;
use trainer::task::{Remark, TaskError};

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
    let build = error.chain().find_map(of_settings).or_else(|| of_folder(error)).unwrap_or_default();
    in_one_line(error.as_ref()) + hint.unwrap_or_default() + &build
}

/// Returns a remark with the option that helps.
pub(super) fn remarked(remark: &Remark) -> String {
    match remark {
        Remark::UnusedSplit { columns } => {
            let column = columns.first().map(String::as_str).unwrap_or_default();
            let it = if columns.len() > 1 { "the first" } else { "it" };
            format!("{remark}; --split {column} divides the crystals by {it}")
        }
        _ => remark.to_string(),
    }
}

/// Returns a hint to the weights in a folder that was given in the place of one of them.
fn of_folder(error: &anyhow::Error) -> Option<String> {
    let of_space = || match error.downcast_ref()? {
        SpaceError::Train(error) => Some(&**error),
        _ => None,
    };
    let path = match error.downcast_ref::<TrainError>().or_else(of_space)? {
        TrainError::Weights { path, .. } if path.is_dir() => path,
        _ => return None,
    };
    let files = weights_files(std::slice::from_ref(path)).unwrap_or_default();
    Some(match &*files {
        [] => "; it is a folder without weights".to_owned(),
        [file] => format!("; it is a folder: give {}", file.display()),
        [first, second] => format!("; it is a folder: give {} or {}", first.display(), second.display()),
        [file, others @ ..] => {
            let others = counted(others.len(), "other");
            format!("; it is a folder: give one of its weights, {} or one of {others}", file.display())
        }
    })
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
        TrainError::NoMember { .. } => "; trainer finetune --resume goes on",
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
        TaskError::TextAbove { .. } => "; --above needs numbers, and texts are classes without it",
        TaskError::NoSplit { .. } => "; --split hash divides by the identifiers",
        TaskError::EmptyPart { part: "validation", is_given: true, .. } => {
            "; give some crystals the part val, or divide a property by --folds N"
        }
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
    use trainer::finetune::member::Encoders;
    use trainer::task::SplitRule;

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
        let unused = Remark::UnusedSplit { columns: vec!["split".to_owned()] };
        assert_eq!(
            remarked(&unused),
            "the store has the split column 'split', which is not used; --split split divides the crystals by it"
        );
        let unused = Remark::UnusedSplit { columns: ["split_a", "split_b"].map(str::to_owned).into() };
        let line = "the store has the split columns 'split_a', 'split_b', which are not used; --split split_a divides the \
                    crystals by the first";
        assert_eq!(remarked(&unused), line);
    }

    #[test]
    fn an_empty_validation_part_can_be_filled_where_crystals_are_given_parts() {
        let ends = |rule: SplitRule| {
            let error = TaskError::EmptyPart {
                task: "gaps".to_owned(),
                property: "gap".to_owned(),
                part: "validation",
                fold: "split".to_owned(),
                is_given: rule.gives_parts(),
            };
            told(&error.into())
                .ends_with("; give some crystals the part val, or divide a property by --folds N")
        };
        assert!(ends(SplitRule::Column { column: "split".to_owned() }));
        assert!(ends(SplitRule::File { name: "a list".to_owned() }));
        assert!(!ends(SplitRule::Hash { validation_fraction: 0.1, test_fraction: 0.1 }));
        assert!(!ends(SplitRule::Folds { validation_fraction: 0.1 }));
        let drawn = SplitRule::Drawn { folds: 3, seed: 1, validation_fraction: 0.1, labels_sha256: None };
        assert!(!ends(drawn));
    }

    #[test]
    fn the_weights_in_a_folder_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let said = || {
            let path = folder.path().to_owned();
            let error = Encoders::read(&path).expect_err("a folder");
            let from_space = told(&SpaceError::from(Encoders::read(&path).expect_err("a folder")).into());
            let said = told(&error.into());
            assert_eq!(from_space, said);
            said.replace(&format!("{}", path.display()), "runs")
        };
        assert_eq!(said(), "cannot read runs: not a regular file; it is a folder without weights");
        let mut ends = Vec::new();
        for member in ["fold-0", "fold-1", "fold-2"] {
            let run = folder.path().join(member).join("seed-1");
            std::fs::create_dir_all(&run).expect("a folder");
            std::fs::write(run.join("best.safetensors"), "").expect("a file");
            ends.push(said());
        }
        let first = "runs/fold-0/seed-1/best.safetensors";
        assert!(ends[0].ends_with(&format!("; it is a folder: give {first}")), "{}", ends[0]);
        let both = format!("; it is a folder: give {first} or runs/fold-1/seed-1/best.safetensors");
        assert!(ends[1].ends_with(&both), "{}", ends[1]);
        let some = format!("; it is a folder: give one of its weights, {first} or one of 2 others");
        assert!(ends[2].ends_with(&some), "{}", ends[2]);
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
