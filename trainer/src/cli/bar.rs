//! The progress bar of predictions and embeddings, on a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use trainer::predict::Position;

/// Layout of the bar. The line fits into 80 columns.
const TEMPLATE: &str = "{bar:20} {percent:>3} % {msg} ETA {eta}";

/// A progress bar. Nothing is shown if standard error is no terminal. It is removed from the screen when it is dropped.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Creates a bar, or a silent one.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = match quiet || !std::io::stderr().is_terminal() {
            true => ProgressBar::hidden(),
            false => ProgressBar::no_length(),
        };
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows a position.
    pub(super) fn show(&self, Position { done, expected }: Position) {
        if let Some(expected) = expected {
            self.0.set_length(expected.max(done));
        }
        let all = expected.map(|expected| format!(" of {expected}")).unwrap_or_default();
        self.0.set_message(format!("{done}{all} crystals, {:.0}/s", self.0.per_sec()));
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
