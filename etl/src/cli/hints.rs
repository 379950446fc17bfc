//! Error messages of the command line, which name the option that is at fault or that helps.

use etl::fetch::FetchError;
use etl::parts::MergeError;
use etl::pipeline::BuildError;
use etl::worker::WorkerError;
use schemas::{in_one_line, text};

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
        (_, Some(FetchError::Unreachable { .. }), _) => {
            "; without a network, give a folder of the files with --mirror"
        }
        (_, Some(FetchError::Foreign { .. }), _) => "; move it away or give another --to",
        (.., Some(MergeError::NotAPart { .. })) => ": it was built without --part",
        _ => "",
    };
    in_one_line(error.as_ref()) + hint
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
    }
}
