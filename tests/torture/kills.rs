//! `kill -9` at random moments: whoever goes on ends in the bytes of a run that was left alone.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::files::{folder, many_cifs, text, tree};
use crate::program::{Ran, etl, run, start, succeed, trainer};
use crate::table::Row;
use crate::trainer::{GAPS, assert_same_run, small_run, small_tuning, store};
use crate::{Case, Form};

/// Seed of the moments.
const SEED: u64 = 20;
/// A run is killed again with a chance of one to this, after every kill.
const AGAIN: u64 = 3;
/// A training long enough to be killed in, with a checkpoint after every second step.
const TRAINING: [&str; 6] = ["--epochs", "10", "--set", "run.checkpoint_steps=2", "--seed", "7"];
/// The same for a fine-tuning of two members.
const TUNING: [&str; 8] =
    ["--epochs", "8", "--seeds", "3,4", "--set", "run.checkpoint_steps=2", "--set", "data.batch_crystals=4"];
/// Members of that fine-tuning.
const MEMBERS: [&str; 2] = ["split/seed-3", "split/seed-4"];

/// The rows of this file.
pub(crate) fn cases(form: Form) -> Vec<Case> {
    let moments = form.pick(3, 100);
    vec![
        Case::new("kill -9: etl build, --resume", move |row| builds(row, "source", moments)),
        Case::new("kill -9: etl build --order shuffle:3, --resume", move |row| {
            builds(row, "shuffle:3", moments);
        }),
        Case::new("kill -9: trainer pretrain, --resume", move |row| trainings(row, moments)),
        Case::new("kill -9: trainer finetune, --resume", move |row| tunings(row, moments)),
    ]
}

/// A program, the arguments of a new run into a folder and those of one that goes on.
struct Commands<'a> {
    program: PathBuf,
    begin: &'a dyn Fn(&Path) -> Vec<OsString>,
    go_on: &'a dyn Fn(&Path) -> Vec<OsString>,
    /// Whether what ends in a folder is what an unbroken run left.
    same: &'a dyn Fn(&Path) -> bool,
}

/// Kills runs at random moments and lets each go on to its end.
fn kill(row: &mut Row, length: Duration, moments: usize, commands: &Commands<'_>) {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..moments {
        let parent = folder();
        let out = parent.path().join("out");
        let mut arguments = (commands.begin)(&out);
        let mut kills = 0;
        loop {
            let moment = length.mul_f64(random.next_u64() as f64 / u64::MAX as f64);
            let (killed, ended) = start(&commands.program, &arguments).kill_after(moment);
            row.ran(&killed);
            kills += usize::from(!ended);
            arguments = (commands.go_on)(&out);
            if ended || !random.next_u64().is_multiple_of(AGAIN) {
                break;
            }
        }
        let ended = go_on(&commands.program, arguments, (commands.begin)(&out));
        row.ran(&ended);
        if ended.code() != Some(0) {
            row.outcome("stuck");
            row.fault(format!("after {kills} kills: {}", ended.stderr));
        } else if !(commands.same)(&out) {
            row.outcome("other bytes");
            row.fault(format!("other bytes after {kills} kills"));
        } else {
            row.outcome(if kills > 0 { "resumed to the same bytes" } else { "ended before the kill" });
        }
    }
}

/// Goes on with a run; one that was killed before there was anything to go on with is begun again.
fn go_on(program: &Path, resume: Vec<OsString>, begin: Vec<OsString>) -> Ran {
    let resumed = run(program, resume);
    if resumed.refusal("holds no run to resume").is_ok() { run(program, begin) } else { resumed }
}

fn owned(arguments: &[&str]) -> Vec<OsString> {
    arguments.iter().map(OsString::from).collect()
}

fn builds(row: &mut Row, order: &str, moments: usize) {
    let (raw, whole) = (folder(), folder());
    many_cifs(raw.path(), 5);
    let arguments = |out: &Path| {
        let fixed = ["build", "cif", "--quiet", "--allow-rejects", "--threads", "2", "--resume"];
        let sizes = ["--shard-rows", "150", "--row-group-rows", "40", "--order", order];
        let places = ["--input", text(raw.path()), "--out", text(out)];
        owned(&[&fixed[..], &sizes, &places].concat())
    };
    let unbroken = succeed(&etl(), arguments(whole.path()));
    let same = |out: &Path| tree(whole.path()) == tree(out);
    let commands = Commands { program: etl(), begin: &arguments, go_on: &arguments, same: &same };
    kill(row, unbroken.took, moments, &commands);
}

fn trainings(row: &mut Row, moments: usize) {
    let (store, whole) = (store(), folder());
    let begin = |out: &Path| owned(&small_run(&store, out, &TRAINING));
    let go_on = |out: &Path| owned(&small_run(&store, out, &[&TRAINING[..], &["--resume"]].concat()));
    let unbroken = succeed(&trainer(), begin(whole.path()));
    let same = |out: &Path| {
        assert_same_run(whole.path(), out, "pretrain");
        true
    };
    let commands = Commands { program: trainer(), begin: &begin, go_on: &go_on, same: &same };
    kill(row, unbroken.took, moments, &commands);
}

fn tunings(row: &mut Row, moments: usize) {
    let (store, whole) = (store(), folder());
    let task = whole.path().join("task.toml");
    fs::write(&task, GAPS).expect("a writable folder");
    let begin = |out: &Path| owned(&small_tuning(&task, out, &TUNING, &store));
    let go_on = |out: &Path| owned(&small_tuning(&task, out, &[&TUNING[..], &["--resume"]].concat(), &store));
    let out = whole.path().join("whole");
    let unbroken = succeed(&trainer(), begin(&out));
    let same = |other: &Path| {
        for member in MEMBERS {
            assert_same_run(&out.join(member), &other.join(member), member);
        }
        true
    };
    let commands = Commands { program: trainer(), begin: &begin, go_on: &go_on, same: &same };
    kill(row, unbroken.took, moments, &commands);
}
