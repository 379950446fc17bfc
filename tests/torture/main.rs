//! Faults survived: kills, full and vanishing disks, damaged files, hostile input, against the two programs.
//!
//! Prints one table and fails if a row has a fault. The short form (`make torture TORTURE=short`) is what
//! every submission passes; in the long one (`make torture`) each row meets hundreds of moments, offsets or
//! megabytes. Both draw from fixed seeds. An argument runs only the rows whose name contains it.

mod bombs;
mod bounds;
mod crafted;
mod damage;
mod damaged;
mod disk;
mod downloads;
mod hostile;
mod kills;
mod lost;
mod paths;
mod program;
mod ranges;
mod table;
mod texts;

#[path = "../common/programs.rs"]
mod programs;
#[path = "../common/disk.rs"]
mod small_disk;
#[path = "../trainer/support.rs"]
#[allow(dead_code, unused_imports, reason = "not every test needs every helper")]
mod trainer;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use table::{Row, Table};
pub(crate) use trainer::files;

/// Rows that are worked on at the same time.
const WORKERS: usize = 2;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Minutes.
    Short,
    /// Half an hour.
    Long,
}

impl Form {
    /// One number or the other.
    pub(crate) fn pick<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// Something that happens to a program, and what must come of it.
pub(crate) struct Case {
    /// What happens, the first column of the table.
    pub(crate) what: String,
    /// What came of it before there was a bound, the last column; may be empty.
    pub(crate) before: &'static str,
    /// Lets it happen and notes what came of it.
    pub(crate) run: Box<dyn FnOnce(&mut Row) + Send>,
}

impl Case {
    /// A case.
    pub(crate) fn new(what: impl Into<String>, run: impl FnOnce(&mut Row) + Send + 'static) -> Self {
        Self { what: what.into(), before: "", run: Box::new(run) }
    }

    /// Notes what came of it before there was a bound.
    pub(crate) fn before(self, before: &'static str) -> Self {
        Self { before, ..self }
    }
}

/// A file system in memory.
const MEMORY: &str = "/dev/shm";
/// Kibibytes that must be free there.
const MEMORY_KIBIBYTES: u64 = 1 << 20;

/// Puts small temporary files into memory where there is room: what is tried here loses nothing that a disk
/// would keep, and every checkpoint waits for the disk otherwise.
fn work_in_memory() {
    let df = std::process::Command::new("df").args(["--output=avail", "-k", MEMORY]).output();
    let listed = df.map(|df| String::from_utf8_lossy(&df.stdout).into_owned()).unwrap_or_default();
    let free = listed.lines().nth(1).and_then(|line| line.trim().parse::<u64>().ok());
    if free.is_some_and(|free| free > MEMORY_KIBIBYTES) {
        // Refused alone where it was done before.
        let _ = tempfile::env::override_temp_dir(MEMORY.as_ref());
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    work_in_memory();
    let form = match std::env::var("TORTURE").as_deref() {
        Ok("long") => Form::Long,
        _ => Form::Short,
    };
    let cases = [
        kills::cases(form),
        disk::cases(form),
        damage::cases(form),
        hostile::cases(form),
        paths::cases(form),
        bombs::cases(),
        bounds::cases(),
        ranges::cases(),
        downloads::cases(),
        texts::cases(),
        lost::cases(),
    ];
    let cases = cases.into_iter().flatten();
    let cases: VecDeque<Case> = cases
        .filter(|case| wanted.is_empty() || wanted.iter().any(|name| case.what.contains(name.as_str())))
        .collect();
    let table = Table::new();
    let cases = Mutex::new(cases);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(case) = cases.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else {
                        return;
                    };
                    let mut row = Row::new(case.what, case.before);
                    // An assertion of a helper is a fault of this row alone.
                    if catch_unwind(AssertUnwindSafe(|| (case.run)(&mut row))).is_err() {
                        row.fault("an assertion failed, see above");
                    }
                    table.add(row);
                }
            });
        }
    });
    table.end()
}
