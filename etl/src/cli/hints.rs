//! Error messages of the command line, which name the option that is at fault or that helps.

use etl::export::ExportError;
use etl::fetch::FetchError;
use etl::inspect::InspectError;
use etl::labels::LabelError;
use etl::parts::MergeError;
use etl::pipeline::BuildError;
use etl::source::{Look, SourceError};
use etl::stats::StatisticsError;
use etl::worker::WorkerError;
use schemas::{StoreError, in_one_line, text};

/// Formats an error in one line.
pub(super) fn told(error: &anyhow::Error) -> String {
    let build = of_build(error);
    if let Some(BuildError::Option { option, value, problem }) = build {
        return text::message(&format!("--{} {value}: {problem}", option.replace('_', "-"))).into_owned();
    }
    let hint = match (build, error.downcast_ref(), error.downcast_ref()) {
        (Some(BuildError::Finished { .. }), ..) => "; --force builds it anew",
        (Some(BuildError::Interrupted { .. }), ..) => "; --resume goes on with it, --force starts anew",
        (Some(BuildError::ResumeMismatch { .. } | BuildError::Journal { .. }), ..) => "; --force starts anew",
        (Some(BuildError::Cancelled { .. }), ..) => "; --resume goes on from the last finished shard",
        (Some(BuildError::Labels(LabelError::TooManyFields { .. })), ..) => ", and give it by --labels",
        (_, Some(FetchError::Unreachable { .. }), _) => {
            "; without a network, give a folder of the files with --mirror"
        }
        (_, Some(FetchError::Foreign { .. }), _) => "; move it away or give another --to",
        (.., Some(MergeError::NotAPart { .. })) => ": it was built without --part",
        _ => match error.downcast_ref() {
            Some(ExportError::Exists { .. }) => "; move it away or give another --out",
            Some(ExportError::Name { .. }) => "; --format extxyz and pymatgen-json need no names of files",
            _ => "",
        },
    };
    let store = match of_store(error) {
        Some(StoreError::Unfinished { .. }) => {
            ": repeat the command that builds it (etl build with --resume)"
        }
        _ => "",
    };
    in_one_line(error.as_ref()) + hint + store + &build.map(about_source).unwrap_or_default()
}

/// Returns the hint for an input of another kind than the given one.
fn about_source(error: &BuildError) -> String {
    match error {
        BuildError::Source(SourceError::OtherName { named, .. }) => format!("; try `etl build {named}`"),
        BuildError::Source(SourceError::OtherLook { look: Look::Source(kind), .. }) => {
            format!("; `etl build {kind}` reads it")
        }
        _ => String::new(),
    }
}

/// Returns the error of a store, which may be the cause of a command's error.
fn of_store(error: &anyhow::Error) -> Option<&StoreError> {
    let merge = || match error.downcast_ref() {
        Some(MergeError::Store(error)) => Some(error),
        _ => None,
    };
    let statistics = || match error.downcast_ref() {
        Some(StatisticsError::Store(error)) => Some(error),
        _ => None,
    };
    let inspection = || match error.downcast_ref() {
        Some(InspectError::Store(error)) => Some(error),
        _ => None,
    };
    let export = || match error.downcast_ref() {
        Some(ExportError::Store(error)) => Some(error),
        _ => None,
    };
    error.downcast_ref().or_else(merge).or_else(statistics).or_else(inspection).or_else(export)
}

/// Returns the error of a build, which may be the cause of another command's error.
fn of_build(error: &anyhow::Error) -> Option<&BuildError> {
    let worker = || match error.downcast_ref() {
        Some(WorkerError::Build(error)) => Some(error),
        _ => None,
    };
    let merge = || match error.downcast_ref() {
        Some(MergeError::Build(error)) => Some(error),
        _ => None,
    };
    error.downcast_ref().or_else(worker).or_else(merge)
}

#[cfg(test)]
mod tests {
    use etl::source::SourceKind;

    use super::*;

    #[test]
    fn options_are_named_as_they_are_given() {
        let fault =
            || BuildError::Option { option: "shard_rows", value: "0".into(), problem: "is none".into() };
        for error in [fault().into(), WorkerError::from(fault()).into(), MergeError::from(fault()).into()] {
            assert_eq!(told(&error), "--shard-rows 0: is none");
        }
    }

    #[test]
    fn what_helps_is_said_last() {
        let error = BuildError::Interrupted { store: "data/oqmd".into() };
        let line = "data/oqmd: an interrupted build is here; --resume goes on with it, --force starts anew";
        assert_eq!(told(&error.into()), line);
        let error = FetchError::Foreign { path: "raw/a.json".into() };
        assert!(told(&error.into()).ends_with(", and not replaced; move it away or give another --to"));
        let error = MergeError::NotAPart { store: "data/oqmd".into() };
        assert!(told(&error.into()).ends_with(", not a part: it was built without --part"));
        let file = || "a.json".to_owned();
        let error = LabelError::TooManyFields { file: file(), line: 2, limit: 9 };
        assert!(told(&BuildError::from(error).into()).ends_with(" meant to be, and give it by --labels"));
        let kind = SourceKind::Cif;
        let look = |look| SourceError::OtherLook { file: file(), kind: Some(kind), look };
        for (error, line) in [
            (
                SourceError::OtherName { file: file(), kind, named: SourceKind::Table },
                "a.json: has the name of a table, not of cif; try `etl build table`",
            ),
            (
                look(Look::Source(SourceKind::Oqmd)),
                "a.json: is no cif input: it looks like oqmd; `etl build oqmd` reads it",
            ),
        ] {
            assert_eq!(told(&BuildError::from(error).into()), line);
        }
    }

    #[test]
    fn every_command_says_how_a_store_is_finished() {
        let fault = || StoreError::Unfinished { path: "data/oqmd".into() };
        let line =
            "data/oqmd: an unfinished store: repeat the command that builds it (etl build with --resume)";
        for error in [
            fault().into(),
            MergeError::from(fault()).into(),
            StatisticsError::from(fault()).into(),
            InspectError::from(fault()).into(),
            ExportError::from(fault()).into(),
        ] {
            assert_eq!(told(&error), line);
        }
    }
}
