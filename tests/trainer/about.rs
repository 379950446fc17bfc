//! `trainer --version`, `trainer completions` and `trainer man`.

#[path = "../common/manual.rs"]
pub(crate) mod manual;

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
fn shells_complete_values() {
    for (words, values) in [
        (&["finetune", "--task", "matbench_j"][..], &["matbench_jdft2d"][..]),
        (&["tasks", "mp_"], &["mp_bulk", "mp_gap", "mp_shear"]),
        (&["finetune", "--property", "band_gap_m"], &["band_gap_mbj_ev"]),
        (&["pretrain", "--device", "c"], &["cpu", "cuda", "cuda:0", "cuda:1"]),
        (&["compare", "--devices", "l"], &["libtorch"]),
        (&["predict", "--kind", "pos"], &["poscar"]),
        (&["pretrain", "--method", "i"], &["infograph"]),
        (&["pretrain", "--labels", "c"], &["centred", "cell"]),
    ] {
        let words = [&[NAME], words].concat();
        assert_eq!(manual::offered(TRAINER, NAME, &words), values, "{words:?}");
    }
    // What is offered is not all that is taken: files of tasks, other devices.
    let help = succeed(&["finetune", "--help"]);
    assert!(!help.contains("possible values: jarvis_ehull") && !help.contains("cuda:1"), "{help}");
}

#[test]
fn manual_pages_have_the_headings_and_examples_of_the_help() {
    let folder = folder();
    succeed(&["man", text(folder.path())]);
    let page = std::fs::read_to_string(folder.path().join("trainer-finetune.1")).expect("a page");
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
    for heading in ["OPTIONS", "CONFIGURATION", "MACHINE", "TRAINING", "OUTPUT", "EXAMPLES"] {
        assert!(headings.contains(&heading), "{heading}: {headings:?}");
    }
    let (_, examples) = page.split_once(".SH EXAMPLES\n").expect("the section");
    assert!(examples.starts_with(".PP\n.nf\n  trainer finetune \\-\\-property band_gap_ev "), "{examples}");
    let notes = std::fs::read_to_string(folder.path().join("trainer-predict.1")).expect("a page");
    assert!(notes.contains(".SH NOTES\nColumns: ") && notes.contains(".SH EXAMPLES\n"), "{notes}");
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
