//! Progress reports of a fetch.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use schemas::text;

/// Template of the bar of a file of unknown length.
const WITHOUT_LENGTH: &str = "{msg}: {bytes} {binary_bytes_per_sec}";
/// Template of the bar of a file of known length.
const WITH_LENGTH: &str = "{msg}: {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";

/// Receives the progress of a fetch. The calls for each file are [`begin`](Self::begin), any number of
/// [`position`](Self::position) and [`note`](Self::note), and [`end`](Self::end) if it succeeded.
pub trait FetchProgress {
    /// Fetching of a file begins.
    fn begin(&mut self, name: &str) {
        let _ = name;
    }

    /// `bytes` of `total` bytes are on disk. The total is unknown until the server states it.
    fn position(&mut self, bytes: u64, total: Option<u64>) {
        let _ = (bytes, total);
    }

    /// A message for the user, such as a retry or a missing file.
    fn note(&mut self, message: &str) {
        let _ = message;
    }

    /// The file is complete and has its final name.
    fn end(&mut self) {}
}

/// Ignores all reports.
impl FetchProgress for () {}

/// A progress bar on the terminal. If standard error is not a terminal, only notes are printed.
#[derive(Debug)]
pub struct TerminalProgress {
    bar: ProgressBar,
    name: String,
}

impl TerminalProgress {
    /// Creates a progress bar on standard error, if that is a terminal.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(Self::style(WITHOUT_LENGTH));
        Self { bar, name: String::new() }
    }

    fn style(template: &str) -> ProgressStyle {
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
    }
}

impl Default for TerminalProgress {
    fn default() -> Self {
        Self::new()
    }
}

impl FetchProgress for TerminalProgress {
    fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.bar.reset();
        self.bar.unset_length();
        self.bar.set_style(Self::style(WITHOUT_LENGTH));
        self.bar.set_message(self.name.clone());
    }

    fn position(&mut self, bytes: u64, total: Option<u64>) {
        if total != self.bar.length()
            && let Some(total) = total
        {
            self.bar.set_length(total);
            self.bar.set_style(Self::style(WITH_LENGTH));
            // Bytes from an earlier run do not count for the transfer rate.
            self.bar.set_position(bytes);
            self.bar.reset_eta();
        }
        self.bar.set_position(bytes);
    }

    fn note(&mut self, message: &str) {
        let line = format!("{}: {}", self.name, text::message(message));
        if self.bar.is_hidden() { eprintln!("{line}") } else { self.bar.println(line) }
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_begins_without_a_length() {
        let mut progress = TerminalProgress::new();
        progress.begin("a");
        progress.position(5, Some(10));
        assert_eq!(progress.bar.length(), Some(10));
        progress.end();
        progress.begin("b");
        assert_eq!((progress.bar.length(), progress.bar.position()), (None, 0));
    }
}
