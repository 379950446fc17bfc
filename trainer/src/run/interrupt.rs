//! Ctrl-C: the first one asks the run to save and stop, the second one ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::error::RunError;

/// Exit status of an interrupted process: 128 + SIGINT.
pub const INTERRUPTED_STATUS: i32 = 130;

/// Whether the run was asked to stop. Clones share the state.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
}

impl Interrupt {
    /// Installs the handler of Ctrl-C and of requests to terminate. A hang-up keeps its default, so that `nohup`
    /// works.
    ///
    /// The second signal ends the process with [`INTERRUPTED_STATUS`].
    ///
    /// # Errors
    /// [`RunError::Interrupt`] if the handler cannot be installed.
    pub fn install() -> Result<Self, RunError> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            let requested = || Arc::clone(&interrupt.requested);
            // In this order: what ends the process looks whether an earlier signal has set the flag.
            flag::register_conditional_shutdown(signal, INTERRUPTED_STATUS, requested())
                .and_then(|_| flag::register(signal, requested()))
                .map_err(RunError::Interrupt)?;
        }
        Ok(interrupt)
    }

    /// Asks the run to stop, as the first Ctrl-C does.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// Whether the run was asked to stop.
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_request() {
        let interrupt = Interrupt::default();
        let seen = interrupt.clone();
        assert!(!seen.requested());
        interrupt.request();
        assert!(seen.requested());
    }

    #[cfg(unix)]
    mod signals {
        use std::io::{BufRead, BufReader, Read};
        use std::process::{Child, Command, Stdio};
        use std::time::{Duration, Instant};

        use super::*;

        /// Tells the test below that it runs in the process to be interrupted.
        const VICTIM: &str = "MMPT_TEST_INTERRUPT_VICTIM";
        /// Time limit of the processes.
        const PATIENCE: Duration = Duration::from_secs(60);

        fn interrupt(process: &Child) {
            let status = Command::new("kill").args(["-INT", &process.id().to_string()]).status();
            assert!(status.expect("kill can be started").success());
        }

        /// Prints events to standard error, which the test runner does not capture in the child process.
        fn victim() {
            let interrupt = Interrupt::install().expect("nobody else catches it");
            eprintln!("ready");
            let deadline = Instant::now() + PATIENCE;
            while !interrupt.requested() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            eprintln!("asked to stop");
            std::thread::sleep(PATIENCE);
        }

        #[test]
        fn the_first_ctrl_c_asks_and_the_second_leaves() {
            if std::env::var_os(VICTIM).is_some() {
                return victim();
            }
            let module = module_path!().split_once("::").map_or(module_path!(), |(_, module)| module);
            let mut process = Command::new(std::env::current_exe().expect("it is running"))
                .args(["--exact", "--nocapture"])
                .arg(format!("{module}::the_first_ctrl_c_asks_and_the_second_leaves"))
                .env(VICTIM, "1")
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it can be started");
            let mut messages = BufReader::new(process.stderr.take().expect("it is piped"));
            let mut wait_for = |text: &str| {
                let mut line = String::new();
                while !line.contains(text) {
                    line.clear();
                    assert!(
                        messages.read_line(&mut line).expect("it is text") > 0,
                        "it ended before '{text}'"
                    );
                }
            };
            wait_for("ready");
            interrupt(&process);
            wait_for("asked to stop");
            interrupt(&process);
            let status = process.wait().expect("it ends");
            assert_eq!(status.code(), Some(INTERRUPTED_STATUS));
            let mut rest = String::new();
            messages.read_to_string(&mut rest).expect("it is text");
        }
    }
}
