//! Training over several processes: the program under `mpirun`.
//!
//! The tests of more than one process need a build with the feature `mpi` and `mpirun` on the path.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use trainer::weights::{self, Values};

use crate::support::*;

/// Greatest difference of weights, of the greatest weight of a tensor.
const TOLERANCE: f64 = 1e-5;
/// A rate at which rounding stays rounding: Adam makes steps of this size of gradients of any.
const RATE: [&str; 2] = ["--learning-rate", "1e-4"];
/// Within this the other processes end when one of them was killed.
const END: Duration = Duration::from_secs(10);
/// A run to be stopped on its way, with a checkpoint after every second step.
const LONG: [&str; 6] = ["--epochs", "12", "--batch", "4", "--set", "run.checkpoint_steps=2"];

/// Whether there is something to test; says so if not.
fn can_launch() -> bool {
    let launcher = Command::new("mpirun").arg("--version").output();
    if cfg!(feature = "mpi") && launcher.is_ok() {
        return true;
    }
    println!("skipped: no build with the feature mpi, or no mpirun");
    false
}

/// The program in two processes.
fn two_of<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("mpirun");
    // Of Open MPI, ignored by others: in containers tests run as root, on fewer cores than processes.
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.env("OMPI_MCA_rmaps_base_oversubscribe", "1").env("OMPI_MCA_hwloc_base_binding_policy", "none");
    command.args(["-n", "2", TRAINER]).args(arguments);
    command
}

fn output_of_two(arguments: &[&str]) -> Output {
    two_of(arguments.iter().copied()).output().expect("mpirun starts")
}

fn succeed_in_two(arguments: &[&str]) -> String {
    let output = output_of_two(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Numbers by the name of a tensor.
fn weights_of(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let file = weights::read(path).expect("a whole file");
    let numbers = file.tensors.into_iter().map(|(name, tensor)| match tensor.values {
        Values::F32(values) => (name, values),
        Values::F64(values) => (name, values.into_iter().map(|value| value as f32).collect()),
    });
    numbers.collect()
}

/// Fails unless two files hold the same weights but for rounding.
fn assert_close(found: &Path, expected: &Path) {
    let (found, expected) = (weights_of(found), weights_of(expected));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, expected) in expected {
        let greatest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        for (found, expected) in found[&name].iter().zip(&expected) {
            let off = f64::from((found - expected).abs());
            assert!(off <= TOLERANCE * f64::from(greatest), "{name}: {found} and not {expected}");
        }
    }
}

/// The processes that another one has started.
fn children(parent: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    listed.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Sends one of the launcher's two processes a signal, once the run has so many records.
fn signal_one(run: &mut Child, out: &Path, records: usize, signal: &str) {
    let launcher = run.id();
    assert!(wait_for(run, || lines_of(out) >= records), "it ended too early");
    let ids = children(launcher);
    assert_eq!(ids.len(), 2, "mpirun starts both");
    let sent = Command::new("kill").args([signal, &ids[1].to_string()]).status();
    assert!(sent.expect("kill can be started").success());
}

#[test]
fn two_processes_train_as_one_with_batches_twice_as_large() {
    if !can_launch() {
        return;
    }
    let more = ["--epochs", "5", RATE[0], RATE[1], "--batch"];
    let whole = trained(&[&more[..], &["8"]].concat());
    let out = folder();
    let told = succeed_in_two(&small_run(&store(), out.path(), &[&more[..], &["4"]].concat()));
    assert_eq!(records_of(out.path(), "step").len(), 20);
    assert_eq!(told.matches("5 epochs, 20 steps").count(), 1, "one process reports: {told}");
    assert_close(&out.path().join(BEST), &whole.path().join(BEST));
}

#[test]
fn two_processes_fine_tune_as_one() {
    if !can_launch() {
        return;
    }
    let folder = folder();
    let (task, store) = (folder.path().join("task.toml"), store());
    std::fs::write(&task, GAPS).expect("a writable folder");
    let tuned = |name: &str, batch: &str, run: &dyn Fn(&[&str])| {
        let out = folder.path().join(name);
        let mut arguments =
            vec!["finetune", "--task", text(&task), "--shards", text(&store), "--out", text(&out)];
        arguments.extend(["--from-scratch", "--epochs", "2", "--seeds", "1,2", "--threads", "1", "--quiet"]);
        arguments.extend(["--batch", batch, RATE[0], RATE[1], "--head-learning-rate", "5e-4"]);
        arguments.extend(small_encoder());
        run(&arguments);
        out
    };
    let whole = tuned("one", "8", &|arguments| drop(succeed(arguments)));
    let shared = tuned("two", "4", &|arguments| drop(succeed_in_two(arguments)));
    for seed in [1, 2] {
        let best = format!("split/seed-{seed}/{BEST}");
        assert_close(&shared.join(&best), &whole.join(&best));
    }
}

#[test]
fn a_killed_process_ends_the_others_and_the_run_goes_on() {
    if !can_launch() {
        return;
    }
    let whole = folder();
    succeed_in_two(&small_run(&store(), whole.path(), &LONG));
    let out = folder();
    let start = |more: &[&str]| {
        let mut command = two_of(small_run(&store(), out.path(), &[&LONG[..], more].concat()));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("mpirun starts")
    };
    // A process that dies takes the others along; one that is asked to stop has all of them save.
    for (more, records, signal) in [(&[][..], 9, "-KILL"), (&["--resume"], 21, "-INT")] {
        let mut run = start(more);
        signal_one(&mut run, out.path(), records, signal);
        let begun = Instant::now();
        let status = run.wait().expect("it ends");
        assert!(begun.elapsed() < END, "{signal}: after {:?}", begun.elapsed());
        assert!(!status.success(), "{signal}");
    }
    succeed_in_two(&small_run(&store(), out.path(), &[&LONG[..], &["--resume"]].concat()));
    assert_same_run(whole.path(), out.path(), "killed, interrupted and resumed");
}

#[test]
fn what_all_processes_fail_at_is_told_by_the_first() {
    if !can_launch() {
        return;
    }
    let out = folder();
    let output = output_of_two(&small_run(Path::new("nowhere"), out.path(), &[]));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // The second one is ended before it speaks, or says that it is the second.
    let first = told.lines().filter(|line| line.starts_with("trainer: nowhere: "));
    assert_eq!(first.count(), 1, "{told}");
}

/// The line with which the program refuses as one of a launcher's two processes.
fn refused_as_one_of_two(arguments: &[&str]) -> String {
    let output = Command::new(TRAINER).env("OMPI_COMM_WORLD_SIZE", "2").args(arguments).output();
    complaint(&output.expect("the program starts"))
}

#[test]
fn other_commands_run_in_one_process() {
    let line = refused_as_one_of_two(&["config"]);
    assert!(line.contains("only pretrain and finetune run in several processes"), "{line}");
}

#[test]
fn a_build_without_mpi_refuses_several_processes() {
    if cfg!(feature = "mpi") {
        println!("skipped: this build has MPI");
        return;
    }
    let out = folder();
    let line = refused_as_one_of_two(&small_run(&store(), out.path(), &[]));
    assert!(line.contains("a launcher started 2 processes") && line.contains("without MPI"), "{line}");
    assert!(!out.path().join(".lock").exists(), "nothing is begun");
}
