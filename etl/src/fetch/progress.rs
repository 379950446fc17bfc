//! How a fetch tells where it is.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use schemas::text;

use super::Fetched;

/// What a fetch reports to, in this order for each file: [`begin`](Self::begin), any number of
/// [`position`](Self::position) and [`note`](Self::note), [`end`](Self::end) when it succeeded.
pub trait FetchProgress {
    /// A file is taken in hand.
    fn begin(&mut self, name: &str) {
        let _ = name;
    }

    /// So many bytes of so many are on disk; the total is unknown until the server says it.
    fn position(&mut self, bytes: u64, total: Option<u64>) {
        let _ = (bytes, total);
    }

    /// Something worth a line: a repetition, a file left out.
    fn note(&mut self, message: &str) {
        let _ = message;
    }

    /// The file has its final name.
    fn end(&mut self, fetched: &Fetched) {
        let _ = fetched;
    }
}

/// Reports to nobody.
impl FetchProgress for () {}

/// A bar on the terminal; silent, but for notes, when standard error is none.
#[derive(Debug)]
pub struct TerminalProgress {
    bar: ProgressBar,
    name: String,
}

impl TerminalProgress {
    /// A bar on standard error, where that is a terminal.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(Self::style("{msg}: {bytes} {binary_bytes_per_sec}"));
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
        self.bar.set_message(self.name.clone());
    }

    fn position(&mut self, bytes: u64, total: Option<u64>) {
        if total != self.bar.length()
            && let Some(total) = total
        {
            self.bar.set_length(total);
            self.bar.set_style(Self::style(
                "{msg}: {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}",
            ));
            // What an earlier run had left says nothing about today's rate.
            self.bar.set_position(bytes);
            self.bar.reset_eta();
        }
        self.bar.set_position(bytes);
    }

    fn note(&mut self, message: &str) {
        let line = format!("{}: {}", self.name, text::message(message));
        if self.bar.is_hidden() { eprintln!("{line}") } else { self.bar.println(line) }
    }

    fn end(&mut self, _: &Fetched) {
        self.bar.finish_and_clear();
    }
}
