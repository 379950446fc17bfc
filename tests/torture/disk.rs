//! Disks that are full or read-only, folders that vanish, two writers: one clear line, and a run that works
//! afterwards.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use schemas::layout::StorePaths;

use crate::files::{Folder, folder, many_cifs, text, tree};
use crate::program::{Ran, etl, run, start, succeed, trainer};
use crate::small_disk::SmallDisk;
use crate::table::Row;
use crate::trainer::{GAPS, assert_same_run, small_run, small_tuning, store};
use crate::{Case, Form};

/// Seed of the sizes.
const SEED: u64 = 21;
/// Size of a disk with room for everything here.
const LARGE: &str = "size=64m";
/// Bytes of a page of memory, the grain of the small disks.
const PAGE: u64 = 4096;
/// A short training.
const TRAINING: [&str; 4] = ["--epochs", "4", "--set", "run.checkpoint_steps=2"];
/// A short fine-tuning.
const TUNING: [&str; 4] = ["--epochs", "3", "--seeds", "3"];
/// A run that does not end by itself.
const ENDLESS: [&str; 2] = ["--epochs", "1000000"];

/// The rows of this file.
pub(crate) fn cases(form: Form) -> Vec<Case> {
    let sizes = form.pick(3, 30);
    vec![
        Case::new("disk full: etl build, then --resume", move |row| full(row, sizes, &Work::build())),
        Case::new("disk full: trainer pretrain, then --resume", move |row| {
            full(row, sizes, &Work::pretrain())
        }),
        Case::new("disk full: trainer finetune, then --resume", move |row| {
            full(row, sizes, &Work::finetune())
        }),
        Case::new("disk full: etl stats --html, trainer embed, predict", full_tables),
        Case::new("read-only folder: build, pretrain, finetune", read_only),
        Case::new("folder deleted under way: build, pretrain", move |row| vanishing(row, form.pick(1, 10))),
        Case::new("two writers: build, pretrain, finetune", two_writers),
    ]
}

/// Arguments of a program that reads one folder and fills another.
type Arguments = dyn Fn(&Path, &Path) -> Vec<OsString>;

/// Something that fills a folder.
struct Work {
    /// What it needs; kept until the end.
    input: Folder,
    program: PathBuf,
    arguments: Box<Arguments>,
    /// Asserts that two folders hold the same.
    same: fn(&Path, &Path),
}

fn owned(arguments: &[&str]) -> Vec<OsString> {
    arguments.iter().map(OsString::from).collect()
}

impl Work {
    /// `etl build` of some thousand CIFs.
    fn build() -> Self {
        let input = folder();
        many_cifs(input.path(), 5);
        let arguments = |input: &Path, out: &Path| {
            let fixed = ["build", "cif", "--quiet", "--allow-rejects", "--input", text(input), "--out"];
            owned(&[&fixed[..], &[text(out), "--shard-rows", "300", "--row-group-rows", "100"]].concat())
        };
        let same = |whole: &Path, out: &Path| assert!(tree(whole) == tree(out), "other bytes");
        Self { input, program: etl(), arguments: Box::new(arguments), same }
    }

    /// `trainer pretrain` of a small model.
    fn pretrain() -> Self {
        let arguments = |_: &Path, out: &Path| owned(&small_run(&store(), out, &TRAINING));
        let same = |whole: &Path, out: &Path| assert_same_run(whole, out, "pretrain");
        let (input, arguments) = (folder(), Box::new(arguments));
        Self { input, program: trainer(), arguments, same }
    }

    /// `trainer finetune` of a small model.
    fn finetune() -> Self {
        let input = folder();
        fs::write(input.path().join("task.toml"), GAPS).expect("a writable folder");
        let arguments =
            |input: &Path, out: &Path| owned(&small_tuning(&input.join("task.toml"), out, &TUNING, &store()));
        let same = |whole: &Path, out: &Path| {
            assert_same_run(&whole.join("split/seed-3"), &out.join("split/seed-3"), "finetune");
        };
        Self { input, program: trainer(), arguments: Box::new(arguments), same }
    }

    /// Begins in a folder.
    fn begin(&self, out: &Path) -> Ran {
        run(&self.program, (self.arguments)(self.input.path(), out))
    }

    /// Goes on in a folder, or begins where there is nothing to go on with.
    fn go_on(&self, out: &Path) -> Ran {
        let mut arguments = (self.arguments)(self.input.path(), out);
        arguments.push(OsString::from("--resume"));
        let resumed = run(&self.program, arguments);
        if resumed.refusal("holds no run to resume").is_ok() { self.begin(out) } else { resumed }
    }

    /// Everything that an unbroken run leaves.
    fn whole(&self) -> Folder {
        let whole = folder();
        succeed(&self.program, (self.arguments)(self.input.path(), whole.path()));
        whole
    }
}

/// Notes a run that must succeed.
fn succeeded(row: &mut Row, ran: &Ran, what: &str) -> bool {
    row.ran(ran);
    if ran.code() != Some(0) {
        row.fault(format!("{what}: {}", ran.stderr));
    }
    ran.code() == Some(0)
}

/// Runs out of disk at several sizes, then goes on with more of it.
fn full(row: &mut Row, sizes: usize, work: &Work) {
    let whole = work.whole();
    let pages = tree(whole.path()).values().map(|file| (file.len() as u64).div_ceil(PAGE)).sum::<u64>();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..sizes {
        // From nothing at all to nearly everything.
        let size = PAGE * (3 + random.next_u64() % pages);
        let Some(disk) = SmallDisk::new(&size.to_string()) else {
            row.outcome("skipped: mounting is not allowed");
            return;
        };
        let out = disk.path().join("out");
        let stopped = work.begin(&out);
        if stopped.code() == Some(0) {
            row.ran(&stopped);
            row.outcome("fitted");
            continue;
        }
        row.refused(&stopped, text(disk.path()), "told, then resumed to the same");
        if let Err(fault) = stopped.refusal("No space left on device") {
            row.fault(fault);
        }
        disk.remount(LARGE);
        if succeeded(row, &work.go_on(&out), "on a larger disk") {
            (work.same)(whole.path(), &out);
        }
    }
}

/// Begins as a page of `etl stats` does, which is replaced unasked.
const OLD: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta name=\"generator\" content=\"etl stats\">";

/// Tables and pages that do not fit: the old ones stay.
fn full_tables(row: &mut Row) {
    let Some(disk) = SmallDisk::new(&(3 * PAGE).to_string()) else {
        row.outcome("skipped: mounting is not allowed");
        return;
    };
    let (store, tuned) = (store(), crate::trainer::tuned_on_gaps("1"));
    let weights = crate::trainer::member_of(&tuned, 1);
    for (program, arguments, name) in [
        (etl(), vec!["stats", text(&store), "--html"], "page.html"),
        (
            trainer(),
            vec!["embed", "--weights", text(&weights), "--shards", text(&store), "--overwrite", "--out"],
            "e.parquet",
        ),
        (
            trainer(),
            vec!["predict", text(&store), "--weights", text(&weights), "--overwrite", "--out"],
            "p.csv",
        ),
    ] {
        let (out, ballast) = (disk.path().join(name), disk.path().join("ballast"));
        fs::write(&out, OLD).expect("room for a page");
        // So that nothing but the old file fits.
        assert!(fs::write(&ballast, [0; 4 * PAGE as usize]).is_err(), "a disk without room for four pages");
        let stopped = run(&program, [&arguments[..], &[text(&out)]].concat());
        row.refused(&stopped, name, "told, the old file stays");
        if fs::read(&out).expect("it is there") != OLD.as_bytes() {
            row.fault(format!("{name} is not the old one"));
        }
        disk.remount(LARGE);
        succeeded(row, &run(&program, [&arguments[..], &[text(&out)]].concat()), name);
        fs::remove_file(&out).and_then(|()| fs::remove_file(&ballast)).expect("they are there");
        for entry in fs::read_dir(disk.path()).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            row.fault(format!("{} stayed behind", name.display()));
        }
        disk.remount(&format!("size={}", 3 * PAGE));
    }
}

/// A folder that cannot be written at all, before the first file and after the last.
fn read_only(row: &mut Row) {
    for work in [Work::build(), Work::pretrain(), Work::finetune()] {
        let Some(disk) = SmallDisk::new("64m") else {
            row.outcome("skipped: mounting is not allowed");
            return;
        };
        disk.remount("ro");
        let out = disk.path().join("out");
        row.refused(&work.begin(&out), text(disk.path()), "told");
        disk.remount("rw");
        if !succeeded(row, &work.begin(&out), "writable") {
            continue;
        }
        let before = tree(&out);
        disk.remount("ro");
        let resumed = work.go_on(&out);
        row.ran(&resumed);
        row.outcome("finished run left alone");
        // What is finished may be found finished; anything else is refused with the folder's name.
        if resumed.code() != Some(0)
            && let Err(fault) = resumed.refusal(text(disk.path()))
        {
            row.fault(fault);
        }
        if tree(&out) != before {
            row.fault("a finished folder has changed");
        }
    }
}

/// The folder is taken away while a run writes into it.
fn vanishing(row: &mut Row, times: usize) {
    let store = store();
    for _ in 0..times {
        for work in [Work::build(), Work::pretrain()] {
            let parent = folder();
            let (out, away) = (parent.path().join("out"), parent.path().join("away"));
            let mut arguments = (work.arguments)(work.input.path(), &out);
            if work.program == trainer() {
                arguments = owned(&small_run(&store, &out, &ENDLESS));
            }
            let mut running = start(&work.program, arguments);
            let began = running.wait_for(|| out.exists() && lock_of(&out).exists());
            if began {
                fs::rename(&out, &away).and_then(|()| fs::remove_dir_all(&away)).expect("it was there");
            }
            let ran = running.end();
            if ran.code() == Some(0) {
                row.ran(&ran);
                row.outcome("ended before");
                continue;
            }
            row.refused(&ran, text(&out), "told, a new run works");
            succeeded(row, &work.begin(&out), "anew");
        }
    }
}

/// A second run into a folder while the first is there.
fn two_writers(row: &mut Row) {
    for work in [Work::build(), Work::pretrain(), Work::finetune()] {
        let (whole, parent) = (work.whole(), folder());
        let out = parent.path().join("out");
        let mut first = start(&work.program, (work.arguments)(work.input.path(), &out));
        if !first.wait_for(|| lock_is_held(&out)) {
            row.fault(format!("the first run ended: {}", first.end().stderr));
            continue;
        }
        first.signal("STOP");
        row.refused(&work.begin(&out), text(&out), "told");
        row.refused(&work.go_on(&out), text(&out), "told");
        first.signal("CONT");
        if succeeded(row, &first.end(), "the first run") {
            (work.same)(whole.path(), &out);
            row.outcome("the first goes on");
        }
    }
}

/// Whether a run holds the lock of a folder.
fn lock_is_held(folder: &Path) -> bool {
    fs::File::open(lock_of(folder)).is_ok_and(|lock| lock.try_lock().is_err())
}

/// The lock of a folder: that of a store is in its sidecar.
fn lock_of(folder: &Path) -> PathBuf {
    let sidecar = StorePaths::new(folder).records().to_owned();
    if sidecar.exists() { sidecar } else { folder.to_owned() }.join(".lock")
}
