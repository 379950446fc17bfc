//! The progress bar of a build, on a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use etl::pipeline::{BuildProgress, Position};
use indicatif::{ProgressBar, ProgressStyle};
use schemas::count::counted;

/// A progress bar. Nothing is shown if standard error is not a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    rows: AtomicU64,
    rejects: AtomicU64,
}

/// Layout of the bar, which shows the bytes read. The line fits into 80 columns.
const TEMPLATE: &str = "{bar:20} {percent:>3} % {msg} ETA {eta}";

impl Bar {
    /// Creates a bar, or a silent one.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(1)
        };
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self { bar, rows: AtomicU64::new(0), rejects: AtomicU64::new(0) }
    }

    /// Removes the bar from the screen.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl BuildProgress for Bar {
    fn position(&self, position: Position) {
        self.bar.set_length(position.total_bytes.max(1));
        self.bar.set_position(position.bytes_read);
    }

    fn entries(&self, rows: u64, rejects: u64) {
        let rows = rows + self.rows.fetch_add(rows, Ordering::Relaxed);
        let rejects = rejects + self.rejects.fetch_add(rejects, Ordering::Relaxed);
        if self.bar.is_hidden() {
            return;
        }
        let rate = (rows + rejects) as f64 / self.bar.elapsed().as_secs_f64().max(1e-3);
        self.bar.set_message(format!("{}, {rejects} left out, {rate:.0}/s", counted(rows, "crystal")));
    }

    fn merging(&self) {
        self.bar.set_message("sorting");
    }
}
