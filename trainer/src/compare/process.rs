//! Jobs as child processes of the same program.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use schemas::lock::LOCK_FILE;
use schemas::text;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::job::{Job, JobKind, command_line};
use super::schedule::{Ended, Runner, Running, Slot};
use crate::atomic;
use crate::run::interrupt::INTERRUPTED_STATUS;

/// Prefix of a command in a log.
const PROMPT: &str = "$ ";
/// Prefix of the program's own messages.
const PROGRAM_PREFIX: &str = "trainer: ";
/// Number of bytes at the end of a log that are searched for its last line.
const TAIL_BYTES: u64 = 4096;

/// Starts jobs as child processes.
#[derive(Debug)]
pub struct Processes {
    /// Path of the program.
    program: PathBuf,
    /// Lock of the comparison's folder.
    lock: File,
}

impl Processes {
    /// Creates a runner of child processes of this program. The children hold `lock` too, so that after a kill of the
    /// comparison the folder stays locked while one of its jobs is running.
    pub fn new(program: PathBuf, lock: File) -> Self {
        Self { program, lock }
    }

    fn spawn(&self, job: &Job, slot: &Slot) -> std::io::Result<Process> {
        if let Some(folder) = job.log.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let begun = job.begun().map_err(std::io::Error::other)?;
        if job.kind == JobKind::Finetune && !begun {
            remove_unbegun(&job.folder)?;
        }
        // Here and not with the shards, since the pre-training before it may have been done again meanwhile.
        let anew = job.anew || (begun && job.is_outdated());
        let existing = begun.then_some(if anew { "--overwrite" } else { "--resume" });
        let mut log = OpenOptions::new().create(true).append(true).open(&job.log)?;
        let arguments = arguments(job, slot, existing);
        writeln!(log, "{PROMPT}{}", text::line(&command_line(&arguments)))?;
        let mut command = Command::new(&self.program);
        command
            .args(&arguments)
            .stdin(Stdio::from(self.lock.try_clone()?))
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log));
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // A terminal's Ctrl-C goes to its whole group: the child would get that and ours, and leave
            // at the second without saving.
            command.process_group(0);
        }
        Ok(Process { child: command.spawn()?, log: job.log.clone() })
    }
}

/// Returns the complete arguments of a job on a slot. `existing` is the option for the folder of a job that was begun before.
pub fn arguments(job: &Job, slot: &Slot, existing: Option<&str>) -> Vec<String> {
    let mut arguments = job.arguments.clone();
    let machine = ["--device".to_owned(), slot.device.to_string(), "--threads".to_owned()];
    arguments.extend(machine);
    arguments.push(slot.threads.to_string());
    arguments.extend(existing.map(str::to_owned));
    arguments
}

/// Removes the files of a job that was killed before it had begun. A folder with other files is left unchanged.
fn remove_unbegun(folder: &Path) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    for entry in &entries {
        let name = entry.file_name();
        if entry.file_type()?.is_dir() || !(name == LOCK_FILE || atomic::is_partial(&name)) {
            return Ok(());
        }
    }
    entries.iter().try_for_each(|entry| std::fs::remove_file(entry.path()))
}

impl Runner for Processes {
    type Running = Process;

    fn start(&mut self, job: &Job, slot: &Slot) -> Result<Process, String> {
        self.spawn(job, slot).map_err(|error| format!("cannot be started: {error}"))
    }
}

/// A child process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Running for Process {
    fn poll(&mut self) -> Option<Ended> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) if status.success() => Some(Ended::Done),
            Ok(Some(status)) if was_interrupted(status) => Some(Ended::Interrupted),
            Ok(Some(status)) => Some(Ended::Failed(last_line(&self.log).unwrap_or_else(|| ended(status)))),
            Err(error) => Some(Ended::Failed(format!("its state is unknown: {error}"))),
        }
    }

    fn stop(&mut self) {
        // The standard library sends nothing but SIGKILL; the shell sends what lets the child save. The
        // child is not waited for yet, so that its number is still its own.
        let script = format!("kill -INT {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        if !sent.is_ok_and(|status| status.success()) {
            // Its last checkpoint is whole; an error means that it has ended already.
            let _ = self.child.kill();
        }
    }
}

/// Whether a process ended by a signal such as Ctrl-C: by itself, or by the signal if it came before the handler was
/// installed.
fn was_interrupted(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    status.code() == Some(INTERRUPTED_STATUS) || matches!(signal, Some(SIGINT | SIGTERM))
}

/// Describes the end of a process that printed nothing.
fn ended(status: ExitStatus) -> String {
    format!("it ended with {status} and said nothing")
}

/// Returns the last line that a job has printed since it was started, if any.
fn last_line(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    let line = tail.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    (!line.starts_with(PROMPT)).then(|| line.strip_prefix(PROGRAM_PREFIX).unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceName;

    fn job(folder: &Path) -> Job {
        Job {
            kind: JobKind::Finetune,
            subject: "gaps/fresh/1".to_owned(),
            arguments: vec!["finetune".to_owned()],
            inputs: Vec::new(),
            shards: Vec::new(),
            folder: folder.join("cell"),
            output: folder.join("cell"),
            log: folder.join("logs/cell.log"),
            after: Vec::new(),
            epochs: None,
            seeds: Vec::new(),
            folds: None,
            pretrained: None,
            anew: false,
        }
    }

    #[test]
    fn the_machine_comes_last() {
        let slot = Slot { device: DeviceName::Cuda(1), threads: 3 };
        let job = job(Path::new(""));
        let all = ["finetune", "--device", "cuda:1", "--threads", "3", "--resume"];
        assert_eq!(arguments(&job, &slot, Some("--resume")), all);
        assert_eq!(arguments(&job, &slot, None), all[..5]);
    }

    #[test]
    fn the_last_line_is_the_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("log");
        assert_eq!(last_line(&log), None);
        std::fs::write(&log, format!("{}\n$ trainer x\nepoch 1\ntrainer: no shards\n\n", "x".repeat(9000)))
            .expect("it is writable");
        assert_eq!(last_line(&log).as_deref(), Some("no shards"));
        std::fs::write(&log, "epoch 1\n$ trainer x --resume\n").expect("it is writable");
        assert_eq!(last_line(&log), None, "it has said nothing this time");
    }

    #[test]
    fn what_was_not_begun_is_removed_and_runs_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cell = folder.path().join("cell");
        remove_unbegun(&cell).expect("nothing is there");
        std::fs::create_dir(&cell).expect("it is writable");
        for name in [LOCK_FILE, ".mmpt-partial-abc123"] {
            std::fs::write(cell.join(name), "").expect("it is writable");
        }
        remove_unbegun(&cell).expect("it is writable");
        assert_eq!(std::fs::read_dir(&cell).expect("it is there").count(), 0);
        std::fs::write(cell.join(LOCK_FILE), "").expect("it is writable");
        std::fs::write(cell.join("notes.txt"), "of others").expect("it is writable");
        remove_unbegun(&cell).expect("it is writable");
        assert_eq!(std::fs::read_dir(&cell).expect("it is there").count(), 2);
        std::fs::remove_file(cell.join("notes.txt")).expect("it is there");
        std::fs::create_dir(cell.join("fold-0")).expect("it is writable");
        remove_unbegun(&cell).expect("it is writable");
        assert_eq!(std::fs::read_dir(&cell).expect("it is there").count(), 2);
    }

    #[cfg(unix)]
    mod children {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        use std::time::{Duration, Instant};

        use super::*;

        /// Time limit of a child.
        const PATIENCE: Duration = Duration::from_secs(60);

        /// Makes Ctrl-C end this process and the shells that it starts. The process may have been started with Ctrl-C
        /// ignored, as in the background, and a shell cannot trap an ignored signal.
        fn heed_interrupts() {
            let always = Arc::new(AtomicBool::new(true));
            signal_hook::flag::register_conditional_shutdown(SIGINT, INTERRUPTED_STATUS, always)
                .expect("the signal may be handled");
        }

        /// Runs a shell script in place of the program. If `stop`, it is asked to stop as soon as it is ready.
        fn run(script: &str, stop: bool) -> Ended {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let lock = File::create(folder.path().join("lock")).expect("it is writable");
            let job = Job { arguments: ["-c", script].map(str::to_owned).to_vec(), ..job(folder.path()) };
            let slot = Slot { device: DeviceName::Cpu, threads: 1 };
            let mut process = Processes::new("sh".into(), lock).start(&job, &slot).expect("it starts");
            let deadline = Instant::now() + PATIENCE;
            let ready =
                || std::fs::read_to_string(&job.log).is_ok_and(|log| log.lines().any(|line| line == "ready"));
            while stop && !ready() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            if stop {
                process.stop();
            }
            loop {
                assert!(Instant::now() < deadline, "it takes too long");
                if let Some(ended) = process.poll() {
                    return ended;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }

        #[test]
        fn children_end_in_three_ways() {
            heed_interrupts();
            assert_eq!(run("exit 0", false), Ended::Done);
            assert_eq!(
                run("echo 'trainer: no shards' >&2; exit 2", false),
                Ended::Failed("no shards".to_owned())
            );
            let silent = run("exit 3", false);
            assert!(
                matches!(&silent, Ended::Failed(why) if why.contains("3 and said nothing")),
                "{silent:?}"
            );
            assert_eq!(run("kill -INT $$", false), Ended::Interrupted, "before it could heed it");
            let patient = "trap 'exit 130' INT; echo ready; while :; do sleep 0.01; done";
            assert_eq!(run(patient, true), Ended::Interrupted);
        }
    }
}
