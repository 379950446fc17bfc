//! Progress of a run: a bar on a terminal, lines of text elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use schemas::count::counted;
use schemas::text;

use crate::run::span::span;

/// Minimum time between two lines, so that the log of a long run stays short.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Template of the bar, which fits 80 columns.
const TEMPLATE: &str = "{bar:20} {percent:>3} % {msg} ETA {eta}";

/// Length of a run, for the share that is done.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Number of epochs.
    pub epochs: u64,
    /// Number of crystals in an epoch.
    pub crystals: u64,
}

/// Position of a run after a step.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    /// Current epoch, from 1.
    pub epoch: u64,
    /// Number of crystals done in the current epoch.
    pub crystals: u64,
    /// Weighted sum of the losses at the last step.
    pub loss: f64,
}

impl Extent {
    /// Returns the number of crystals of the whole run.
    fn total(&self) -> u64 {
        self.epochs.saturating_mul(self.crystals)
    }

    /// Returns the number of crystals of the whole run that are done.
    fn done(&self, position: &Position) -> u64 {
        let epochs = position.epoch.saturating_sub(1).saturating_mul(self.crystals);
        epochs.saturating_add(position.crystals.min(self.crystals)).min(self.total())
    }
}

/// Reports the progress of a run on standard error.
#[derive(Debug)]
pub struct Progress {
    extent: Extent,
    report: Report,
    start: Instant,
}

/// Kind of the report.
#[derive(Debug)]
enum Report {
    Silent,
    Bar(ProgressBar),
    Lines(Lines),
}

impl Progress {
    /// Creates a bar if standard error is a terminal, otherwise lines; nothing if `quiet`. A resumed run begins at
    /// `done` crystals, which do not count for its speed.
    pub fn new(extent: Extent, done: u64, quiet: bool) -> Self {
        let report = if quiet {
            Report::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(extent.total().max(1)).with_position(done);
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar.reset_eta();
            Report::Bar(bar)
        } else {
            Report::Lines(Lines { extent, begun_at: done, last: None, pending: None })
        };
        Self { extent, report, start: Instant::now() }
    }

    /// Reports a position.
    pub fn update(&mut self, position: Position) {
        match &mut self.report {
            Report::Silent => {}
            Report::Bar(bar) => {
                bar.set_position(self.extent.done(&position));
                bar.set_message(message(&self.extent, &position, bar.per_sec()));
            }
            Report::Lines(lines) => print(lines.update(self.start.elapsed(), position)),
        }
    }

    /// Prints a line above the bar, unless quiet.
    pub fn say(&mut self, text: &str) {
        match &mut self.report {
            Report::Silent => {}
            Report::Bar(bar) => bar.suspend(|| print(Some(text.to_owned()))),
            Report::Lines(lines) => {
                print(lines.finish(self.start.elapsed()));
                print(Some(text.to_owned()));
            }
        }
    }

    /// Ends the report: clears the bar, or prints the last line.
    pub fn finish(&mut self) {
        match &mut self.report {
            Report::Silent => {}
            Report::Bar(bar) => bar.finish_and_clear(),
            Report::Lines(lines) => print(lines.finish(self.start.elapsed())),
        }
    }
}

/// Prints a line. A closed standard error does not stop a run.
fn print(line: Option<String>) {
    if let Some(line) = line {
        let _ = writeln!(std::io::stderr(), "{}", text::message(&line));
    }
}

/// Returns epoch, loss and speed as text.
fn message(extent: &Extent, position: &Position, rate: f64) -> String {
    let Position { epoch, loss, .. } = position;
    format!("epoch {epoch}/{} loss {loss:.4} {rate:.0} crystals/s", extent.epochs)
}

/// A report as lines, at most one every [`LINE_INTERVAL`]. Times count from the beginning of the report.
#[derive(Debug)]
struct Lines {
    extent: Extent,
    /// Crystals of the whole run that were done before this process began.
    begun_at: u64,
    last: Option<Duration>,
    /// A position that is not reported yet.
    pending: Option<Position>,
}

impl Lines {
    /// Returns the line to print now, if one is due.
    fn update(&mut self, now: Duration, position: Position) -> Option<String> {
        self.pending = Some(position);
        let due = self.last.is_none_or(|last| now.saturating_sub(last) >= LINE_INTERVAL);
        if due { self.finish(now) } else { None }
    }

    /// Returns the line of the last position, if it was not printed yet.
    fn finish(&mut self, now: Duration) -> Option<String> {
        let position = self.pending.take()?;
        self.last = Some(now);
        let done = self.extent.done(&position);
        let rate = done.saturating_sub(self.begun_at) as f64 / now.as_secs_f64().max(1e-3);
        let left = self.extent.total().saturating_sub(done) as f64;
        let left = if rate > 0.0 { span(left / rate) } else { "unknown".to_owned() };
        let message = message(&self.extent, &position, rate);
        let crystals = counted(self.extent.crystals, "crystal");
        Some(format!("{message}, {} of {crystals}, {left} left", position.crystals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { epochs: 2, crystals: 1000 };

    fn position(epoch: u64, crystals: u64) -> Position {
        Position { epoch, crystals, loss: 1.5 }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn lines_come_at_intervals_and_at_the_end() {
        let mut lines = Lines { extent: EXTENT, begun_at: 0, last: None, pending: None };
        assert_eq!(
            lines.update(seconds(1), position(1, 100)).as_deref(),
            Some("epoch 1/2 loss 1.5000 100 crystals/s, 100 of 1000 crystals, 19 s left")
        );
        assert_eq!(lines.update(seconds(2), position(1, 200)), None);
        assert_eq!(lines.update(seconds(10), position(1, 900)), None);
        let line = lines.update(seconds(11), position(2, 100)).expect("ten seconds have passed");
        assert!(line.ends_with("100 crystals/s, 100 of 1000 crystals, 9 s left"), "{line}");
        assert_eq!(lines.finish(seconds(12)), None, "nothing new");
        assert_eq!(lines.update(seconds(13), position(2, 1000)), None);
        let line = lines.finish(seconds(20)).expect("the last position was not printed");
        assert!(line.ends_with("1000 of 1000 crystals, 0 s left"), "{line}");
    }

    #[test]
    fn a_resumed_run_is_as_fast_as_it_is() {
        let mut lines = Lines { extent: EXTENT, begun_at: 1500, last: None, pending: None };
        let line = lines.update(seconds(10), position(2, 600)).expect("the first");
        assert!(line.contains(" 10 crystals/s") && line.ends_with("40 s left"), "{line}");
        let mut lines = Lines { extent: EXTENT, begun_at: 1500, last: None, pending: None };
        let line = lines.update(seconds(0), position(2, 500)).expect("the first");
        assert!(line.ends_with("unknown left"), "{line}");
    }

    #[test]
    fn more_crystals_than_expected_are_no_harm() {
        assert_eq!(EXTENT.done(&position(1, 5000)), 1000);
        assert_eq!(EXTENT.done(&position(9, 5000)), 2000);
        let nothing = Extent { epochs: 0, crystals: 0 };
        assert_eq!(nothing.done(&position(0, 1)), 0);
    }
}
