//! A program under watch: its end, its time, its memory.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::programs::etl_beside;
use crate::table::MEBIBYTE;
use crate::trainer::TRAINER;

/// Between two looks at a running program.
const LOOK: Duration = Duration::from_millis(2);
/// How long a program may take for anything here.
const PATIENCE: Duration = Duration::from_secs(240);
/// How much memory any of them may take, in bytes, unless a row says otherwise.
pub(crate) const MEMORY_BOUND: u64 = 1 << 30;
/// How long a program may take for input below 1 MB.
const SMALL_PATIENCE: Duration = Duration::from_secs(10);
/// How much memory it may take for input below 1 MB, in bytes.
pub(crate) const SMALL_MEMORY_BOUND: u64 = 300 << 20;

/// The trainer.
pub(crate) fn trainer() -> PathBuf {
    PathBuf::from(TRAINER)
}

/// The ETL.
pub(crate) fn etl() -> PathBuf {
    etl_beside(TRAINER)
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    status: ExitStatus,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained of.
    pub(crate) stderr: String,
    /// From its start to its end.
    pub(crate) took: Duration,
    /// Most resident memory seen, in bytes.
    pub(crate) peak: u64,
    /// Whether it was killed on purpose.
    killed: bool,
    /// Why it had to be stopped.
    stopped: Option<String>,
}

impl Ran {
    /// The exit status; none after a signal.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What no program may do whatever happens to it: panic, die by a signal, hang, eat the memory, end
    /// with another status than 0, 1 and 2.
    pub(crate) fn fault(&self) -> Option<String> {
        if let Some(stopped) = &self.stopped {
            return Some(format!("{stopped}: {}", self.stderr));
        }
        if self.stderr.contains("panicked at") || self.stderr.contains("internal error") {
            return Some(self.stderr.clone());
        }
        if let (Some(signal), false) = (self.status.signal(), self.killed) {
            return Some(format!("ended by signal {signal}: {}", self.stderr));
        }
        match self.status.code() {
            None | Some(0..=2) => None,
            Some(code) => Some(format!("status {code}: {}", self.stderr)),
        }
    }

    /// The one clear line of a program that refused, if it says something of `about`; otherwise what is
    /// wrong with its end.
    pub(crate) fn refusal(&self, about: &str) -> Result<&str, String> {
        let said = self.stderr.trim_end();
        if self.code() == Some(2) && said.lines().count() == 1 && said.contains(about) {
            return Ok(said);
        }
        Err(format!("status {:?} instead of one line about {about}: {said}", self.code()))
    }
}

/// A program that is running.
pub(crate) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
    begun: Instant,
    peak: u64,
    memory: u64,
    patience: Duration,
}

/// Starts a program.
pub(crate) fn start<I: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = I>) -> Running {
    start_within(MEMORY_BOUND, program, arguments)
}

/// Starts a program that may take so many bytes of memory.
pub(crate) fn start_within<I: AsRef<OsStr>>(
    memory: u64,
    program: &Path,
    arguments: impl IntoIterator<Item = I>,
) -> Running {
    let file = || tempfile::tempfile().expect("a temporary file");
    let (stdout, stderr) = (file(), file());
    let other = |file: &File| file.try_clone().expect("another handle");
    let child = Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stdout(other(&stdout))
        .stderr(other(&stderr))
        .spawn()
        .expect("the program starts");
    Running { child, stdout, stderr, begun: Instant::now(), peak: 0, memory, patience: PATIENCE }
}

/// Runs a program to its end.
pub(crate) fn run<I: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = I>) -> Ran {
    start(program, arguments).end()
}

/// Runs a program whose input is below 1 MB: for 10 s and with 300 MiB at most.
pub(crate) fn run_small<I: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = I>) -> Ran {
    let mut running = start_within(SMALL_MEMORY_BOUND, program, arguments);
    running.patience = SMALL_PATIENCE;
    running.end()
}

/// Runs a program that must succeed.
pub(crate) fn succeed<I: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = I>) -> Ran {
    let ran = run(program, arguments);
    assert!(ran.code() == Some(0), "{:?}: {}{}", ran.status, ran.stdout, ran.stderr);
    ran
}

impl Running {
    /// Whether it has ended; looks at its memory.
    fn has_ended(&mut self) -> bool {
        self.peak = self.peak.max(peak_of(&self.child));
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits for something that it does; `false` if it ended before.
    pub(crate) fn wait_for(&mut self, mut happened: impl FnMut() -> bool) -> bool {
        while !happened() {
            assert!(self.begun.elapsed() < self.patience, "it takes too long");
            if self.has_ended() {
                return happened();
            }
            sleep(Duration::from_micros(200));
        }
        true
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "kill -s {name}");
    }

    /// Kills it as `kill -9` does once it has run so long; whether it had ended before.
    pub(crate) fn kill_after(mut self, moment: Duration) -> (Ran, bool) {
        while self.begun.elapsed() < moment && !self.has_ended() {
            sleep(LOOK.min(moment.saturating_sub(self.begun.elapsed())));
        }
        let ended = self.has_ended();
        self.child.kill().expect("SIGKILL is sent, or it has ended");
        (self.gather(true, None), ended)
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let mut stopped = None;
        while !self.has_ended() {
            if self.begun.elapsed() > self.patience {
                stopped = Some(format!("still running after {} s", self.patience.as_secs()));
            } else if self.peak > self.memory {
                stopped = Some(format!("took more than {} MiB", self.memory / MEBIBYTE));
            }
            if stopped.is_some() {
                self.child.kill().expect("SIGKILL is sent, or it has ended");
                break;
            }
            sleep(LOOK);
        }
        self.gather(false, stopped)
    }

    fn gather(mut self, killed: bool, stopped: Option<String>) -> Ran {
        let status = self.child.wait().expect("it has ended");
        let took = self.begun.elapsed();
        Ran {
            status,
            stdout: content(&mut self.stdout),
            stderr: content(&mut self.stderr),
            took,
            peak: self.peak,
            killed,
            stopped,
        }
    }
}

/// Everything in a file.
fn content(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("a readable file");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Most resident memory of a process so far, as the kernel counts it, in bytes; 0 where it does not tell,
/// after the end for example. Short of what came between the last look and the end.
fn peak_of(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
