//! `trainer --version`, `trainer completions` and `trainer man`.

#[path = "../common/manual.rs"]
mod manual;

use std::process::Command;

use schemas::store::FORMAT_VERSION;

use crate::support::*;

/// The name under which the program is installed.
const NAME: &str = "trainer";

#[test]
fn the_version_tells_formats_and_devices() {
    let short = succeed(&["-V"]);
    assert_eq!(short, format!("trainer {}\n", env!("CARGO_PKG_VERSION")));
    let long = succeed(&["--version"]);
    assert!(long.starts_with(&short), "{long}");
    let devices = if cfg!(feature = "tch") { "cpu, libtorch, cuda:N" } else { "cpu" };
    let processes = if cfg!(feature = "mpi") { "by MPI" } else { "no (built without MPI)" };
    for line in [
        format!("store format {FORMAT_VERSION}"),
        format!("devices: {devices}"),
        format!("several processes: {processes}"),
    ] {
        assert!(long.lines().any(|it| it == line), "{line}: {long}");
    }
}

#[test]
fn shells_complete_commands_and_options() {
    manual::completes(TRAINER, NAME, ["pretrain", "--batch-", "--batch-triplets"]);
    manual::prints_to_who_reads(TRAINER);
}

#[test]
fn every_command_has_a_manual_page() {
    manual::describes_itself(TRAINER, NAME);
    manual::names_the_folder_that_cannot_be_made(TRAINER);
}

#[test]
fn the_manual_joins_no_other_process() {
    let folder = folder();
    for arguments in [&["completions", "bash"][..], &["man", text(folder.path())]] {
        let output = Command::new(TRAINER).env("OMPI_COMM_WORLD_SIZE", "2").args(arguments).output();
        let output = output.expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    }
}
