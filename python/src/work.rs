//! Work on a thread of its own, while the caller's thread waits without the interpreter's lock and looks after signals.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use trainer::run::interrupt::Interrupt;

use crate::fault::Fault;

/// Longest time between two looks at signals.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Progress of a call.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// Number of crystals done; of bytes where the text says so.
    pub(crate) done: u64,
    /// Number of all; an estimate while an input is read, `None` before that.
    pub(crate) total: Option<u64>,
    /// What is being done now; empty for nothing of note.
    pub(crate) text: String,
}

/// What work has of its caller.
#[derive(Clone)]
pub(crate) struct Caller {
    progress: Sender<Progress>,
    /// Asks the work to stop.
    pub(crate) interrupt: Interrupt,
}

impl Caller {
    /// Tells the caller how far the work is.
    pub(crate) fn tell(&self, progress: Progress) {
        // A caller that has left does not listen any more.
        let _ = self.progress.send(progress);
    }
}

/// Runs work on a thread of its own and returns its result. Meanwhile `callback(done, total, text)` is called on the
/// caller's thread, at most twenty times a second.
///
/// A signal such as Ctrl-C, or an exception of the callback, asks the work to stop, and is raised when it has. A second
/// Ctrl-C is raised at once, and the work ends by itself.
///
/// # Errors
/// The fault of the work, the exception of the callback, or that of a signal.
pub(crate) fn run<T, W>(py: Python<'_>, callback: Option<&Bound<'_, PyAny>>, work: W) -> PyResult<T>
where
    T: Send + 'static,
    W: FnOnce(&Caller) -> Result<T, Fault> + Send + 'static,
{
    let (sender, progress) = channel();
    let interrupt = Interrupt::default();
    let caller = Caller { progress: sender, interrupt: interrupt.clone() };
    let thread = Builder::new().name("crystal-mmpt".to_owned()).spawn(move || work(&caller))?;
    // A receiver alone cannot be lent to a closure that leaves the interpreter.
    let progress = Mutex::new(progress);
    let mut raised: Option<PyErr> = None;
    loop {
        let Heard { last, is_over } = py.detach(|| hear(&progress));
        if let Some(callback) = callback
            && let Some(Progress { done, total, text }) = last
            && raised.is_none()
        {
            raised = callback.call1((done, total, text)).err();
        }
        if is_over {
            break;
        }
        if let Err(signal) = py.check_signals() {
            if raised.is_some() {
                return Err(signal);
            }
            raised = Some(signal);
        }
        if raised.is_some() {
            interrupt.request();
        }
    }
    let result = py.detach(|| thread.join()).unwrap_or_else(|panic| resume_unwind(panic));
    match raised {
        Some(error) => Err(error),
        None => result.map_err(|fault| fault.raise(py)),
    }
}

/// The last news of the work.
struct Heard {
    last: Option<Progress>,
    is_over: bool,
}

/// Waits for news, a moment at most.
fn hear(progress: &Mutex<Receiver<Progress>>) -> Heard {
    let progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    let mut last = None;
    let deadline = Instant::now() + LOOK_INTERVAL;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match progress.recv_timeout(left) {
            Ok(news) => last = Some(news),
            Err(error) => return Heard { last, is_over: error == RecvTimeoutError::Disconnected },
        }
    }
}
